"""Nothing is lost."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneshot_proxy.exports import raw
from oneshot_proxy.usage import Usage
from proxy.exports import sessions
from proxy.exports.builders import record


@pytest.mark.parametrize("scene", [sessions.plain, sessions.repeated, sessions.stopped])
async def test_a_session_of_codex_comes_back_whole(scene: object) -> None:
    recorded = await scene()  # type: ignore[operator]
    assert [raw.record(line) for line in await recorded.raw()] == recorded.calls


@given(st.binary(), st.text(), st.dictionaries(st.text(), st.text()), st.lists(st.text()))
def test_any_body_comes_back(body: bytes, text: str, headers: dict[str, str], words: list[str]) -> None:
    text = text.encode("utf-8", "replace").decode()
    made = replace(
        record(1, {}, []),
        request=body,
        response=text.encode(),
        usage=Usage(1, 2, 3, 4, None),
        request_headers=tuple(headers.items()),
        undecoded=tuple(words),
    )
    line = raw.line(made)
    assert raw.record(line) == made
    assert line.count(b"\n") == 1
