"""Logs are JSON lines, whoever writes them."""

import json
import subprocess
import sys

PROGRAM = """
import logging, sys
import structlog
from oneshot_shared import logs
logs.configure("toy", "{level}")
structlog.contextvars.bind_contextvars(run_id="run-1")
logs.get().debug("small")
logs.get().info("made", path="/x", words='say "hi"\\nthere')
try:
    1 / 0
except ZeroDivisionError as error:
    logs.get().error("broken", exc_info=error)
    logging.getLogger("lib").exception('it said "no"\\nand left %s', "us")
logging.getLogger("lib").info("not shown")
with logs.rewriting(lambda line: line.replace("sec/ret", "*******")):
    logs.get().info("a sec/ret", deep={{"x": ["sec/ret"]}}, words=b"sec/ret")
"""


def lines(level: str) -> list[dict]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(level=level)], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout == ""
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_every_event_is_one_json_line_with_service_and_run() -> None:
    made, broken, library, _ = lines("info")
    assert made | {"timestamp": ""} == {
        "event": "made", "level": "info", "service": "toy", "run_id": "run-1", "path": "/x",
        "words": 'say "hi"\nthere', "timestamp": "",
    }  # fmt: skip
    assert made["timestamp"].endswith("Z")
    assert broken["level"] == "error"
    assert "ZeroDivisionError" in broken["exception"]
    assert library["logger"] == "lib"
    assert library["event"].startswith('it said "no"\nand left us\nTraceback')


def test_the_level_is_kept() -> None:
    assert lines("debug")[0]["event"] == "small"
    assert lines("error")[0]["event"] == "broken"


def test_a_finished_line_can_be_rewritten() -> None:
    last = lines("info")[-1]
    assert last["event"] == "a *******"
    assert "sec/ret" not in str(last)
