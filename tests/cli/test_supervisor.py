"""The supervisor: it leaves when idle, restarts what falls, and nothing outlives it."""

import json
import os
import signal
import subprocess
import sys
import time

from cli.harness import House, await_line, end, until

SLOW = ("run", "hello-world", "--agent", "command", "--command", "sleep 300", "--backend", "local")


def test_an_idle_stack_leaves_and_a_busy_one_stays(own_house: House) -> None:
    own_house.env["ONESHOT_IDLE_SECONDS"] = "1.5"
    busy = ("--agent", "command", "--command", "sleep 3")
    assert own_house("run", "hello-world", *busy, "--backend", "local").code == 1, "it stayed as long as it was needed"
    until(lambda: not own_house.leftovers(), what=own_house.leftovers)
    assert own_house("status").code == 3


def test_a_stack_that_cannot_tell_whether_it_is_idle_stays(own_house: House) -> None:
    """As where a clean-up takes files away while a detached run is at work."""
    own_house.env["ONESHOT_IDLE_SECONDS"] = "2"
    run = ("run", "hello-world", "--agent", "command", "--command", "sleep 5", "--backend", "local", "--detach")
    assert own_house(*run).code == 0
    pid, token, lock = own_house.stack.pid(), own_house.runtime / "token", own_house.state / "start.lock"
    token.rename(own_house.root / "away")
    time.sleep(3)
    (own_house.root / "away").rename(token)
    assert own_house.stack.pid() == pid
    lock.unlink()
    lock.mkdir()
    until(lambda: own_house.runs()[0].get("ended_at"))
    assert own_house.runs()[0]["state"] == "RUN_STATE_FINISHED"
    until(lambda: "nobody can tell whether the stack is idle; it stays" in own_house.stack.log.read_text())
    time.sleep(1)
    assert own_house.stack.pid() == pid
    lock.rmdir()
    until(lambda: not own_house.stack.alive())
    last = json.loads(own_house.stack.log.read_text().splitlines()[-1])
    assert (last["event"], last["why"]) == ("leaving", "idle")


def test_why_it_leaves_is_in_its_log(own_house: House) -> None:
    own_house("up")
    own_house("down")
    last = json.loads(own_house.stack.log.read_text().splitlines()[-1])
    assert (last["event"], last["why"]) == ("leaving", "told to")
    assert (own_house.state / "alive.lock").read_text() == ""


def test_a_killed_command_leaves_nothing_after_the_grace(own_house: House) -> None:
    own_house.env["ONESHOT_IDLE_SECONDS"] = "1.5"
    process = own_house.start(*SLOW)
    await_line(process, "agent at work")
    assert [each for each in own_house.processes() if "sleep 300" in each]
    process.kill()
    end(process)
    until(lambda: not [each for each in own_house.processes() if "sleep" in each], 10)
    until(lambda: not own_house.leftovers(), what=own_house.leftovers)
    (run,) = own_house.runs()
    assert run["state"] == "RUN_STATE_CANCELLED"


def test_services_end_with_a_killed_supervisor_and_the_next_command_starts_afresh(own_house: House) -> None:
    process = own_house.start(*SLOW)
    await_line(process, "agent at work")
    old, services = own_house.stack.pid(), own_house.services()
    os.kill(old, signal.SIGKILL)
    joined = own_house("runs", "list", "--json")
    assert joined.code == 0, joined
    assert joined.json[0]["state"] in ("RUN_STATE_CANCELLED", "RUN_STATE_FINISHED")
    assert own_house.stack.pid() != old
    assert not set(services.values()) & set(own_house.services().values())
    assert own_house("status").code == 0
    assert not [each for each in own_house.processes() if "sleep" in each]
    assert end(process).code in (130, 3)
    assert own_house("run", "hello-world", "--agent", "oracle", "--backend", "local").code == 0


def test_nothing_is_left_of_a_killed_supervisor(own_house: House) -> None:
    own_house("up")
    os.kill(own_house.stack.pid(), signal.SIGKILL)
    until(lambda: not own_house.processes(), what=own_house.processes)
    assert own_house("status").code == 3
    assert own_house("down").code == 0
    assert own_house.leftovers() == []


def test_a_killed_orchestrator_comes_back_and_its_run_is_invalid(own_house: House) -> None:
    process = own_house.start(*SLOW)
    await_line(process, "agent at work")
    services = own_house.services()
    os.kill(services["orchestrator"], signal.SIGKILL)
    ended = end(process)
    assert ended.code == 3
    words = "Verdict: INVALID (infra): the orchestrator was stopped while this run was at work; submit it again"
    assert words in ended.out
    assert not [each for each in own_house.processes() if "sleep" in each]
    now = own_house.services()
    assert now["orchestrator"] != services["orchestrator"]
    assert now["proxy"] == services["proxy"]
    assert own_house("run", "hello-world", "--agent", "oracle", "--backend", "local").code == 0


def test_a_second_supervisor_does_not_start(house: House) -> None:
    assert house("up").code == 0
    command = [sys.executable, "-m", "oneshot_cli.supervisor", str(house.data)]
    env = house.env | {"PYTHONWARNINGS": ""}
    second = subprocess.run(command, env=env, capture_output=True, text=True, timeout=30, check=False)
    assert second.returncode == 2
    assert json.loads(second.stderr.splitlines()[-1])["event"] == f"another stack already serves {house.data}"
    assert house("status").code == 0


def test_what_a_service_does_not_like_is_said(own_house: House) -> None:
    wrong = own_house("up", ONESHOT_PROXY_GATEWAY_PRT="1")
    assert (wrong.code, wrong.out) == (2, "")
    assert wrong.sentence.startswith("the stack does not start: proxy: ONESHOT_PROXY_GATEWAY_PRT is no setting of this")
    assert str(own_house.data / "state" / "logs") in wrong.sentence
    idle = own_house("up", ONESHOT_IDLE_SECONDS="soon")
    assert idle.code == 2
    assert "stack: ONESHOT_IDLE_SECONDS is 'soon'; set it to seconds above 0" in idle.sentence
    until(lambda: not own_house.leftovers(), what=own_house.leftovers)
