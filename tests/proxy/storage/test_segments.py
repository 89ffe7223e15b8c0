"""Where bodies are cut."""

import itertools
import json

import pytest
from hypothesis import given, settings

from oneshot_proxy.storage.segments import MIN_BYTES, cuts
from proxy.storage.bodies import BODIES, item, request


def test_members_and_elements_end_pieces() -> None:
    items = [item(number) for number in range(3)]
    body = request(*items)
    found = list(cuts(body))
    texts = [json.dumps(each, separators=(",", ":")).encode() for each in items]
    ends = [body.index(text) + len(text) for text in texts]
    assert [end for end, array in found if array == "input"] == ends
    assert len([end for end, array in found if array == "tools"]) == 3


@pytest.mark.parametrize("unit", ["ж", "😀", "\\u00e9", "\\ud800", '\\"', "\n"])
def test_offsets_are_those_of_bytes(unit: str) -> None:
    first = f'{{"input" : [ "{unit * 260}"'.encode("utf-8", "surrogatepass")
    second = f' , "{unit * 300}"'.encode("utf-8", "surrogatepass")
    assert list(cuts(first + second + b" ] }")) == [(len(first), "input"), (len(first + second), "input")]


def test_invalid_utf_8_is_cut_as_well() -> None:
    first = b'{"input":["' + b"\xff\xfe" * 200 + b'"'
    assert list(cuts(first + b',"x"]}')) == [(len(first), "input")]


@settings(max_examples=50)
@given(BODIES)
def test_cuts_rise_lie_within_and_are_found_again_from_each_of_them(body: bytes) -> None:
    found = list(cuts(body))
    ends = [0, *(end for end, _ in found)]
    assert all(after - before >= MIN_BYTES for before, after in itertools.pairwise(ends))
    assert ends[-1] <= len(body)
    for number, (end, array) in enumerate(found):
        assert list(cuts(body, end, array)) == found[number + 1 :]


@pytest.mark.parametrize("body", [b"", b" ", b"[", b"{", b"{1", b'{"a"', b'{"input":[', b"\x00" * 500, b"[" * 100_000])
def test_what_is_no_object_has_no_cuts(body: bytes) -> None:
    assert list(cuts(body)) == []


def test_deep_nesting_ends_the_search() -> None:
    assert list(cuts(b'{"input":[' + b"[" * 200_000)) == []


def test_a_huge_body_is_looked_at_in_several_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    body = request(*(item(number) for number in range(50)))
    whole = list(cuts(body))
    monkeypatch.setattr("oneshot_proxy.storage.segments.MAX_BYTES", 10_000)
    found = list(cuts(body))
    assert 0 < len(found) < len(whole)
    while more := list(cuts(body, *found[-1])):
        found += more
    assert found == whole
