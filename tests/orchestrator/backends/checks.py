"""What every sandbox must do, as a list of named checks: each backend's test runs them all."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from oneshot_orchestrator import git
from oneshot_orchestrator.contract import Backend, Changes, Environment, Exit, Role, Sandbox, SandboxSpec
from oneshot_orchestrator.overlay import changes_tar, files_tar
from oneshot_shared import archive
from oneshot_shared.task import load
from orchestrator import harness, trees

SLEEP = "64208.5"


@dataclass
class Bench:
    """A backend with the example's environment built."""

    backend: Backend
    environment: Environment
    place: Path
    said: list[str] = field(default_factory=list)

    async def run(self, sandbox: Sandbox, *argv: str, timeout: float = 30, **env: str) -> tuple[Exit, str, str]:
        """Run a command as the agent; returns how it ended, and both outputs."""
        out, err = bytearray(), bytearray()
        ended = await sandbox.run(list(argv), role=Role.AGENT, env=env, timeout=timeout, out=out.extend, err=err.extend)
        return ended, out.decode(errors="replace"), err.decode(errors="replace")

    async def tree(self, sandbox: Sandbox, name: str) -> trees.Tree:
        """The sandbox's tree as it is now."""
        with await sandbox.get_tree() as file:
            archive.unpack(file, self.place / name, strip=1, skip=git.is_git, refused=lambda *_: None)
        (self.place / name).mkdir(exist_ok=True)
        return trees.read(self.place / name)


async def bench(backend: Backend, place: Path) -> Bench:
    """Build the example's environment."""
    task = load(harness.task(place))
    said: list[str] = []
    backend.check(task)
    return Bench(backend, await backend.build(task, said.append, place / "build.log", agent_files=False), place, said)


type Check = Callable[[Bench, Sandbox], Awaitable[None]]


async def the_tree_is_the_base_and_a_repository(bench: Bench, sandbox: Sandbox) -> None:
    assert await bench.tree(sandbox, "out") == trees.read(bench.environment.folder / "base")
    ended, out, _ = await bench.run(sandbox, "git", "log", "--format=%s")
    assert (ended, out) == (Exit(0), "base\n")
    assert (await bench.run(sandbox, "git", "status", "--porcelain"))[1] == ""


async def a_command_gets_its_words_variables_and_place(bench: Bench, sandbox: Sandbox) -> None:
    ended, out, err = await bench.run(
        sandbox, "sh", "-c", 'echo "$1|$V|$PWD"; echo e >&2; exit 7', "sh", "a  $b", V="x y"
    )
    assert (ended, out, err) == (Exit(7), f"a  $b|x y|{sandbox.tree}\n", "e\n")


async def standard_input_is_closed(bench: Bench, sandbox: Sandbox) -> None:
    assert (await bench.run(sandbox, "sh", "-c", "cat; echo over", timeout=5))[:2] == (Exit(0), "over\n")


async def a_signal_is_a_failure(bench: Bench, sandbox: Sandbox) -> None:
    ended, _, _ = await bench.run(sandbox, "sh", "-c", "kill -9 $$")
    assert ended.code not in (0, None)
    assert not ended.timed_out


async def a_missing_program_is_a_result(bench: Bench, sandbox: Sandbox) -> None:
    ended, out, err = await bench.run(sandbox, "no-such-program")
    assert ended.code in (126, 127)
    assert "no-such-program" in out + err


async def much_output_arrives_whole(bench: Bench, sandbox: Sandbox) -> None:
    ended, out, err = await bench.run(
        sandbox, "sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x; head -c 9 /dev/zero >&2"
    )
    assert (ended.code, len(out), len(err)) == (0, 3_000_000, 9)


async def output_comes_while_the_command_runs(bench: Bench, sandbox: Sandbox) -> None:
    out = bytearray()
    command = ["sh", "-c", "echo first; sleep 5"]
    running = asyncio.create_task(
        sandbox.run(command, role=Role.AGENT, env={}, timeout=30, out=out.extend, err=out.extend)
    )
    async with asyncio.timeout(4):
        while not out:  # noqa: ASYNC110 -- filled by the sandbox
            await asyncio.sleep(0.01)
    await sandbox.stop()
    assert (await running).code != 0


async def at_the_timeout_everything_dies_and_the_tree_stays(bench: Bench, sandbox: Sandbox) -> None:
    command = f"echo done > done.txt; (env -i setsid nohup sleep {SLEEP} > /dev/null 2>&1 &); sleep {SLEEP}"
    before = time.monotonic()
    assert (await bench.run(sandbox, "sh", "-c", command, timeout=1))[0] == Exit(-1, timed_out=True)
    assert time.monotonic() - before < 4
    assert harness.marked(SLEEP) == []
    assert (await bench.tree(sandbox, "out"))[b"done.txt"] == ("file", b"done\n")


