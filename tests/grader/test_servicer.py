"""The grader as its callers see it: a real server on a unix socket."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from grader.workshop import EXPECTED, GOLD, verify
from oneshot.grader.v1 import grader_pb2, grader_pb2_grpc
from oneshot_grader.main import SERVICE
from oneshot_grader.settings import GraderSettings
from oneshot_shared import client, server
from oneshot_shared.errors import BadInput


@pytest.fixture
async def grader(tmp_path: Path) -> "AsyncIterator[grader_pb2_grpc.GraderServiceAsyncStub]":
    token = tmp_path / "token"
    token.write_text("secret")
    settings = GraderSettings(listen=f"unix:{tmp_path}/grader.sock", token_file=token, data=tmp_path)
    running, address = await server.start("grader", settings, [SERVICE])
    async with client.channel(address, "secret") as channel:
        yield grader_pb2_grpc.GraderServiceStub(channel)
    await running.stop(None)


async def test_from_plan_to_grade(grader: "grader_pb2_grpc.GraderServiceAsyncStub", tmp_path: Path) -> None:
    planned = await grader.Plan(grader_pb2.PlanRequest(expected=json.dumps(EXPECTED).encode(), seed=7))
    verified = verify(tmp_path / "gold", GOLD)
    assert verified.plan == planned.plan
    answer = await grader.Score(grader_pb2.ScoreRequest(plan=planned.plan, reports=[verified.message()]))
    assert answer.grade.verdict == grader_pb2.VERDICT_PASS


async def test_a_solution_that_ends_the_session(
    grader: "grader_pb2_grpc.GraderServiceAsyncStub", tmp_path: Path
) -> None:
    broken = verify(tmp_path / "broken", {"src/calc/__init__.py": "import os\nos._exit(0)\n"})
    request = grader_pb2.ScoreRequest(plan=broken.plan, reports=[broken.message()])
    subjects = {grader_pb2.SUBJECT_ORACLE: GOLD, grader_pb2.SUBJECT_NOP: {}}
    for subject in (await grader.Score(request)).further.subjects:
        control = verify(tmp_path / str(subject), subjects[subject])
        request.reports.append(control.message(subject))
    grade = (await grader.Score(request)).grade
    assert grade.verdict == grader_pb2.VERDICT_FAIL
    assert [finding.code for finding in grade.findings] == ["report_incomplete"]


async def test_bad_input(grader: "grader_pb2_grpc.GraderServiceAsyncStub") -> None:
    with pytest.raises(BadInput, match=r"tests/expected\.json cannot be read"):
        await grader.Plan(grader_pb2.PlanRequest(expected=b"{"))
