"""No key's value reaches a file, a log, a sentence or an agent: it is replaced by as many asterisks.

The same length keeps Content-Length, offsets and JSON intact. Values under eight characters ("EMPTY", "none") are the
placeholders that servers without keys want: they are no secrets, and removing them would maim the records.
"""

import json
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from urllib.parse import quote

from oneshot_shared import logs

MIN_CHARACTERS = 8


def spellings(value: str) -> tuple[bytes, ...]:
    """How a secret can stand in text: as it is, in JSON, in a URL. Longest first; empty for what is too short."""
    if len(value) < MIN_CHARACTERS:
        return ()
    escaped = json.dumps(value)[1:-1]
    forms = {
        value,
        escaped,
        escaped.replace("/", "\\/"),
        json.dumps(value, ensure_ascii=False)[1:-1],
        quote(value, safe=""),
    }
    return tuple(sorted((form.encode() for form in forms), key=lambda form: (-len(form), form)))


def clean(data: bytes, patterns: Iterable[bytes]) -> bytes:
    """The data without the patterns."""
    for pattern in patterns:
        if pattern in data:
            data = data.replace(pattern, b"*" * len(pattern))
    return data


def clean_text(text: str, patterns: Iterable[bytes]) -> str:
    """The text without the patterns, and without surrogates, which neither SQLite nor protobuf takes."""
    return clean(text.encode("utf-8", "replace"), patterns).decode("utf-8", "replace")


class Scrubber:
    """Cleans a stream chunk by chunk; holds back only what may be the beginning of a secret."""

    def __init__(self, patterns: tuple[bytes, ...]) -> None:
        self._patterns = patterns
        self._held = b""

    def feed(self, chunk: bytes) -> bytes:
        """What may go on now."""
        data = clean(self._held + chunk, self._patterns) if self._held else clean(chunk, self._patterns)
        keep = max((_overlap(data, pattern) for pattern in self._patterns), default=0)
        self._held = data[len(data) - keep :]
        return data[: len(data) - keep]

    def end(self) -> bytes:
        """The rest."""
        held, self._held = self._held, b""
        return held


def _overlap(data: bytes, pattern: bytes) -> int:
    """Length of the longest end of `data` that begins `pattern`."""
    for size in range(min(len(data), len(pattern) - 1), 0, -1):
        if data.endswith(pattern[:size]):
            return size
    return 0


class Secrets:
    """Every key that this process has been given, for records and logs; a key stays known after it was replaced."""

    def __init__(self) -> None:
        self._patterns: tuple[bytes, ...] = ()

    def add(self, value: str) -> None:
        """Learn a value."""
        self._patterns = tuple(dict.fromkeys((*self._patterns, *spellings(value))))

    @property
    def patterns(self) -> tuple[bytes, ...]:
        """All spellings of all values."""
        return self._patterns


@contextmanager
def cleaned_logs(patterns: Callable[[], tuple[bytes, ...]]) -> Iterator[None]:
    """Clean all that is logged meanwhile, by structlog or by the standard library, of what `patterns` returns at the time."""
    log_filter, handlers = LogFilter(patterns), list(logging.getLogger().handlers)
    for handler in handlers:
        handler.addFilter(log_filter)
    try:
        with logs.rewriting(lambda line: clean_text(line, patterns())):
            yield
    finally:
        for handler in handlers:
            handler.removeFilter(log_filter)


class LogFilter(logging.Filter):
    """Cleans records of the standard library's logging, which mitmproxy uses, of what `patterns` returns at the time."""

    def __init__(self, patterns: Callable[[], tuple[bytes, ...]]) -> None:
        super().__init__()
        self._patterns = patterns

    def filter(self, record: logging.LogRecord) -> bool:
        """Let the record through, cleaned."""
        patterns = self._patterns()
        record.msg, record.args = clean_text(record.getMessage(), patterns), ()
        if record.exc_info:
            text = logging.Formatter().formatException(record.exc_info)
            record.exc_text = clean_text(text, patterns)
        return True
