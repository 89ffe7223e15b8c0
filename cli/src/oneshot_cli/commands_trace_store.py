"""oneshot trace verify, oneshot trace prune: what the trace store holds, and what it need not hold any longer."""

from typing import TYPE_CHECKING

import typer

from oneshot_cli import commands_trace, ending

if TYPE_CHECKING:
    from oneshot.proxy.v1.proxy_pb2_grpc import ProxyServiceAsyncStub

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_ALL = 2**31 - 1
_MEGABYTE = 1_000_000


def verify(
    session: str | None = typer.Argument(None, metavar="[SESSION]", help="Session id; without one: all of them."),
    endpoint: str = commands_trace.ENDPOINT,
    as_json: bool = commands_trace.JSON,
) -> None:
    """Rebuild every recorded body and compare it with its checksum. Exit code 1: something is damaged."""

    async def work(stub: "ProxyServiceAsyncStub") -> int:
        import sys

        from oneshot.proxy.v1 import proxy_pb2 as pb
        from oneshot_cli import json_out, trace_fetch

        if session is not None:
            listed = [await trace_fetch.session(stub, session)]
        else:
            listed = list((await stub.ListSessions(pb.ListSessionsRequest(limit=_ALL))).sessions)
        code, rows = ending.PASS, []
        for each in [record.session_id for record in listed]:
            found = await stub.VerifySession(pb.VerifySessionRequest(session_id=each))
            rows.append({"session_id": each} | json_out.fields(found))
            if not as_json:
                state = "DAMAGED" if found.damaged else "as recorded"
                print(f"{each}: {found.calls} calls, {found.body_bytes / _MEGABYTE:.1f} MB, {state}")
                for words in found.damaged:
                    print(f"oneshot: {each}: {words}", file=sys.stderr)
            code = ending.FAIL if found.damaged else code
        if as_json:
            json_out.show(rows)
        return code

    commands_trace.with_stub(endpoint, work)


def prune(
    sessions: list[str] = typer.Argument(None, metavar="[SESSION]…", help="Session ids."),  # noqa: B008 -- typer's way
    older_than: str = typer.Option(
        "", "--older-than", metavar="AGE", help="All closed longer ago (90d, 2w, 12h); not with ids."
    ),
    dry_run: bool = typer.Option(False, "--dry-run", help="Show what would go, delete nothing."),
    endpoint: str = commands_trace.ENDPOINT,
    as_json: bool = commands_trace.JSON,
) -> None:
    """Delete closed sessions and give their space back. Open ones are never touched."""

    async def work(stub: "ProxyServiceAsyncStub") -> int:
        from oneshot.proxy.v1 import proxy_pb2 as pb
        from oneshot_cli import json_out, trace_fetch
        from oneshot_shared.errors import BadInput

        if not sessions and not older_than:
            raise BadInput("nothing says which sessions go; name some, or give --older-than with an age such as 30d")
        if sessions and older_than:
            raise BadInput("sessions and an age are given, and an age is for all sessions; give only one of the two")
        named = [(await trace_fetch.session(stub, each)).session_id for each in sessions or []]
        request = pb.PruneSessionsRequest(session_ids=named, dry_run=dry_run)
        if older_than:
            request.older_than_seconds = seconds(older_than)
        gone = await stub.PruneSessions(request)
        if as_json:
            json_out.show(json_out.fields(gone))
            return ending.PASS
        for each in gone.session_ids:
            print(each)
        count = len(gone.session_ids)
        words = "would be deleted" if dry_run else "deleted"
        print(f"{count} session{'s' * (count != 1)} {words}, {gone.freed_bytes / _MEGABYTE:.1f} MB given back.")
        return ending.PASS

    commands_trace.with_stub(endpoint, work)


def seconds(age: str) -> int:
    """An age such as `30d` in seconds. :raises BadInput: it is none."""
    from oneshot_shared.errors import BadInput

    number, unit = age[:-1], age[-1:]
    if not (number.isascii() and number.isdecimal() and len(number) < 7 and unit in _UNITS):
        units = ", ".join(_UNITS)
        raise BadInput(f"the age {age!r} is no whole number with one of the units {units}; give for example 30d")
    return int(number) * _UNITS[unit]
