"""Whatever shape an agent gives its rubric, it becomes criteria whose weights sum to 1; what cannot be understood is told how."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneshot_shared import capture_rubric
from oneshot_shared.errors import BadInput
from oneshot_shared.task import Rubric

ONE = {"id": "works", "weight": 0.6, "description": "It works.", "decided_by": "tests", "tests": ["fail_to_pass"]}
TWO = {"id": "small", "weight": 0.4, "description": "It is small.", "decided_by": "judge", "tests": []}


@pytest.mark.parametrize("nothing", [None, "", [], {}, ()])
def test_nothing_is_no_rubric(nothing: Any) -> None:
    assert capture_rubric.read(nothing) == ()


@pytest.mark.parametrize(
    "value",
    [
        [ONE, TWO],
        {"criteria": [ONE, TWO]},
        {"criterion": [ONE, TWO]},
        {"rubric": {"criteria": [ONE, TWO]}},
        {
            "works": {key: ONE[key] for key in ONE if key != "id"},
            "small": {key: TWO[key] for key in TWO if key != "id"},
        },
        [ONE | {"weight": 60}, TWO | {"weight": "40%"}],
        [ONE | {"weight": "3"}, TWO | {"weight": 2}],
        [ONE | {"decided_by": "unit tests", "tests": "fail_to_pass"}, TWO | {"decided_by": None}],
        [ONE | {"decided_by": "tests", "tests": None}, TWO | {"tests": ["never mind"], "decided_by": "llm judge"}],
        [ONE | {"extra": 1}, TWO | {"description": " It  is\nsmall. "}],
    ],
    ids=str,
)
def test_its_many_shapes_are_one(value: Any) -> None:
    assert capture_rubric.read(value) == (ONE, TWO)


def test_a_criterion_may_be_its_words_alone() -> None:
    (one, two) = capture_rubric.read(["It works. Always", "It works, always"])
    assert (one["id"], two["id"]) == ("it_works_always", "it_works_always_2")
    assert (one["weight"], two["weight"], one["decided_by"]) == (0.5, 0.5, "judge")
    assert one["description"] == "It works. Always"


def test_a_mapping_may_give_weights_or_words_alone() -> None:
    assert [(each["id"], each["weight"]) for each in capture_rubric.read({"works": 3, "well_tested": 1})] == [
        ("works", 0.75),
        ("well_tested", 0.25),
    ]
    assert [(each["description"], each["weight"]) for each in capture_rubric.read({"a": "It works", "b": "Well"})] == [
        ("It works", 0.5),
        ("Well", 0.5),
    ]


def test_a_weight_that_is_missing_is_taken_for_the_mean() -> None:
    found = capture_rubric.read([{"description": "a", "weight": 2}, {"description": "b", "weight": 4}, "c"])
    assert [each["weight"] for each in found] == [0.2222, 0.4445, 0.3333]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (7, "give a list of criteria"),
        ("just be good", "give a list of criteria"),
        ([7], "a criterion is 7"),
        ([""], "a criterion is ''"),
        ([{"weight": 1}], "has no description"),
        ([{"description": "a", "weight": "much"}], "'much' is no number"),
        ([{"description": "a", "weight": -1}], "give a number above 0"),
        ([{"description": "a", "weight": float("nan")}], "give a number above 0"),
        ([{"description": "a", "weight": float("inf")}], "give a number above 0"),
        ([{"description": "a", "weight": [1]}], "give a number above 0"),
        (["a"] * 51, "at most 50"),
    ],
)
def test_what_is_not_understood_is_told_how(value: Any, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        capture_rubric.read(value)


@given(st.lists(st.floats(min_value=1e-6, max_value=1e6), min_size=1, max_size=50))
def test_weights_make_a_sound_rubric(weights: list[float]) -> None:
    found = capture_rubric.read([{"description": f"c {n}", "weight": weight} for n, weight in enumerate(weights)])
    Rubric.model_validate({"criterion": list(found)})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["id", "weight", "description", "decided_by", "tests", "criteria", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_nothing_breaks_it(value: Any) -> None:
    try:
        found = capture_rubric.read(value)
    except BadInput:
        return
    if found:
        Rubric.model_validate({"criterion": list(found)})
