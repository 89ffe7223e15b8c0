"""The caller's copy of a run's results."""

import asyncio
import json
import shutil
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
from oneshot_cli import places, show
from oneshot_shared import archive
from oneshot_shared.errors import NotReady
from oneshot_shared.transfer import Incoming

if TYPE_CHECKING:
    from oneshot.orchestrator.v1.orchestrator_pb2_grpc import OrchestratorServiceAsyncStub

_PATCH_LINES, _PATCH_BYTES = 200, 32_000


async def local_copy(stub: "OrchestratorServiceAsyncStub", run: pb.Run) -> Path:
    """data/runs/<run_id> on this side; fetched where the stack keeps it elsewhere. A broken fetch leaves nothing.

    :raises NotReady: it has not ended.
    """
    if not run.ended_at:
        raise NotReady(f"run {run.run_id!r} has not ended; wait with `oneshot runs watch {run.run_id}`")
    folder = _folder(run)
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    place = Path(mkdtemp(prefix=".fetching-", dir=folder.parent))
    try:
        with Incoming(archive.Caps().bytes) as incoming:
            async for answer in stub.FetchArtifacts(pb.FetchArtifactsRequest(run_id=run.run_id)):
                incoming.take(answer.chunk, answer.sha256)
            await asyncio.to_thread(archive.unpack, incoming.whole(), place)
        place.chmod(0o755)
        try:
            place.rename(folder)
        except OSError:  # another command has fetched it meanwhile
            if not folder.exists():
                raise
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return folder


def present(run: pb.Run) -> str:
    """Where an ended run's copy is on this side, for people; empty where there is none."""
    folder = _folder(run)
    return places.short(folder) if folder.exists() else ""


def _folder(run: pb.Run) -> Path:
    """A run's place; two stacks may have runs of one id, so another run's folder is left alone."""
    folder = places.data_folder() / "runs" / run.run_id
    try:
        there = json.loads((folder / "run.json").read_text())["submitted_at"]
    except FileNotFoundError:
        return folder
    except (ValueError, KeyError, TypeError):
        there = ""
    return folder if there == run.submitted_at else folder.with_name(f"{run.run_id}@{run.submitted_at}")


async def of_run(stub: "OrchestratorServiceAsyncStub", run_id: str) -> Path:
    """The same by id. :raises FileNotFoundError: no such run. NotReady: it has not ended."""
    return await local_copy(stub, (await stub.GetRun(pb.GetRunRequest(run_id=run_id))).run)


def shortened(patch: Path) -> str:
    """A patch for the terminal: its beginning, and where the rest is."""
    size = patch.stat().st_size
    with patch.open("rb") as file:
        text = file.read(_PATCH_BYTES).decode(errors="replace")
    lines = text.splitlines()[:_PATCH_LINES]
    if size > _PATCH_BYTES or len(lines) < len(text.splitlines()):
        lines.append(f"… the whole patch, {size:,} bytes: {places.short(patch)}")
    return show.plain("\n".join(lines))
