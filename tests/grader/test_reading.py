"""Reports and plans, read; what follows from them is in test_score.py."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.workshop import EXPECTED
from oneshot.grader.v1 import grader_pb2
from oneshot_grader import reading
from oneshot_grader.plan import plan
from oneshot_shared.errors import BadInput

PLAN = plan(json.dumps(EXPECTED).encode(), 7, False)
WANTED = reading.wanted(PLAN)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["rows", "id", "when", "ids"]), inner),
    max_leaves=8,
)


def test_a_plan_says_what_is_expected() -> None:
    assert list(WANTED.names) == [*EXPECTED["fail_to_pass"], *EXPECTED["pass_to_pass"]]
    assert [test.outcome for test in WANTED.missing()] == ["missing", "missing"]
    assert len(WANTED.canaries) == 2


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"fail_to_pass": []}', b'{"canaries": 1}'])
def test_another_plan_is_refused(content: bytes) -> None:
    with pytest.raises(BadInput, match="send back what Plan returned"):
        reading.wanted(grader_pb2.VerificationPlan(files={"plan.json": content}))


@given(st.binary(max_size=100) | JSON.map(lambda value: json.dumps({"rows": [value], "isolated": True}).encode()))
def test_no_report_can_raise_or_pass(output: bytes) -> None:
    found = reading.read(grader_pb2.Report(output=output, exit_code=1), WANTED)
    assert not found.passed
    assert not found.started
    assert "printed no report" in found.trouble


@given(st.lists(st.fixed_dictionaries({"when": st.text(max_size=8), "id": st.sampled_from(list(WANTED.names))})))
def test_no_rows_of_the_right_shape_can_raise(rows: list[dict[str, str]]) -> None:
    document = {"rows": rows, "timed_out": False, "exit_code": 0, "build_failures": [], "isolated": True}
    found = reading.read(grader_pb2.Report(output=json.dumps(document).encode()), WANTED)
    assert found.started
    assert not found.passed
