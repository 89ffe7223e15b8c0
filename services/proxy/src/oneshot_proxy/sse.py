"""Server-sent events: read from any chunking, and written. Format: https://html.spec.whatwg.org/multipage/server-sent-events.html."""

import json
from collections.abc import Iterable, Mapping

MAX_EVENT_BYTES = 32 * 1024 * 1024


class Scanner:
    """Finds the data of each complete event, however the bytes are cut."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """The data of the events that this chunk completes. An event over the cap is dropped."""
        found: list[bytes] = []
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            self._line += line
            whole = bytes(self._line).removesuffix(b"\r")
            self._line.clear()
            self._take(whole, found)
        if len(self._line) + len(rest) <= MAX_EVENT_BYTES:
            self._line += rest
        return found

    def _take(self, line: bytes, found: list[bytes]) -> None:
        if not line:
            if self._data and self._size <= MAX_EVENT_BYTES:
                found.append(b"\n".join(self._data))
            self._data, self._size = [], 0
        elif line.startswith(b"data:"):
            self._size += len(line)
            if self._size <= MAX_EVENT_BYTES:
                self._data.append(line[5:].removeprefix(b" "))


def write(events: Iterable[Mapping[str, object]]) -> bytes:
    """Events as the Responses API sends them: each is named by its own type."""
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events)
