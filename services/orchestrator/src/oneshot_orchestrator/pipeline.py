"""One run, step by step (DESIGN §4): build, sandbox, agent, collect, verify, score, record."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from oneshot.grader.v1 import grader_pb2, grader_pb2_grpc
from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
from oneshot.proxy.v1 import proxy_pb2, proxy_pb2_grpc
from oneshot_orchestrator import agents, folders, session, verify
from oneshot_orchestrator.ahead import begun
from oneshot_orchestrator.contract import Agent, Backend, Done, Environment, Sandbox, SandboxSpec, Slot, Spoilt, Work
from oneshot_orchestrator.git import Trees
from oneshot_orchestrator.journal import Steps
from oneshot_orchestrator.session import Session
from oneshot_shared import archive
from oneshot_shared.errors import BadInput, printable
from oneshot_shared.git import is_git
from oneshot_shared.task import Task

_NAME = 100
_SOLUTION_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class Services:
    """The other services."""

    proxy: "proxy_pb2_grpc.ProxyServiceAsyncStub"
    grader: "grader_pb2_grpc.GraderServiceAsyncStub"


@dataclass(frozen=True)
class _Left:
    """What an agent left: how it ended, its session's record, its tree, and for a task with tests the sandbox to come."""

    done: Done
    record: proxy_pb2.Session
    tree: str
    fresh: Awaitable[Sandbox] | None


