"""A run from build to grade, on each backend."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from oneshot.grader.v1 import grader_pb2
from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
from oneshot_orchestrator.contract import Environment, Sandbox, SandboxSpec
from orchestrator import harness
from orchestrator.harness import FAIL, INVALID, PASS, SOLVE, Stack

STEPS = [pb.STEP_QUEUE, pb.STEP_BUILD, pb.STEP_SANDBOX, pb.STEP_AGENT, pb.STEP_COLLECT, pb.STEP_VERIFY, pb.STEP_SCORE]
SLEEP = harness.sleep_length()


async def test_runs_at_once_keep_apart(stack: Stack, hello: Path, backend: str) -> None:
    runs = await asyncio.gather(
        stack.run(hello, "nop", backend, run_id="nop"),
        stack.run(hello, "oracle", backend, run_id="oracle"),
        stack.codex(hello, backend, run_id="codex"),
        stack.run(hello, "command", backend, command="echo mine > mine.txt; exit 3", run_id="command"),
    )
    assert [run.grade.verdict for run in runs] == [FAIL, PASS, PASS, FAIL], runs
    reference = stack.file("artifacts/diff.patch", "oracle")
    assert "+hello world" in reference
    assert stack.file("artifacts/diff.patch", "codex") == reference
    assert stack.file("artifacts/diff.patch", "nop") == ""
    diff = stack.file("artifacts/diff.patch", "command")
    assert "+mine" in diff
    assert "README" not in diff
    for run in runs:
        events = stack.events[run.run_id]
        assert [event.step for event in events if event.phase == pb.PHASE_STARTED] == STEPS
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
    if backend == "docker":
        assert harness.in_docker(stack.settings.owner, slots=False) == []
        slots = harness.in_docker(stack.settings.owner)
        assert len(slots) == 4, f"two slots are a network and a relay each, not {slots}"


async def test_a_replayed_run_leaves_its_results(stack: Stack, hello: Path) -> None:
    run = await stack.codex(hello)
    assert (run.grade.verdict, run.replayed, run.state) == (PASS, "hello-world", pb.RUN_STATE_FINISHED)
    assert (run.usage.input_tokens, run.usage.output_tokens) == (38238, 138)
    calls = [json.loads(line) for line in stack.file("trace/calls.jsonl").splitlines()]
    assert len(calls) == 4
    assert [call["status"] for call in calls] == [200] * 4
    trajectory = json.loads(stack.file("trace/trajectory.json"))
    assert [step["source"] for step in trajectory["steps"]].count("agent") == 4
    assert json.loads(stack.file("trace/session.json"))["calls_succeeded"] == 4
    events = [json.loads(line) for line in stack.file("logs/agent.jsonl").splitlines()]
    assert events[-1]["type"] == "turn.completed"
    assert json.loads(stack.file("evaluation_results.json"))["replayed"] == "hello-world"
    assert "no model was called" in stack.file("scoring_results.md")
    assert json.loads(stack.file("logs/verify-solution.json"))


async def test_at_the_deadline_the_agent_dies_with_its_daemons_and_its_work_is_graded(
    stack: Stack, hello: Path, backend: str
) -> None:
    command = f"{SOLVE}; (setsid nohup sleep {SLEEP} > /dev/null 2>&1 &); sleep {SLEEP}"
    run = await stack.run(hello, "command", backend, command=command, limits={"wall_seconds": 2})
    assert (run.grade.verdict, run.stopped_by) == (PASS, "time limit 2 s reached")
    assert harness.marked(SLEEP) == []


async def test_what_an_agent_left_in_the_background_does_not_keep_it_going(
    stack: Stack, hello: Path, backend: str
) -> None:
    command = f"{SOLVE}; echo said; setsid nohup sleep {SLEEP} & exit 0"  # it holds the agent's output open
    before = time.monotonic()
    run = await stack.run(hello, "command", backend, command=command)
    assert time.monotonic() - before < 25
    assert (run.grade.verdict, run.stopped_by) == (PASS, "")
    assert stack.file("logs/agent.stdout.log") == "said\n"
    assert harness.marked(SLEEP) == []


async def test_the_fresh_sandbox_is_begun_when_nothing_of_the_agent_runs_and_while_its_tree_is_taken(
    stack: Stack, hello: Path, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, seen = await stack.scheduler.backend(backend), list[str]()
    make = real.sandbox

    @asynccontextmanager
    async def recorded(environment: Environment, spec: SandboxSpec) -> AsyncIterator[Sandbox]:
        seen.append(f"{spec.purpose} begun")
        async with make(environment, spec) as sandbox:
            for name in ("stop", "get_tree"):
                monkeypatch.setattr(sandbox, name, told(f"{spec.purpose} {name}", getattr(sandbox, name)))
            yield sandbox

    def told[T](what: str, call: Callable[[], Awaitable[T]]) -> Callable[[], Awaitable[T]]:
        async def telling() -> T:
            result = await call()
            seen.append(what)
            return result

        return telling

    monkeypatch.setattr(real, "sandbox", recorded)
    assert (await stack.run(hello, "command", backend, command=SOLVE)).grade.verdict == PASS
    assert seen[:4] == ["agent begun", "agent stop", "verify-solution begun", "agent get_tree"]


async def test_at_the_token_limit_the_work_so_far_is_graded(stack: Stack, hello: Path) -> None:
    run = await stack.codex(hello, limits={"tokens": 10_000})
    assert (run.grade.verdict, run.stopped_by) == (PASS, "token limit 10000 reached (18938)")
    run = await stack.codex(hello, limits={"tokens": 9_000}, run_id="run-2")
    assert (run.grade.verdict, run.stopped_by) == (FAIL, "token limit 9000 reached (9347)")
    assert "token limit 9000 reached" in run.grade.reason


async def test_links_and_odd_files_do_not_matter(stack: Stack, hello: Path, backend: str) -> None:
    command = (
        f"{SOLVE}; ln -s /etc/shadow shadow; ln -s $PWD here; ln -s ../../../../etc up; ln -s README.md inside; mkfifo pipe;"
        "mkdir -p d && cp README.md d/one && ln d/one d/two; printf x > \"$(printf 'n\\nl')\"; chmod 000 d/one"
    )
    run = await stack.run(hello, "command", backend, command=command)
    assert run.grade.verdict == PASS, run.grade
    diff = stack.file("artifacts/diff.patch")
    assert "root:" not in diff
    for name in ("a/inside", "a/d/one", "a/d/two", '"a/n\\nl"'):
        assert f"diff --git {name} " in diff
    for name in ("shadow", "here", "up", "pipe"):
        assert f"a/{name}" not in diff
    assert run.notes[0].startswith("left out of the agent's tree: ")
    assert run.notes[0].endswith(" and 1 more")


async def test_the_agents_own_repository_is_not_obeyed(stack: Stack, hello: Path, backend: str, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    evil = f"touch {ran}"
    command = f"""
        git config core.fsmonitor '{evil}' && git config filter.evil.clean '{evil}' && git config filter.evil.smudge '{evil}'
        git config diff.evil.textconv '{evil}' && git config core.hooksPath "$PWD/hooks" && mkdir hooks
        for hook in pre-commit post-checkout post-index-change reference-transaction; do
            printf '#!/bin/sh\\n{evil}\\n' > hooks/$hook; chmod +x hooks/$hook; cp hooks/$hook .git/hooks/
        done
        {SOLVE}
        git update-index --assume-unchanged README.md
        echo '*' > .gitignore; echo '*' > .git/info/exclude
        echo '* text eol=crlf ident filter=evil diff=evil working-tree-encoding=UTF-16 export-ignore' > .gitattributes
        mkdir nested && git init -q nested && echo hidden > nested/hidden.txt
        rm -f {ran}"""
    run = await stack.run(hello, "command", backend, command=command)
    assert not ran.exists()
    assert run.grade.verdict == PASS, run.grade
    diff = stack.file("artifacts/diff.patch")
    for line in ("+hello world", "+++ b/.gitattributes", "+++ b/.gitignore", "+++ b/nested/hidden.txt", "+hidden"):
        assert line in diff
    assert ".git/" not in diff.replace(".git/hooks/", "")


async def test_an_agent_that_removes_the_tree_has_failed(stack: Stack, hello: Path, backend: str) -> None:
    run = await stack.run(hello, "command", backend, command='rm -rf "$PWD" "$PWD"/* "$PWD"/.[a-z]*')
    assert run.grade.verdict == FAIL
    assert "deleted file mode" in stack.file("artifacts/diff.patch")


async def test_a_tree_that_is_too_large_is_the_agents_fault(stack: Stack, hello: Path) -> None:
    toml = (hello / "task.toml").read_text()
    (hello / "task.toml").write_text(toml.replace("storage_mb = 4096", "storage_mb = 4194304"))
    run = await stack.run(hello, "command", command="truncate -s 1T big")
    assert (run.grade.verdict, run.grade.blame) == (INVALID, grader_pb2.BLAME_AGENT)
    assert "the tree that the agent left has more than 4294967296 bytes" in run.grade.reason


async def test_a_task_without_tests_has_no_verdict(stack: Stack, hello: Path) -> None:
    (hello / "tests" / "expected.json").unlink()
    run = await stack.run(hello, "oracle")
    assert run.state == pb.RUN_STATE_FINISHED
    assert run.grade.verdict == grader_pb2.VERDICT_UNSPECIFIED
    assert run.grade.reason == "The task has no tests, so there is no verdict."
    assert len(run.grade.criteria) == 3
    assert "+hello world" in stack.file("artifacts/diff.patch")
    assert json.loads(stack.file("evaluation_results.json"))["verdict"] is None


@pytest.mark.docker
async def test_an_environment_that_does_not_build_is_the_tasks_fault_docker(stack: Stack, hello: Path) -> None:
    (hello / "environment" / "Dockerfile").write_text(
        "FROM python:3.13-slim-trixie\nRUN echo words-before; head -c 200000 /dev/zero | tr '\\0' x; echo; echo last-words; false\n"
    )
    run = await stack.run(hello, "nop", "docker")
    assert (run.grade.verdict, run.grade.blame) == (INVALID, grader_pb2.BLAME_TASK)
    assert run.grade.reason.startswith(
        "the environment of 'hello' does not build: docker buildx build failed. Its last"
    )
    assert "last-words" in run.grade.reason
    assert "words-before" in stack.file("logs/build.log")


@pytest.mark.parametrize(
    ("setup", "words"),
    [
        (
            '[["sh", "-c", "echo oops; exit 4"]]',
            "'sh -c echo oops; exit 4' ended with exit code 4. Its last lines:\n$ sh -c",
        ),
        ('[["no-such-program"]]', "'no-such-program' cannot be run (No such file or directory)"),
    ],
)
async def test_an_environment_that_does_not_build_is_the_tasks_fault_local(
    stack: Stack, tmp_path: Path, setup: str, words: str
) -> None:
    run = await stack.run(harness.task(tmp_path / "t", setup=setup))
    assert (run.grade.verdict, run.grade.blame) == (INVALID, grader_pb2.BLAME_TASK)
    assert words in run.grade.reason
    assert ("oops" in run.grade.reason) == ("oops" in setup)


async def test_a_commands_exit_code_is_told(stack: Stack, hello: Path) -> None:
    run = await stack.run(hello, "command", command=f"{SOLVE}; exit 7")
    assert run.grade.verdict == PASS
    assert list(run.notes) == ["the command ended with exit code 7; see logs/agent.stderr.log"]


async def test_what_the_bases_gitignore_keeps_out_is_told_in_one_line(stack: Stack, hello: Path) -> None:
    files = "src/greet/__pycache__/a.pyc src/greet/__pycache__/b.pyc __pycache__/c.pyc"
    command = f"{SOLVE}; mkdir -p __pycache__ src/greet/__pycache__; touch {files}"
    run = await stack.run(hello, "command", command=command)
    assert run.grade.verdict == PASS
    told = "left out of the agent's tree: 3 new files that the base's .gitignore names, in __pycache__/, src/"
    assert list(run.notes) == [told]


async def test_names_that_are_not_utf8_do_not_spoil_a_run(stack: Stack, hello: Path) -> None:
    command = "import os; os.symlink('/etc/shadow', b'caf\\xe9'); open(b'b\\xe9te', 'w').write('x')"
    run = await stack.run(hello, "command", command=f'{SOLVE}; python3 -c "{command}"')
    assert run.grade.verdict == PASS, run.grade
    assert any("caf?" in note for note in run.notes), run.notes


async def test_the_plan_demands_isolation_where_the_supervisor_is_root(stack: Stack, hello: Path, backend: str) -> None:
    await stack.run(hello, "oracle", backend)
    report = json.loads(stack.file("logs/verify-solution.json"))
    assert report["isolated"] or backend == "local"
    assert (await stack.scheduler.backend(backend)).supervisor_is_root == (backend == "docker")


async def test_a_set_up_that_links_out_of_the_tree_is_no_difference(stack: Stack, tmp_path: Path) -> None:
    task = harness.task(tmp_path / "t", setup='[["sh", "-c", "ln -s /etc {tree}/etc"]]')
    assert (await stack.run(task, "nop")).grade.verdict == FAIL
    assert stack.file("artifacts/diff.patch") == ""


async def test_what_an_agent_does_to_the_base_that_all_runs_share_changes_no_later_verdict(
    stack: Stack, hello: Path
) -> None:
    spoil = (
        "for f in ../../../environments/*/*/base/src/greet/__init__.py; do echo 'raise SystemExit' >> $f; done; ls $f"
    )
    assert (await stack.run(hello, "command", command=spoil)).grade.verdict == FAIL
    assert stack.file("logs/agent.stdout.log").endswith("__init__.py\n")
    assert (await stack.run(hello, "oracle", run_id="run-2")).grade.verdict == PASS
    assert len(list(stack.data.glob("state/environments/local/*"))) == 1
