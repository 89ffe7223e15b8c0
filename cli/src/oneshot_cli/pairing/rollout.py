"""Codex's own record of a work: found by its conversation's id, cut to the work, and without secrets.

Format: CODEX_HOME/sessions/Y/M/D/rollout-<time>-<thread id>.jsonl, lines of {timestamp, type, payload}.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oneshot_cli.pairing.works import Work
from oneshot_shared import key_shapes
from oneshot_shared.errors import sentence

MOST_BYTES = 256 * 1024 * 1024
_THREAD = re.compile(r"[0-9A-Za-z-]{8,80}")
_FOLDERS = ("sessions", "archived_sessions")
_SECRET = re.compile(r"(^|_)(API_?KEY|KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)S?(_|$)", re.IGNORECASE)
_NO_SECRET = re.compile(r"_(FILE|PATH|DIR|SOCK|ID|URL)$", re.IGNORECASE)
_SHORTEST, _SHORTEST_OF_LOGIN = 8, 16  # shorter values are words that records are full of
_MOST_VALUES, _LONGEST = 20, 4096  # of ancestors: they go along as one variable, of at most 128 KiB
_CALLS = ("function_call", "custom_tool_call")
_CONTEXT = re.compile(r"\s*(<[a-z]+(_[a-z]+)+>|# AGENTS\.md instructions)")  # what Codex itself says as the user


def write(work: Work, environment: Mapping[str, str], hidden: Iterable[str], file: Path) -> str:
    """Write a work's part of the record; returns why there is none, as a sentence, or nothing.

    `hidden`: values that must not stand in it; those of the environment and of Codex's login are hidden besides.
    """
    assert work.ending
    thread = work.ending.thread_id or work.thread_id
    home = Path(environment.get("CODEX_HOME") or Path(environment.get("HOME", "~")).expanduser() / ".codex")
    new = file.with_suffix(".new")
    try:
        source = _found(home, thread)
        if source is None:
            return f"Codex's own record of the conversation {thread!r} is not in {home}"
        with source.open("rb") as lines:
            cut = _Cut.of(lines, work)
        patterns = _patterns([*hidden, *secret_values(environment), *_login(home)])
        size = 0
        with source.open("rb") as lines, new.open("wb") as out:
            for piece, _ in key_shapes.masked(_hidden(line, patterns) for line in cut.lines(lines)):
                size += out.write(piece)
                if size > MOST_BYTES:
                    return f"Codex's own record of this work is larger than {MOST_BYTES >> 20} MiB, so it was left out"
        new.replace(file)
    except (OSError, ValueError) as error:
        return f"Codex's own record could not be read ({sentence(error)})"
    finally:
        new.unlink(missing_ok=True)
    return ""


def secret_values(environment: Mapping[str, str]) -> list[str]:
    """Values of variables whose names say that they are secret."""
    return [
        value
        for name, value in environment.items()
        if _SECRET.search(name) and not _NO_SECRET.search(name) and len(value) >= _SHORTEST
    ]


def of_ancestors() -> list[str]:
    """The secret values in the environments of the processes above this one: an MCP server gets none of Codex's."""
    import psutil

    found: dict[str, None] = {}
    with suppress(psutil.Error, OSError):  # one that ends meanwhile
        for process in psutil.Process().parents():
            with suppress(psutil.Error, OSError):
                found |= dict.fromkeys(secret_values(process.environ()))
    return [value for value in found if len(os.fsencode(value)) <= _LONGEST][:_MOST_VALUES]


def _found(home: Path, thread: str) -> Path | None:
    if not _THREAD.fullmatch(thread):
        return None
    files = [file for name in _FOLDERS for file in (home / name).rglob(f"rollout-*-{thread}.jsonl")]
    return max(files, key=lambda file: file.stat().st_mtime, default=None)


def _login(home: Path) -> list[str]:
    """The secrets in Codex's auth.json."""
    with suppress(OSError, ValueError):
        return [
            each for each in _strings(json.loads((home / "auth.json").read_bytes())) if len(each) >= _SHORTEST_OF_LOGIN
        ]
    return []


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _strings(each)


def _patterns(values: Iterable[str]) -> list[bytes]:
    """As they can stand in JSON, longest first."""
    forms = {
        form
        for value in values
        if value
        for form in (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
    }
    return sorted((form.encode("utf-8", "surrogateescape") for form in forms), key=len, reverse=True)


def _hidden(line: bytes, patterns: Iterable[bytes]) -> bytes:
    for pattern in patterns:
        line = line.replace(pattern, b"*" * len(pattern))
    return line


@dataclass(frozen=True)
class _Cut:
    """Which lines of a record are the work's, by number from 0. `heads`: those before `first` that say what it is."""

    heads: frozenset[int]
    first: int
    last: int

    @classmethod
    def of(cls, lines: Iterable[bytes], work: Work) -> "_Cut":
        """From the last user message before the call that started the work, to the call that ended it.

        A call is known by its id, else by the time: a record's line is written before its call is made.
        """
        assert work.ending
        entries = [(number, *_facts(entry)) for number, line in enumerate(lines) if (entry := _entry(line))]
        begin = _place(entries, work.call_id, work.started_at)
        end = _place(entries, work.ending.call_id, work.ending.ended_at)
        before = [(number, kind) for number, kind, *_ in entries if number <= begin]
        first = max((number for number, kind in before if kind == "user"), default=0)
        heads = {
            min((number for number, kind in before if kind == "session_meta"), default=first),
            max((number for number, kind in before if kind == "turn_context" and number < first), default=first),
        }
        return cls(frozenset(heads), first, max(end, begin))

    def lines(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Those lines. One that was cut off by a kill, or is no JSON, is left out."""
        for number, line in enumerate(lines):
            if (number in self.heads or self.first <= number <= self.last) and _entry(line):
                yield line if line.endswith(b"\n") else line + b"\n"


type _Fact = tuple[int, str, str, tuple[str, ...]]


def _place(entries: list[_Fact], call_id: str, moment: str) -> int:
    """The line of a call, else the last one until a moment."""
    for number, _, _, ids in entries:
        if call_id and call_id in ids:
            return number
    return max((number for number, _, stamp, _ in entries if stamp <= moment), default=-1)


def _facts(entry: dict[str, Any]) -> tuple[str, str, tuple[str, ...]]:
    """A line's type (`user` for what the person said), its time, and of a tool call its ids."""
    payload = entry.get("payload")
    stamp = str(entry.get("timestamp") or "")
    if entry.get("type") != "response_item" or not isinstance(payload, dict):
        return str(entry.get("type")), stamp, ()
    if payload.get("type") in _CALLS:  # in code mode it is the item's id that is known
        return "call", stamp, (str(payload.get("call_id")), str(payload.get("id")))
    if payload.get("role") == "user" and not _CONTEXT.match(next(_strings(_texts(payload)), "")):
        return "user", stamp, ()
    return "item", stamp, ()


def _texts(payload: dict[str, Any]) -> list[Any]:
    content = payload.get("content")
    return [each.get("text") for each in content if isinstance(each, dict)] if isinstance(content, list) else []


def _entry(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
