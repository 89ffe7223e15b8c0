"""The rubric of a task whose author gave none."""

import pytest

from oneshot_capture.rubric import default_rubric
from oneshot_shared import strict
from oneshot_shared.task import Rubric


@pytest.mark.parametrize(
    ("has_tests", "deciding"), [(True, ["tests", "judge", "tests"]), (False, ["judge", "judge", "judge"])]
)
def test_default(has_tests: bool, deciding: list[str]) -> None:
    rubric = strict.parse(Rubric, default_rubric(has_tests), "rubric.toml")
    assert {each.id: each.weight for each in rubric.criterion} == {
        "task_completion": 0.4,
        "code_quality": 0.3,
        "testing": 0.3,
    }
    assert [each.decided_by for each in rubric.criterion] == deciding
    assert [each.tests for each in rubric.criterion if each.tests] == (
        [["fail_to_pass"], ["pass_to_pass"]] if has_tests else []
    )
