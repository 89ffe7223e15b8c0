"""What is kept of the conversation: the proxy's slice of it, and the agent's own record. None of it decides whether there is a task."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from oneshot.capture.v1 import capture_pb2 as pb
from oneshot.proxy.v1 import proxy_pb2, proxy_pb2_grpc
from oneshot_capture import rollout
from oneshot_capture.exported import NotExported, Recorded
from oneshot_shared import key_shapes
from oneshot_shared.errors import BadInput

TRAJECTORY, CASSETTE, ROLLOUT = "trajectory.json", "cassettes/reference.jsonl", "trace/rollout.jsonl"
_WIRE = {TRAJECTORY: proxy_pb2.TRACE_FORMAT_ATIF, CASSETTE: proxy_pb2.TRACE_FORMAT_CASSETTE}
_PIECE_BYTES = 1024 * 1024


async def write(
    folder: Path, task: pb.CaptureTask, received: Path, proxy: "proxy_pb2_grpc.ProxyServiceAsyncStub | None"
) -> list[str]:
    """Write trajectory.json, cassettes/ and trace/ into a task's oneshot/ folder; returns remarks, a sentence each.

    `received`: the agent's own record, which may be none. Full disks are the caller's.
    """
    remarks: list[str] = []
    with TemporaryDirectory(prefix="trace-", dir=received.parent) as place:
        found = {}
        if received.exists():
            found[ROLLOUT] = received
        found |= await _from_wire(Path(place), task, received.exists(), proxy, remarks)
        if ROLLOUT in found and TRAJECTORY not in found:
            try:
                await asyncio.to_thread(rollout.convert, received, Path(place) / "rollout.json", task.ending)
                found[TRAJECTORY] = Path(place) / "rollout.json"
            except BadInput as error:
                remarks.append(f"oneshot/{TRAJECTORY} is missing: {error}")
        for name, file in found.items():
            if count := await asyncio.to_thread(_copy, file, folder / name):
                remarks.append(f"{count} key{'s' * (count != 1)} in oneshot/{name} became asterisks")
    return remarks


async def _from_wire(
    place: Path,
    task: pb.CaptureTask,
    received: bool,
    proxy: "proxy_pb2_grpc.ProxyServiceAsyncStub | None",
    remarks: list[str],
) -> dict[str, Path]:
    why = "no session of the proxy recorded the work"
    if task.ending.session_id or task.start.session_id:
        why = "this service has no proxy to ask"
        if proxy is not None:
            recorded = Recorded(proxy, task)
            try:
                await recorded.check()
            except NotExported as error:
                why = str(error)
            else:
                return await _exports(recorded, place, remarks)
    trajectory = "the trajectory is made of the agent's own record" if received else "no trajectory"
    remarks.append(f"there is no reference cassette, and {trajectory}: {why}")
    return {}


async def _exports(recorded: Recorded, place: Path, remarks: list[str]) -> dict[str, Path]:
    found, lost = {}, dict[str, list[str]]()
    for number, (name, form) in enumerate(_WIRE.items()):
        file = place / f"{number}"
        try:
            losses = await recorded.export(form, file)
        except NotExported as error:
            remarks.append(f"oneshot/{name} could not be had from the proxy: {error}")
            continue
        found[name] = file
        for loss in losses:
            lost.setdefault(loss, []).append(f"oneshot/{name}")
    for loss, names in lost.items():
        remarks.append(f"{' and '.join(names)} {'does' if len(names) == 1 else 'do'} not carry {loss}")
    return found


def _copy(file: Path, to: Path) -> int:
    """Copy without keys; returns how many there were."""
    to.parent.mkdir(parents=True, exist_ok=True)
    masked = 0
    with file.open("rb") as source, to.open("xb") as out:
        for piece, count in key_shapes.masked(_pieces(source)):
            out.write(piece)
            masked += count
    return masked


def _pieces(source: IO[bytes]) -> Iterator[bytes]:
    while piece := source.read(_PIECE_BYTES):
        yield piece
