"""Stacks that are up, killed, deaf or elsewhere, and what they leave."""

import json
import os
import signal
import subprocess

import psutil
import pytest

from cli.harness import House, await_line, end, forwarded, interrupt, until
from oneshot_cli import places


def _checks(house: House, *arguments: str, **env: str) -> dict[str, dict[str, str]]:
    ended = house("doctor", "--json", "--backend", "local", *arguments, **env)
    return {check["name"]: check for check in ended.json["checks"]}


def test_up_of_another_build_deaf_killed_and_tidied(own_house: House) -> None:
    assert _checks(own_house)["stack"]["found"].startswith("not up")
    assert not own_house.runtime.exists(), "looking makes nothing"
    assert own_house("up").code == 0
    assert _checks(own_house)["stack"]["found"].endswith(", idle")

    ready = own_house.stack.ready_file
    content = json.loads(ready.read_text())
    ready.write_text(json.dumps(content | {"build": "0.0.9+other"}))
    assert "of another version (0.0.9+other) and idle" in _checks(own_house)["stack"]["found"]

    grader = own_house.services()["grader"]
    os.kill(grader, signal.SIGSTOP)
    deaf = _checks(own_house)["stack"]
    assert (deaf["state"], deaf["mend"]) == ("fail", "oneshot down --force")
    os.kill(grader, signal.SIGCONT)

    supervisor = own_house.stack.pid()
    os.kill(supervisor, signal.SIGKILL)
    until(lambda: not psutil.pid_exists(supervisor))
    (own_house.data / "state" / "sandboxes" / "run-agent").mkdir(parents=True)
    (own_house.data / "state" / "backends" / "local").touch()
    killed = _checks(own_house)
    assert (killed["stack"]["state"], killed["stack"]["mend"]) == ("warn", "oneshot down")
    assert "1 sandboxes in" in killed["leftovers"]["found"]
    assert own_house("down").code == 0
    tidied = _checks(own_house)
    assert (tidied["stack"]["state"], tidied["leftovers"]["state"]) == ("ok", "ok")


def test_at_work_for_another_build(own_house: House) -> None:
    wish = ("run", "hello-world", "--agent", "command", "--command", "sleep 300", "--backend", "local")
    process = own_house.start(*wish)
    await_line(process, "agent at work")
    ready = own_house.stack.ready_file
    ready.write_text(json.dumps(json.loads(ready.read_text()) | {"build": "0.0.9+other"}))
    check = _checks(own_house)["stack"]
    refused = own_house(*wish)
    assert (check["state"], refused.code) == ("fail", 2)
    assert f"{check['found']}; {check['mend']}" == refused.sentence
    interrupt(process)
    assert end(process).code == 130


def test_an_endpoint(own_house: House) -> None:
    assert own_house("up").code == 0
    env = {"ONESHOT_TOKEN_FILE": str(own_house.runtime / "token"), "OPENAI_API_KEY": ""}
    with (
        forwarded(own_house.runtime / "orchestrator.sock") as port,
        forwarded(own_house.runtime / "proxy.sock") as proxy,
    ):
        there = ("doctor", "--endpoint", f"127.0.0.1:{port}")
        unknown = own_house(*there, **env, ONESHOT_PORT_PROXY="1")
        assert unknown.code == 2, "a key that cannot be asked for may be missing"
        assert "not known from here: the proxy at 127.0.0.1:1 does not answer" in unknown.out
        env["ONESHOT_PORT_PROXY"] = str(proxy)
        keyless = own_house(*there, **env)
        assert keyless.code == 2
        assert "no key for provider 'openai'" in keyless.out
        assert own_house("up", OPENAI_API_KEY="sk-there").code == 0
        ended = own_house(*there, **env)
    assert ended.code == 0, ended
    assert "the token is good" in ended.out
    assert ended.out.splitlines()[-1] == f"Ready: the next `oneshot run` would start (endpoint 127.0.0.1:{port})"
    assert _checks(own_house, ONESHOT_ENDPOINT="no:port")["endpoint"]["state"] == "fail"


@pytest.mark.docker
def test_leftovers_at_the_engine(own_house: House) -> None:
    mine = places.owner(own_house.data)
    another = f"not-{mine}"
    for owner in (mine, another):
        label = f"dev.oneshot.owner={owner}"
        subprocess.run(
            ["docker", "network", "create", "--internal", "--label", label, f"oneshot-doctor-{owner}"], check=True
        )
    try:
        found = _checks(own_house)["leftovers"]
        assert found["found"] == "1 containers or networks of a stack that was killed"
        assert found["mend"].startswith(f"docker rm -f $(docker ps -aq --filter label=dev.oneshot.owner={mine})")
        (own_house.data / "state" / "backends").mkdir(parents=True)
        (own_house.data / "state" / "backends" / "docker").touch()
        assert _checks(own_house)["leftovers"]["mend"] == "oneshot down"
        assert own_house("down").code == 0
        found = _checks(own_house)["leftovers"]
        assert found["state"] == "ok"
        assert f"1 of {another}" in found["found"]
    finally:
        subprocess.run(["docker", "network", "rm", f"oneshot-doctor-{mine}", f"oneshot-doctor-{another}"], check=False)