@dataclass
class Pipeline:
    """One run's way through the steps. `folder` is data/runs/<run_id>."""

    run: pb.Run
    task: Task
    backend: Backend
    slot: Slot
    services: Services
    steps: Steps
    folder: Path
    scratch: Path
    changed: Callable[[pb.Run], None]

    @property
    def agent(self) -> Agent:
        """Who works."""
        return agents.find(self.run.request.agent.name)

    async def execute(self) -> grader_pb2.Grade:
        """Run everything and return the grade. :raises: what machinery raises; the caller turns it into INVALID."""
        log, files = self.folder / "logs" / "build.log", self.agent.needs_files
        async with AsyncExitStack() as stack:
            with self.steps.step(pb.STEP_BUILD):
                building = self.backend.build(self.task, self.steps.say, log, agent_files=files)
                environment = await stack.enter_async_context(building)
            return await self._execute_in(environment)

    async def _execute_in(self, environment: Environment) -> grader_pb2.Grade:
        place = Path(mkdtemp(prefix=f"{self.run.run_id}-", dir=self.scratch))
        trees = Trees(environment.folder, place)
        verifier = verify.Verifier(self.run.run_id, self.task, self.backend, environment, trees, self.folder / "logs")
        try:
            async with AsyncExitStack() as made:
                return await self._grade(verifier, await self._agent(environment, verifier, place, made), made)
        finally:
            await asyncio.to_thread(folders.remove, place)

    async def _agent(
        self, environment: Environment, verifier: verify.Verifier, place: Path, made: AsyncExitStack
    ) -> _Left:
        """Let the agent work in its sandbox. When nothing of it runs any more, a fresh one is begun, which `made` holds."""
        spec = SandboxSpec(self.run.run_id, "agent", slot=self.slot, agent_files=self.agent.needs_files)
        async with AsyncExitStack() as stack:
            with self.steps.step(pb.STEP_SANDBOX):
                sandbox = await stack.enter_async_context(self.backend.sandbox(environment, spec))
            with self.steps.step(pb.STEP_AGENT):
                async with session.opened(
                    self.services.proxy, self.run, self.task, self.folder / "trace", self._seen
                ) as opened:
                    done = await self.agent.work(self._work(sandbox, opened, verifier))
                    opened.agent_usage = done.usage
                    await sandbox.stop()
                fresh = None
                if self.task.expected:
                    fresh = await made.enter_async_context(begun(verifier.sandbox(grader_pb2.SUBJECT_SOLUTION)))
                if done.exit.timed_out:
                    self.run.stopped_by = f"time limit {self.run.request.limits.wall_seconds} s reached"
                elif done.exit.disk_full:
                    self.run.stopped_by = (
                        "disk limit of the sandbox reached; [environment] storage_mb in task.toml sets it"
                    )
            with self.steps.step(pb.STEP_COLLECT):
                tree = await self._collect(sandbox, verifier.trees, place)
        if self.run.request.agent.name == "command" and done.exit.code > 0:
            self.run.notes.append(f"the command ended with exit code {done.exit.code}; see logs/agent.stderr.log")
        return _Left(done, opened.record, tree, fresh)

    def _work(self, sandbox: Sandbox, opened: Session, verifier: verify.Verifier) -> Work:
        return Work(
            sandbox=sandbox,
            instruction=self.task.instruction,
            model=self.run.request.model,
            command=self.run.request.agent.command,
            gateway_url=self.slot.gateway_url(opened.port),
            token=opened.token,
            timeout=self.run.request.limits.wall_seconds,
            logs=self.folder / "logs",
            say=self.steps.say,
            reference=verifier.reference,
            allow_unsandboxed=self.run.request.allow_unsandboxed or bool(self.run.replayed),
        )

    def _seen(self, record: proxy_pb2.Session) -> None:
        if record.usage != self.run.usage:
            self.run.usage.CopyFrom(record.usage)
            self.changed(self.run)
            self.steps.say(f"{record.calls} model calls")
        self.run.stopped_by = record.stopped_by or self.run.stopped_by
        for alarm in record.alarms:
            if alarm not in self.run.alarms:
                self.steps.alarm(alarm)
        self.run.alarms[:] = record.alarms
        self.run.drift[:] = record.drift

    async def _collect(self, sandbox: Sandbox, trees: Trees, place: Path) -> str:
        """Copy the tree out, leave out what leads elsewhere, and write the difference to the base."""
        refused: list[str] = []
        tree_folder = place / "tree"
        tree_folder.mkdir()
        with await sandbox.get_tree() as file:
            try:
                await folders.on_thread(
                    archive.unpack,
                    file,
                    tree_folder,
                    strip=1,
                    skip=is_git,
                    refused=lambda name, why: refused.append(f"{_short(name)}, which {why}"),
                )
            except BadInput as error:
                raise Spoilt(f"the tree that the agent left cannot be taken: {error}") from None
        tree, ignored = await trees.of_folder(tree_folder, self.task.reference_patch)
        if (size := await trees.size(tree)) > _SOLUTION_BYTES:
            raise Spoilt(f"the files that the agent changed have {size} bytes; a solution may have {_SOLUTION_BYTES}")
        await trees.write_patch(tree, self.folder / "artifacts" / "diff.patch")
        if refused:
            self.run.notes.append(f"left out of the agent's tree: {_first('; ', refused)}")
        if ignored:
            tops = (name.partition("/") for name in ignored)
            places = sorted({f"{_short(top)}{slash}" for top, slash, _ in tops})
            left_out = f"{len(ignored)} new files that the base's .gitignore names"
            self.run.notes.append(f"left out of the agent's tree: {left_out}, in {_first(', ', places)}")
        return tree

    async def _grade(self, verifier: verify.Verifier, left: _Left, made: AsyncExitStack) -> grader_pb2.Grade:
        plan = report = None
        if left.fresh:
            with self.steps.step(pb.STEP_VERIFY):
                expected = (self.task.path / "tests" / "expected.json").read_bytes()
                wanted = grader_pb2.PlanRequest(expected=expected, isolate=self.backend.supervisor_is_root)
                plan = (await self.services.grader.Plan(wanted)).plan
                report = await verifier.report(plan, grader_pb2.SUBJECT_SOLUTION, left.tree, left.fresh)
                await made.aclose()  # before any control
        evidence = self._evidence(left.done, left.record)
        with self.steps.step(pb.STEP_SCORE):
            return await verify.grade(self.services.grader, verifier, plan, report, evidence, left.tree)

    def _evidence(self, done: Done, record: proxy_pb2.Session) -> grader_pb2.Evidence:
        return grader_pb2.Evidence(
            agent=self.run.request.agent.name,
            needs_model=self.agent.needs_model,
            model_calls_succeeded=record.calls_succeeded,
            commands_succeeded=done.commands_succeeded,
            exit_code=done.exit.code,
            stopped_by=self.run.stopped_by,
            upstream_failure=record.upstream_failure,
            last_words=printable(done.last_words),
            alarms=record.alarms,
            broke_off=done.broke_off,
        )


def _short(name: str) -> str:
    """A name that an agent chose, for a sentence."""
    return printable(name if len(name) <= _NAME else f"{name[:_NAME]}…")


def _first(separator: str, words: list[str]) -> str:
    """The first three, and how many more there are."""
    more = f" and {len(words) - 3} more" if len(words) > 3 else ""
    return f"{separator.join(words[:3])}{more}"
