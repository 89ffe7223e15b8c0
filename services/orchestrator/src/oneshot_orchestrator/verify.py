"""Verification: a fresh sandbox, the grader's plan, and what its supervisor printed."""

import asyncio
from collections.abc import Awaitable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from oneshot.grader.v1 import grader_pb2, grader_pb2_grpc
from oneshot_orchestrator.agents.output import Capped
from oneshot_orchestrator.ahead import begun
from oneshot_orchestrator.backends.trees import handed_over
from oneshot_orchestrator.contract import Backend, Changes, Environment, Role, Sandbox, SandboxSpec
from oneshot_orchestrator.git import Trees
from oneshot_orchestrator.overlay import verification_tar
from oneshot_shared import placeholders
from oneshot_shared.task import Task

_REPORT_CAP = 5 * 1024 * 1024  # three of them fit one message; the runner keeps below it


@dataclass
class Verifier:
    """Verifies trees of one run in the task's own image."""

    run_id: str
    task: Task
    backend: Backend
    environment: Environment
    trees: Trees
    logs: Path

    def sandbox(self, subject: grader_pb2.Subject) -> AbstractAsyncContextManager[Sandbox]:
        """A fresh sandbox for a subject's verification."""
        spec = SandboxSpec(self.run_id, f"verify-{_name(subject)}", supervised=True)
        return self.backend.sandbox(self.environment, spec)

    async def report(
        self,
        plan: grader_pb2.VerificationPlan,
        subject: grader_pb2.Subject,
        tree: str,
        fresh: Awaitable[Sandbox],
    ) -> grader_pb2.Report:
        """Verify a tree, or a control, in a sandbox that may still be in the making."""
        changes = await self.trees.changes(tree)
        tests = self.task.path / "tests"
        packing = asyncio.to_thread(verification_tar, tests, dict(plan.files), changes)
        with await handed_over(packing) as tar:
            sandbox = await fresh
            folder = f"{sandbox.scratch}/verify"
            await sandbox.put(tar, folder)
        words = {"python": "python3", "verify": folder, "tree": sandbox.tree}
        argv = [placeholders.fill(part, words) for part in plan.argv]
        output = bytearray()

        def keep(chunk: bytes) -> None:
            output.extend(chunk[: max(0, _REPORT_CAP - len(output))])

        name = f"verify-{_name(subject)}"
        with Capped(self.logs / f"{name}.stderr.log") as err:
            ended = await sandbox.run(
                argv, role=Role.SUPERVISOR, env={}, timeout=plan.timeout_seconds, out=keep, err=err
            )
        (self.logs / f"{name}.json").write_bytes(output)
        return grader_pb2.Report(subject=subject, output=bytes(output), exit_code=ended.code, timed_out=ended.timed_out)

    async def tree_of(self, subject: grader_pb2.Subject, solution: str) -> str:
        """The tree that a subject means."""
        if subject == grader_pb2.SUBJECT_ORACLE:
            return await self.trees.of_patch(self.task.reference_patch)
        return await self.trees.base() if subject == grader_pb2.SUBJECT_NOP else solution

    async def reference(self) -> Changes:
        """What the reference patch changes; what stands in the way of a new file or link is to be deleted as well."""
        changes = await self.trees.changes(await self.trees.of_patch(self.task.reference_patch))
        base = self.environment.folder / "base"
        swapped = [name for name in changes.names() if not _takes(base / name, changes.folder / name)]
        return replace(changes, deleted=[*changes.deleted, *swapped])


def _name(subject: grader_pb2.Subject) -> str:
    return grader_pb2.Subject.Name(subject).removeprefix("SUBJECT_").lower()


def _takes(old: Path, new: Path) -> bool:
    """Whether a file can be laid where it is to be: at a free place, or over a file."""
    files = [path.is_file() and not path.is_symlink() for path in (old, new)]
    return all(files) or not (old.is_symlink() or old.exists())


async def grade(
    grader: "grader_pb2_grpc.GraderServiceAsyncStub",
    verifier: Verifier,
    plan: grader_pb2.VerificationPlan | None,
    report: grader_pb2.Report | None,
    evidence: grader_pb2.Evidence,
    solution: str,
) -> grader_pb2.Grade:
    """Score the solution's report, verifying controls for as long as the grader asks for them."""
    rubric_file = verifier.task.path / "oneshot" / "rubric.toml"
    request = grader_pb2.ScoreRequest(
        plan=plan,
        reports=[report] if report else [],
        rubric=rubric_file.read_bytes() if rubric_file.exists() else b"",
        evidence=evidence,
    )
    while True:
        answer = await grader.Score(request)
        if answer.HasField("grade"):
            return answer.grade
        assert plan
        for subject in answer.further.subjects:
            tree = await verifier.tree_of(subject, solution)
            async with begun(verifier.sandbox(subject)) as fresh:
                request.reports.append(await verifier.report(plan, subject, tree, fresh))
