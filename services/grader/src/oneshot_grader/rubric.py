"""The rubric: a score for each criterion that tests decide, and none for those that nobody has judged."""

from collections.abc import Mapping, Sequence

from oneshot.grader.v1 import grader_pb2
from oneshot_shared.errors import BadInput, nearest
from oneshot_shared.task import Criterion, Rubric

NOT_JUDGED = "no judge model was asked"


def check(rubric: Rubric, groups: Mapping[str, Sequence[str]]) -> None:
    """:raises BadInput: a criterion names a group or test that the task does not have."""
    for criterion in rubric.criterion:
        for name in criterion.tests:
            known = [*groups, *(test for tests in groups.values() for test in tests)]
            if name not in known:
                raise BadInput(
                    f"oneshot/rubric.toml: criterion {criterion.id!r} names the test {name!r}, which the task does not have"
                    f"{nearest(name, known)}; use {', '.join(groups)} or a test id"
                )


def score(
    rubric: Rubric, groups: Mapping[str, Sequence[str]], passed: set[str], untrusted: str = ""
) -> list[grader_pb2.CriterionScore]:
    """Each criterion's score: the share of its tests that passed. `untrusted`: why results count for nothing."""
    return [_one(criterion, groups, passed, untrusted) for criterion in rubric.criterion]


def unscored(rubric: Rubric, why: str) -> list[grader_pb2.CriterionScore]:
    """Every criterion without a score; `why` is for those that tests decide."""
    return [_one(criterion, {}, set(), why) for criterion in rubric.criterion]


def total(criteria: Sequence[grader_pb2.CriterionScore]) -> tuple[float | None, float]:
    """The weighted mean over the scored criteria (None without any), and the weight that it stands on."""
    scored = [criterion for criterion in criteria if criterion.HasField("score")]
    weight = sum(criterion.weight for criterion in scored)
    return (sum(criterion.weight * criterion.score for criterion in scored) / weight if scored else None), weight


def _one(
    criterion: Criterion, groups: Mapping[str, Sequence[str]], passed: set[str], untrusted: str
) -> grader_pb2.CriterionScore:
    line = grader_pb2.CriterionScore(id=criterion.id, weight=criterion.weight, decided_by=criterion.decided_by)
    if criterion.decided_by == "judge":
        line.note = NOT_JUDGED
        return line
    names = criterion.tests or list(groups)
    tests = dict.fromkeys(test for name in names for test in groups.get(name, [name] if name not in groups else []))
    if untrusted or not tests:
        line.note = untrusted or f"no tests in {', '.join(names)}"
        return line
    good = sum(test in passed for test in tests)
    line.score = good / len(tests)
    line.note = f"{good} of {len(tests)} passed: {', '.join(names)}"
    return line
