import json

import pytest

from grader.workshop import EXPECTED
from oneshot_grader import grade_verdict
from oneshot_grader.plan import RUNNER, plan
from oneshot_shared.errors import BadInput


def made(**changes: object) -> bytes:
    return json.dumps(EXPECTED | changes).encode()


def test_same_seed_same_plan() -> None:
    assert plan(made(), 5, False) == plan(made(), 5, False)
    assert plan(made(), 5, False).files["plan.json"] != plan(made(), 6, False).files["plan.json"]


def test_no_seed_draws_one() -> None:
    first, second = plan(made(), 0, False), plan(made(), 0, False)
    assert 0 != first.seed != second.seed != 0
    assert plan(made(), first.seed, False) == first


def test_what_it_holds() -> None:
    made_plan = plan(made(), 5, False)
    assert set(made_plan.files) == {*RUNNER, "plan.json"}
    assert list(made_plan.argv) == [
        "{python}", "-I", "{verify}/grade.py", "--plan", "{verify}/plan.json", "--tree", "{tree}",
    ]  # fmt: skip
    assert made_plan.timeout_seconds > EXPECTED["timeout_sec"]


def test_canaries_fail_and_look_different_each_time() -> None:
    canaries = [
        canary
        for seed in range(1, 50)
        for canary in json.loads(plan(made(), seed, False).files["plan.json"])["canaries"]
    ]
    assert len({canary["id"] for canary in canaries}) == len(canaries) == 49 * grade_verdict.CANARIES
    for canary in canaries:
        names: dict = {}
        exec(canary["content"], names)
        path, _, name = canary["id"].partition("::")
        assert path == canary["path"]
        assert path.startswith("tests/test_")
        with pytest.raises(AssertionError):
            names[name]()


def test_harbor_plans_alike() -> None:
    short = {"framework": "pytest", "fail_to_pass": ["tests/test_add.py::test_add"]}
    content = json.loads(plan(json.dumps(short).encode(), 5, False).files["plan.json"])
    assert content.pop("format") == "oneshot-plan/1"
    assert content == grade_verdict.make_plan(short, 5, False)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"fail_to_pas": []}, "did you mean 'fail_to_pass'"),
        ({"fail_to_pass": []}, "fail_to_pass"),
        ({"framework": "nose"}, "nose"),
        ({"test_roots": ["../tests"]}, "'../tests' leaves the tree"),
        ({"test_roots": ["."]}, "whole tree"),
        ({"python_path": ["/usr/lib"]}, "'/usr/lib' leaves the tree"),
        ({"pass_to_pass": ["more/test_x.py::test_x"]}, "lies in no test root (tests)"),
        ({"pass_to_pass": ["tests/test_add.py::test_add"]}, "listed twice"),
    ],
)
def test_bad_input(changes: dict, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        plan(made(**changes), 0, False)
    assert words in str(caught.value)
