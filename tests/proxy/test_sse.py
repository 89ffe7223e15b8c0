"""Server-sent events from any chunking."""

import json

from hypothesis import given
from hypothesis import strategies as st

from oneshot_proxy import sse

VALUES = st.lists(st.fixed_dictionaries({"type": st.just("x"), "text": st.text()}), max_size=8)


@given(VALUES, st.integers(1, 40), st.booleans())
def test_events_are_found_however_the_bytes_are_cut(events: list[dict[str, str]], size: int, carriage: bool) -> None:
    data = sse.write(events)
    data = data.replace(b"\n", b"\r\n") if carriage else data
    scanner = sse.Scanner()
    found = [item for at in range(0, len(data), size) for item in scanner.feed(data[at : at + size])]
    assert [json.loads(item) for item in found] == events


def test_comments_and_several_data_lines() -> None:
    assert sse.Scanner().feed(b": keep-alive\n\nid: 1\ndata: a\ndata:b\n\ndata: unfinished\n") == [b"a\nb"]


def test_an_endless_event_is_dropped_and_the_next_is_found() -> None:
    scanner = sse.Scanner()
    chunk = b"x" * (1024 * 1024)
    scanner.feed(b"data: ")
    for _ in range(40):
        assert scanner.feed(chunk) == []
    assert scanner.feed(b"\n" + b"data: after\n\n" * 2)[-1] == b"after"
