"""oneshot trace record: a person's command, recorded, and never in its way."""

import json
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from cli.harness import House, await_line, end, house, until
from fakes import tls
from fakes.model_server import say, serving

MINE = "sk-mine-0123456789abcdefghij"
ASK = """
import json, os, ssl, sys, urllib.request
context = ssl.create_default_context()  # as any Python program's
body = json.dumps({"model": "gpt-5", "input": "hi", "stream": True}).encode()
headers = {"authorization": "Bearer " + os.environ["MINE"], "content-type": "application/json"}
request = urllib.request.Request(sys.argv[1] + "/responses", body, headers)
print(urllib.request.urlopen(request, context=context).read().decode().count("response.completed"))
sys.exit(7)
"""


def test_a_command_is_recorded_with_its_own_login(tmp_path: Path) -> None:
    made = tls.made(tmp_path / "tls")
    with serving(lambda _: say("hello"), made.server) as server:
        settings = {
            "ONESHOT_PROXY_UPSTREAM_CA": str(made.authority),
            "ONESHOT_PROXY_MODEL_HOSTS": server.base_url.split("/")[2],
        }
        with house(**settings, MINE=MINE) as mine:
            ended = mine("trace", "record", "--", sys.executable, "-c", ASK, server.base_url)
            assert (ended.code, ended.out) == (7, "2\n"), ended.err  # the event's name and its type
            assert server.requests[0].headers["authorization"] == f"Bearer {MINE}"
            (line,) = ended.err.splitlines()
            assert line.startswith("oneshot: Recorded 1 call, 1,050 tokens (1,000 in, of them 400 cached; 50 out), ")
            name = line.rpartition(" ")[2]
            assert name in mine("trace", "list").out
            files = [file for file in mine.data.rglob("*") if file.is_file()]
            assert not [file for file in files if MINE.encode() in file.read_bytes()]
            assert not [file for file in files if f"osb.{name}.".encode() in file.read_bytes()]


def test_what_gives_way_is_said_first(house: House) -> None:
    ended = house("trace", "record", "--", "sh", "-c", "echo $NO_PROXY", HTTPS_PROXY="http://a:b@corp:1", NO_PROXY="*")
    assert (ended.code, ended.out) == (0, "\n")
    first, second, *_ = ended.err.splitlines()
    assert first.startswith("oneshot: the proxy that this shell names")
    assert second.startswith("oneshot: NO_PROXY is set aside while recording (*)")


def test_signals_reach_the_command_and_its_end_is_said(house: House) -> None:
    program = "import signal, sys, time; print('at work', file=sys.stderr, flush=True); time.sleep(60)"
    process = house.start("trace", "record", "--", sys.executable, "-c", program)
    await_line(process, "at work")
    os.kill(process.pid, signal.SIGTERM)
    ended = end(process)
    assert ended.code == 128 + signal.SIGTERM
    assert "Recorded 0 calls" in ended.err
    assert "Alarm" not in ended.err or "no model call" in ended.err


def test_without_a_command_the_variables_are_printed_until_it_is_ended(house: House) -> None:
    process = house.start("trace", "record")
    assert process.stdout
    lines = dict(process.stdout.readline().removeprefix("export ").strip().split("=", 1) for _ in range(7))
    assert lines["HTTPS_PROXY"].startswith("http://live-")
    assert "BEGIN CERTIFICATE" in Path(lines["CODEX_CA_CERTIFICATE"]).read_text()
    status = house("status", "--json").json
    busy = {each["service"]: each["busy"] for each in status["services"]}
    assert "session" in busy["proxy"], json.dumps(status)
    os.kill(process.pid, signal.SIGTERM)
    ended = end(process)
    assert (ended.code, f"until `kill {process.pid}`" in ended.err) == (0, True), "no Ctrl-C without a terminal"
    assert not Path(lines["CODEX_CA_CERTIFICATE"]).exists()


def test_a_separator_without_a_command(house: House) -> None:
    ended = house("trace", "record", "--")
    assert (ended.code, ended.out) == (2, "")
    assert ended.sentence.startswith("there is no command after --; give one, as in -- codex")


@pytest.mark.parametrize("command", ["no-such-program-anywhere"])
def test_a_program_that_is_not_there(house: House, command: str) -> None:
    ended = house("trace", "record", "--", command)
    assert (ended.code, ended.out) == (2, "")
    assert ended.sentence == f"there is no program '{command}' on the PATH; give one after --, as in -- codex"


def test_who_is_killed_lets_the_session_go(house: House) -> None:
    temporary = {"TMPDIR": str(house.root / "home")}
    program = "import os, sys, time; print(os.getpid(), os.environ['HTTPS_PROXY'], file=sys.stderr, flush=True); time.sleep(300)"
    process = house.start("trace", "record", "--", sys.executable, "-c", program, **temporary)
    assert process.stderr
    pid, proxy = process.stderr.readline().split()
    name = proxy.split("http://", 1)[1].split(":", 1)[0]
    (folder,) = (house.root / "home").glob("oneshot-record-*")
    os.kill(process.pid, signal.SIGKILL)
    end(process)
    until(lambda: not psutil.pid_exists(int(pid)) or psutil.Process(int(pid)).status() == psutil.STATUS_ZOMBIE)
    assert house("trace", "record", "--", "true", **temporary).code == 0
    assert not folder.exists(), "the next one removes what it left"
    until(lambda: "open" not in _line(house, name), seconds=30, what=lambda: _line(house, name))


def _line(house: House, name: str) -> str:
    return next(line for line in house("trace", "list").out.splitlines() if name in line)
