"""Strict reading; the sentences of real files are in test_task.py."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneshot_shared import strict, task
from oneshot_shared.errors import BadInput


@given(
    st.dictionaries(st.text(max_size=8), st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=3))
)
def test_any_json_is_a_model_or_bad_input(content: dict) -> None:
    for model in (task.TaskConfig, task.Rubric, task.Expected):
        with pytest.raises(BadInput):
            strict.parse(model, json.dumps(content).encode(), "some.json")


@given(st.binary(max_size=200))
def test_any_bytes_are_bad_input_and_nothing_worse(content: bytes) -> None:
    for name in ("some.toml", "some.json"):
        with pytest.raises(BadInput):
            strict.parse(task.TaskConfig, content, name)