async def stopping_twice_is_harmless(bench: Bench, sandbox: Sandbox) -> None:
    await bench.run(sandbox, "sh", "-c", f"setsid sleep {SLEEP} > /dev/null 2>&1 &")
    assert len(harness.marked(SLEEP)) >= 1
    await sandbox.stop()
    await sandbox.stop()
    assert harness.marked(SLEEP) == []


async def files_are_laid_for_the_agent(bench: Bench, sandbox: Sandbox) -> None:
    folder = f"{sandbox.scratch}/deep"
    with files_tar({"a/b.txt": b"1", "c": b"2"}) as tar:
        await sandbox.put(tar, folder)
    command = f"cat {folder}/a/b.txt {folder}/c; echo mine > {folder}/c; rm {folder}/a/b.txt"
    ended, out, err = await bench.run(sandbox, "sh", "-c", command)
    assert (ended, out) == (Exit(0), "12"), err


async def changes_are_laid_over_the_tree(bench: Bench, sandbox: Sandbox) -> None:
    new: trees.Tree = {
        b"README.md": ("exec", b"new"),
        b"pyproject.toml/x": ("file", b"a folder now"),
        b"src": ("link", b"tests"),
        b"caf\xe9": ("file", b"\0"),
        b"d" * 90 + b"/" + "ü".encode() * 60: ("file", b"long"),
    }
    folder = trees.write(new, bench.place / "changes")
    base = trees.read(bench.environment.folder / "base")
    gone = [b"pyproject.toml", b"src/greet/__init__.py"]
    await sandbox.remove([os.fsdecode(name) for name in [*gone, *new, b"never/there"]])
    with changes_tar(Changes(folder, [])) as tar:
        await sandbox.put(tar, sandbox.tree)
    assert await bench.tree(sandbox, "out") == {k: v for k, v in base.items() if k not in gone} | new
    assert (await bench.run(sandbox, "sh", "-c", "echo x >> README.md"))[0] == Exit(0)


async def many_files_are_removed(bench: Bench, sandbox: Sandbox) -> None:
    await bench.run(sandbox, "sh", "-c", "mkdir m && cd m && seq 1200 | xargs touch")
    await sandbox.remove([f"m/{number}" for number in range(1, 1201)])
    assert (await bench.run(sandbox, "sh", "-c", "ls m | wc -l"))[1].strip() == "0"


async def a_tree_in_the_hands_of_the_agent_comes_out(bench: Bench, sandbox: Sandbox) -> None:
    command = "chmod -R a-rwx src; mkfifo p; ln README.md two; ln -s /etc/passwd out; mkdir -p q/.git; touch q/.git/config q/f"
    await bench.run(sandbox, "sh", "-c", command)
    await sandbox.stop()
    found = await bench.tree(sandbox, "out")
    assert found[b"two"] == found[b"README.md"]
    assert {b"src/greet/__init__.py", b"q/f"} <= set(found)
    assert not {b"p", b"out", b"q/.git/config"} & set(found)


async def its_environment_holds_nothing_of_ours(bench: Bench, sandbox: Sandbox) -> None:
    _, out, _ = await bench.run(sandbox, "env")
    assert harness.CANARY not in out
    assert "ONESHOT_ORCHESTRATOR" not in out


CHECKS: list[Check] = [
    the_tree_is_the_base_and_a_repository,
    a_command_gets_its_words_variables_and_place,
    standard_input_is_closed,
    a_signal_is_a_failure,
    a_missing_program_is_a_result,
    much_output_arrives_whole,
    output_comes_while_the_command_runs,
    at_the_timeout_everything_dies_and_the_tree_stays,
    stopping_twice_is_harmless,
    files_are_laid_for_the_agent,
    changes_are_laid_over_the_tree,
    many_files_are_removed,
    a_tree_in_the_hands_of_the_agent_comes_out,
    its_environment_holds_nothing_of_ours,
]


async def run(check: Check, backend: Backend, place: Path) -> None:
    """One check in a fresh sandbox; nothing is left after it."""
    made = await bench(backend, place)
    async with backend.sandbox(made.environment, SandboxSpec(f"check-{check.__name__}"[:40], "agent")) as sandbox:
        await check(made, sandbox)
    assert harness.marked(SLEEP) == []
