"""Sessions and calls as tables: a line each, columns as wide as what stands in them."""

import shutil
from collections.abc import Iterable, Sequence
from typing import TextIO

from oneshot.proxy.v1 import proxy_pb2 as pb
from oneshot_cli.show import plain

_UNITS = ("B", "KB", "MB", "GB", "TB")
_SESSIONS = ("SESSION", "KIND", "MODEL", "UPSTREAM", "OPENED", "CALLS", "TOKENS", "COST", "SIZE", "STATE")
_CALLS = ("CALL", "AT", "STATUS", "FIRST", "TIME", "IN", "CACHED", "OUT", "COST", "SENT", "GOT", "WHAT")
_RIGHT = {"CALLS", "TOKENS", "COST", "SIZE", "CALL", "FIRST", "TIME", "IN", "CACHED", "OUT", "SENT", "GOT"}


def sessions(found: Iterable[pb.Session]) -> list[str]:
    """Sessions, a line each below their header."""
    return _table(_SESSIONS, [_session(each) for each in found])


def calls(found: Iterable[tuple[pb.Call, int, int]]) -> list[str]:
    """Calls with the bytes of their bodies, a line each below their header."""
    return _table(_CALLS, [_call(*each) for each in found])


def fitted(lines: list[str], out: TextIO) -> list[str]:
    """The lines as `out` takes them: a terminal's are cut at its width, so that each stays one."""
    if not out.isatty():
        return lines
    width = shutil.get_terminal_size().columns
    return [line if len(line) <= width else f"{line[: width - 1]}…" for line in lines]


def kind(session: pb.Session) -> str:
    """run, live or judge."""
    number = session.kind or pb.SESSION_KIND_RUN
    return pb.SessionKind.Name(number).removeprefix("SESSION_KIND_").lower()


def state(session: pb.Session) -> str:
    """Whether a session is open, and in a word or two what is wrong; `oneshot trace show` has the sentences."""
    count = len(session.alarms)
    words = ["open" if session.open else "closed"]
    words += [f"{count} alarm{'s' * (count != 1)}"] * bool(count) + ["stopped"] * bool(session.stopped_by)
    return ", ".join([*words, *["failed"] * bool(session.upstream_failure)])


def cost(usage: pb.Usage) -> str:
    """US dollars, or that they are not known."""
    return f"${usage.cost_usd:.4f}" if usage.HasField("cost_usd") else "unknown"


def size(count: float) -> str:
    """Bytes for people."""
    for unit in _UNITS[:-1]:
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} {_UNITS[-1]}"


def _session(session: pb.Session) -> tuple[str, ...]:
    tokens = session.usage.input_tokens + session.usage.output_tokens
    return (
        session.session_id,
        kind(session),
        session.model or "-",
        session.upstream or "-",
        session.opened_at[:16].replace("T", " "),
        str(session.calls),
        f"{tokens:,}",
        cost(session.usage),
        size(session.stored_bytes),
        state(session),
    )


def _call(call: pb.Call, sent: int, got: int) -> tuple[str, ...]:
    from datetime import UTC, datetime

    at = datetime.fromtimestamp(call.started_at, UTC).strftime("%H:%M:%S.%f")[:-3]
    first = call.first_token_seconds or call.first_byte_seconds
    usage = call.usage
    return (
        str(call.seq),
        at,
        str(call.status or "-"),
        f"{first:.2f} s" if first else "-",
        f"{call.seconds:.2f} s",
        f"{usage.input_tokens:,}",
        f"{usage.cached_tokens:,}",
        f"{usage.output_tokens:,}",
        cost(usage),
        size(sent),
        size(got),
        call.request_line + (f": {call.error}" if call.error else ""),
    )


def _table(header: Sequence[str], rows: list[tuple[str, ...]]) -> list[str]:
    whole = [tuple(header), *(tuple(plain(cell.replace("\n", " ")) for cell in row) for row in rows)]
    widths = [max(len(row[column]) for row in whole) for column in range(len(header))]

    def line(row: tuple[str, ...]) -> str:
        cells = zip(row, widths, header, strict=True)
        return "  ".join(cell.rjust(width) if name in _RIGHT else cell.ljust(width) for cell, width, name in cells)

    return [line(row).rstrip() for row in whole]
