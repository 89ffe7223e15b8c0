import pytest

from oneshot_grader import rubric
from oneshot_shared.errors import BadInput
from oneshot_shared.task import Criterion, Rubric

GROUPS = {"fail_to_pass": ["a"], "pass_to_pass": ["b", "c"]}


def line(name: str, weight: float, *tests: str, by: str = "tests") -> Criterion:
    return Criterion(id=name, weight=weight, description="x", decided_by=by, tests=list(tests))


DEFAULT = Rubric(
    criterion=[
        line("completion", 0.4, "fail_to_pass"),
        line("quality", 0.3, by="judge"),
        line("testing", 0.3, "pass_to_pass"),
    ]
)


def test_shares_and_total() -> None:
    criteria = rubric.score(DEFAULT, GROUPS, {"a", "b"})
    assert [(c.id, c.score if c.HasField("score") else None) for c in criteria] == [
        ("completion", 1),
        ("quality", None),
        ("testing", 0.5),
    ]
    assert [c.note for c in criteria] == [
        "1 of 1 passed: fail_to_pass",
        "no judge model was asked",
        "1 of 2 passed: pass_to_pass",
    ]
    total, weight = rubric.total(criteria)
    assert total == pytest.approx((0.4 + 0.15) / 0.7)
    assert weight == pytest.approx(0.7)


def test_single_tests_and_all_tests() -> None:
    criteria = rubric.score(Rubric(criterion=[line("one", 0.5, "b", "fail_to_pass"), line("all", 0.5)]), GROUPS, {"b"})
    assert [c.score for c in criteria] == [0.5, pytest.approx(1 / 3)]


def test_an_empty_group_is_not_scored() -> None:
    criteria = rubric.score(DEFAULT, {"fail_to_pass": ["a"], "pass_to_pass": []}, set())
    assert not criteria[2].HasField("score")
    assert criteria[2].note == "no tests in pass_to_pass"


def test_untrusted_results_score_nothing() -> None:
    criteria = rubric.score(DEFAULT, GROUPS, {"a"}, "the report cannot be trusted")
    assert rubric.total(criteria) == (None, 0)
    assert [c.note for c in criteria][::2] == ["the report cannot be trusted"] * 2
    assert rubric.unscored(DEFAULT, "x")[1].note == "no judge model was asked"


def test_unknown_tests_are_refused() -> None:
    bad = Rubric(criterion=[line("completion", 1, "fail_to_pas")])
    with pytest.raises(BadInput, match=r"'fail_to_pas'.*did you mean 'fail_to_pass'"):
        rubric.check(bad, GROUPS)
    rubric.check(DEFAULT, GROUPS)
