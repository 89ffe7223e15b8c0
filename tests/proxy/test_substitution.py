"""Words of a recording in terms of another run."""

import json

from hypothesis import given
from hypothesis import strategies as st

from oneshot_proxy.substitution import Substitution, replaced

_WORD = st.text(alphabet="abcxyz/", min_size=1, max_size=6)


def test_words_are_replaced_where_they_stand_alone() -> None:
    words = {"/tmp/x": "/app", "93011": "7"}
    assert replaced("cat /tmp/x /tmp/x/a /tmp/xy /tmp/x.bak a/tmp/x 93011 193011", words) == (
        "cat /app /app/a /tmp/xy /tmp/x.bak a/tmp/x 7 193011"
    )


def test_what_was_put_in_is_not_looked_at_again() -> None:
    assert replaced("/a /b", {"/a": "/b", "/b": "/a"}) == "/b /a"


def test_arguments_stay_json_and_identity_stays() -> None:
    call = {"type": "function_call", "call_id": "{cwd}", "arguments": json.dumps({"cmd": "cat {cwd}/a"})}
    changed = Substitution({"{cwd}": 'a"b\\c'}).applied(call)
    assert json.loads(changed["arguments"]) == {"cmd": 'cat a"b\\c/a'}
    assert changed["call_id"] == "{cwd}"


def test_nested_text_is_reached_and_other_values_stay() -> None:
    item = {"type": "message", "content": [{"type": "output_text", "text": "in {cwd}", "annotations": [], "n": 1}]}
    changed = Substitution({"{cwd}": "/app"}).applied(item)
    assert changed["content"][0] == {"type": "output_text", "text": "in /app", "annotations": [], "n": 1}
    assert Substitution({"/app": "/app"}).applied(item) is item


@given(st.text(), _WORD, _WORD)
def test_any_text_is_taken(text: str, old: str, new: str) -> None:
    assert isinstance(replaced(text + old, {old: new}), str)
