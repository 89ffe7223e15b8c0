"""Verification: a fresh sandbox, the grader's plan, and what its supervisor printed."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from oneshot.grader.v1 import grader_pb2, grader_pb2_grpc
from oneshot_orchestrator.agents.output import Capped
from oneshot_orchestrator.contract import Backend, Changes, Environment, Role, SandboxSpec
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

    async def report(
        self, plan: grader_pb2.VerificationPlan, subject: grader_pb2.Subject, tree: str
    ) -> grader_pb2.Report:
        """Verify a tree, or a control."""
        name = grader_pb2.Subject.Name(subject).removeprefix("SUBJECT_").lower()
        spec = SandboxSpec(self.run_id, f"verify-{name}", supervised=True)
        changes = await self.trees.changes(tree)
        tests = self.task.path / "tests"
        with await asyncio.to_thread(verification_tar, tests, dict(plan.files), changes) as tar:
            async with self.backend.sandbox(self.environment, spec) as sandbox:
                folder = f"{sandbox.scratch}/verify"
                await sandbox.put(tar, folder)
                words = {"python": "python3", "verify": folder, "tree": sandbox.tree}
                argv = [placeholders.fill(part, words) for part in plan.argv]
                output = bytearray()

                def keep(chunk: bytes) -> None:
                    output.extend(chunk[: max(0, _REPORT_CAP - len(output))])

                with Capped(self.logs / f"verify-{name}.stderr.log") as err:
                    ended = await sandbox.run(
                        argv, role=Role.SUPERVISOR, env={}, timeout=plan.timeout_seconds, out=keep, err=err
                    )
        (self.logs / f"verify-{name}.json").write_bytes(output)
        return grader_pb2.Report(subject=subject, output=bytes(output), exit_code=ended.code, timed_out=ended.timed_out)

    async def tree_of(self, subject: grader_pb2.Subject, solution: str) -> str:
        """The tree that a subject means."""
        if subject == grader_pb2.SUBJECT_ORACLE:
            return await self.trees.of_patch(self.task.reference_patch)
        return await self.trees.base() if subject == grader_pb2.SUBJECT_NOP else solution

    async def reference(self) -> Changes:
        """What the reference patch changes."""
        return await self.trees.changes(await self.trees.of_patch(self.task.reference_patch))


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
            request.reports.append(await verifier.report(plan, subject, tree))
