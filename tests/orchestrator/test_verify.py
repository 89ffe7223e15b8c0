"""Verification: a fresh sandbox that the agent's one cannot reach, and controls where a report is not whole."""

import json
from pathlib import Path

import pytest

from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
from oneshot_orchestrator.verify import _takes
from orchestrator import harness
from orchestrator.harness import FAIL, PASS, SOLVE, Stack

PROBE = """

def test_nothing_of_the_agent_and_no_way_out():
    import os, socket
    assert [name for _, name in socket.if_nameindex()] == ["lo"]
    assert os.getuid() != 0
    assert not [p for p in ("/tmp/agent-was-here", "/oneshot/agent-was-here", "/opt/oneshot-agent") if os.path.exists(p)]
    with open("/proc/self/status") as file:
        status = dict(line.split(":", 1) for line in file)
    assert int(status["CapEff"], 16) == 0
    try:
        socket.gethostbyname("proxy")
    except OSError:
        return
    raise AssertionError("the proxy's name resolves")
"""


def with_test(task: Path, source: str, name: str) -> Path:
    """The task with one more hidden test that is to pass before and after."""
    hidden = task / "tests" / "files" / "tests" / "test_greet.py"
    hidden.write_text(hidden.read_text() + source)
    expected = json.loads((task / "tests" / "expected.json").read_text())
    expected["pass_to_pass"].append(f"tests/test_greet.py::{name}")
    (task / "tests" / "expected.json").write_text(json.dumps(expected))
    return task


@pytest.mark.docker
async def test_the_verification_sandbox_is_fresh_and_has_no_network(stack: Stack, hello: Path) -> None:
    task = with_test(hello, PROBE, "test_nothing_of_the_agent_and_no_way_out")
    command = f"{SOLVE}; touch /tmp/agent-was-here; mkdir -p /oneshot; touch /oneshot/agent-was-here; true"
    run = await stack.run(task, "command", "docker", command=command)
    assert run.grade.verdict == PASS, run.grade
    assert harness.in_docker(stack.settings.owner, slots=False) == []


async def test_an_agent_that_spoils_its_sandbox_spoils_nothing_else(stack: Stack, hello: Path, backend: str) -> None:
    command = f"{SOLVE}; rm -rf tests .git; git init -q . ; echo 'import os; os._exit(0)' > conftest.py"
    run = await stack.run(hello, "command", backend, command=command)
    assert run.grade.verdict in (PASS, FAIL)  # never INVALID: the agent cannot make the machinery fail
    assert run.state == pb.RUN_STATE_FINISHED


async def test_controls_are_verified_where_the_report_is_not_whole(stack: Stack, hello: Path) -> None:
    run = await stack.run(hello, "command", command=f"{SOLVE}; echo 'import os; os._exit(0)' >> src/greet/__init__.py")
    assert run.grade.verdict == FAIL
    assert [finding.code for finding in run.grade.findings] == ["report_incomplete"]
    logs = {file.name for file in (stack.data / "runs" / "run-1" / "logs").iterdir()}
    assert {"verify-solution.json", "verify-oracle.json", "verify-nop.json"} <= logs


async def test_a_reference_that_does_not_pass_either_is_the_tasks_fault(stack: Stack, hello: Path) -> None:
    task = with_test(hello, "\n\nimport os\nos._exit(0)\n\n\ndef test_never():\n    pass\n", "test_never")
    run = await stack.run(task, "oracle")
    assert (run.grade.verdict, run.grade.blame) == (harness.INVALID, harness.TASK)


async def test_a_patch_that_does_not_apply_is_the_tasks_fault(stack: Stack, hello: Path) -> None:
    (hello / "solution" / "solution.patch").write_text("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-1\n+2\n")
    run = await stack.run(hello, "oracle")
    assert (run.grade.verdict, run.grade.blame) == (harness.INVALID, harness.TASK)
    assert "solution.patch does not apply to the base" in run.grade.reason


@pytest.mark.parametrize(
    ("old", "new", "fits"),
    [
        (None, "file", True),
        (None, "link", True),
        ("file", "file", True),
        ("file", "link", False),
        ("link", "file", False),
        ("folder", "file", False),
        ("lost", "link", False),
    ],
)
def test_only_a_file_is_laid_over_a_file(tmp_path: Path, old: str | None, new: str, fits: bool) -> None:
    for name, kind in (("old", old), ("new", new)):
        place = tmp_path / name
        if kind == "file":
            place.touch()
        elif kind == "folder":
            place.mkdir()
        elif kind:
            place.symlink_to("nowhere" if kind == "lost" else tmp_path)
    assert _takes(tmp_path / "old", tmp_path / "new") is fits
