"""oneshot up, status, down."""

import json
import os
import signal
import time

from cli.harness import House, await_line, end

SLOW = ("run", "hello-world", "--agent", "command", "--command", "sleep 300", "--backend", "local")


def test_status_starts_nothing_and_says_so_by_its_exit_code(own_house: House) -> None:
    status = own_house("status")
    assert status.code == 3
    assert status.out.startswith(f"No stack is up for {own_house.data}; ")
    assert own_house("status", "--json").json == {"up": False, "data": str(own_house.data), "services": []}
    assert own_house("down").out == f"No stack is up for {own_house.data}.\n"
    assert own_house.leftovers() == []


def test_up_status_down(own_house: House) -> None:
    up = own_house("up")
    assert up.code == 0
    first, second = up.out.splitlines()
    assert first == f"The stack is up: data in {own_house.data}, logs in {own_house.data / 'state' / 'logs'}."
    authority = own_house.data / "state" / "mitmproxy" / "mitmproxy-ca-cert.pem"
    assert second.endswith(f", its CA is {authority}; see `oneshot trace record`.")
    assert authority.is_file()
    services = own_house.services()
    assert list(services) == ["proxy", "grader", "orchestrator", "capture"]
    assert own_house("up").code == 0
    assert own_house.services() == services, "it was joined"
    status = own_house("status")
    assert status.code == 0
    assert "idle for" in status.out
    assert own_house("down").out == "The stack is down.\n"
    assert own_house.leftovers() == []
    assert own_house("status").code == 3


def test_a_stack_at_work_is_left_alone_unless_forced(own_house: House) -> None:
    """And a run with a model is cancelled whole: the proxy is there until its trace and its cost are known."""
    live = ("--model", "m", "--provider", "compatible", "--run-id", "live")
    process = own_house.start(*SLOW, *live, COMPATIBLE_BASE_URL="http://127.0.0.1:9/v1")
    await_line(process, "agent at work")
    assert "orchestrator  process" in own_house("status").out
    assert "1 runs" in own_house("status").out
    down = own_house("down")
    assert down.code == 2
    assert (
        down.sentence == "the stack is at work (1 live session, 1 runs); wait for it, or cancel what runs with --force"
    )
    begun = time.monotonic()
    assert own_house("down", "--force").code == 0
    ended = end(process)
    assert ended.code == 130
    assert "was cancelled after" in ended.out
    assert time.monotonic() - begun < 15
    assert own_house.leftovers() == []
    results = own_house.data / "runs" / "live"
    assert json.loads((results / "run.json").read_text())["state"] == "RUN_STATE_CANCELLED"
    assert json.loads((results / "trace" / "session.json").read_text())["session_id"] == "live"


def test_a_service_that_does_not_answer_is_named_and_the_way_out_too(own_house: House) -> None:
    own_house("up")
    services = own_house.services()
    os.kill(services["proxy"], signal.SIGSTOP)
    status = own_house("status")
    assert status.code == 0
    assert "  proxy: does not answer\n" in status.out
    assert "orchestrator  process" in status.out
    rows = {row["service"]: row["busy"] for row in own_house("status", "--json").json["services"]}
    assert rows == {"proxy": "does not answer", "grader": "", "orchestrator": "", "capture": ""}
    down = own_house("down")
    assert down.code == 2
    assert down.sentence == "the stack does not answer (proxy); stop it with `oneshot down --force`"
    assert own_house.services() == services | {"proxy": 0}
    assert own_house("down", "--force").out == "The stack is down.\n"
    assert own_house.leftovers() == []
