"""Values of any shape."""

import pytest

from oneshot_proxy import protocols
from oneshot_proxy.protocols import reading
from oneshot_proxy.protocols.reading import Unknown


@pytest.mark.parametrize(
    ("line", "wire_api"),
    [
        ("POST /v1/responses", "responses"),
        ("POST /backend-api/codex/responses?x=1", "responses"),
        ("POST /v1/responses/compact", "responses"),
        ("POST /api/v1/chat/completions", "chat"),
        ("POST /v1/messages", "messages"),
        ("GET /v1/responses", ""),
        ("POST /v1/messages/count_tokens", ""),
        ("", ""),
    ],
)
def test_the_wire_api_of_a_request(line: str, wire_api: str) -> None:
    assert protocols.wire_api(line) == wire_api


def test_what_is_unknown_is_bounded() -> None:
    unknown = Unknown()
    for number in [*range(30), 0]:
        unknown.add(f"{number} {'x' * 500}")
    assert len(unknown.words) == 20
    assert max(map(len, unknown.words)) == 120


def test_written() -> None:
    assert [reading.written(value) for value in (None, "a", {"a": [1]}, "\ud800")] == ["", "a", '{"a":[1]}', "?"]
    deep: list[object] = []
    for _ in range(200_000):
        deep = [deep]
    assert reading.written(deep) == ""
    while deep:  # taken apart by hand: the interpreter's own way down is too deep
        deep = deep[0]  # type: ignore[assignment]


def test_what_is_no_object_in_a_list_is_noted() -> None:
    unknown = Unknown()
    found = [reading.objects(value, unknown, "messages that are", "a message") for value in (None, [{"a": 1}, 2], "x")]
    assert found == [[], [{"a": 1}], []]
    assert unknown.words == ("a message that is no object", "messages that are no list but str")


def test_a_json_that_is_too_deep_is_none() -> None:
    assert reading.json_object(b'{"a":' * 200_000) is None
