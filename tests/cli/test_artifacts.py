"""The caller's copy of a run: fetched from a stack that is elsewhere, whole or not at all."""

import hashlib
import io
import json
import tarfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from cli import harness
from cli.harness import House
from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
from oneshot.orchestrator.v1 import orchestrator_pb2_grpc
from oneshot_cli import artifacts
from oneshot_shared import client, server
from oneshot_shared.errors import BadInput
from shared.harness import TOKEN, toy_settings

WHEN = "2026-01-01T00:00:00.000Z"


class Remote(orchestrator_pb2_grpc.OrchestratorServiceServicer):
    """A stack that keeps one run; `end` is what happens after its bytes were sent."""

    def __init__(self, content: bytes, end: Callable[[], None] = lambda: None, checksum: str = "") -> None:
        self.content, self.end, self.checksum = content, end, checksum

    async def FetchArtifacts(  # noqa: N802
        self, request: pb.FetchArtifactsRequest, context: object
    ) -> AsyncIterator[pb.FetchArtifactsResponse]:
        yield pb.FetchArtifactsResponse(chunk=self.content[:700])
        yield pb.FetchArtifactsResponse(chunk=self.content[700:])
        self.end()
        yield pb.FetchArtifactsResponse(sha256=self.checksum or hashlib.sha256(self.content).hexdigest())


async def _fetch(remote: Remote, submitted_at: str = WHEN) -> Path:
    name = "oneshot.orchestrator.v1.OrchestratorService"
    service = server.Service(orchestrator_pb2_grpc.add_OrchestratorServiceServicer_to_server, remote, name)
    with toy_settings() as settings:
        started, address = await server.start("remote", settings, [service])
        try:
            async with client.channel(address, TOKEN) as channel:
                stub = orchestrator_pb2_grpc.OrchestratorServiceStub(channel)
                run = pb.Run(run_id="run-1", submitted_at=submitted_at, ended_at=submitted_at)
                return await artifacts.local_copy(stub, run)
        finally:
            await started.stop(1)


def _tar(name: str = "artifacts/diff.patch", kind: bytes = tarfile.REGTYPE) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        member = tarfile.TarInfo(name)
        member.type, member.size = kind, 4 if kind == tarfile.REGTYPE else 0
        tar.addfile(member, io.BytesIO(b"diff"))
        record = json.dumps({"submitted_at": WHEN}).encode()
        member = tarfile.TarInfo("run.json")
        member.size = len(record)
        tar.addfile(member, io.BytesIO(record))
    return file.getvalue()


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("ONESHOT_DATA", str(tmp_path))
    return tmp_path / "runs"


async def test_a_run_is_fetched_once(runs: Path) -> None:
    folder = await _fetch(Remote(_tar()))
    assert folder == runs / "run-1"
    assert (folder / "artifacts" / "diff.patch").read_text() == "diff"
    assert folder.stat().st_mode & 0o777 == 0o755
    assert await _fetch(Remote(b"not asked again")) == folder


async def test_a_run_of_the_same_id_on_another_stack_is_another_run(runs: Path) -> None:
    await _fetch(Remote(_tar()))
    later = "2026-02-02T00:00:00.000Z"
    assert await _fetch(Remote(_tar()), later) == runs / f"run-1@{later}"
    assert await _fetch(Remote(b"not asked again"), later) == runs / f"run-1@{later}"
    assert await _fetch(Remote(b"not asked again")) == runs / "run-1"


def _lost() -> None:
    raise ConnectionError("lost")


@pytest.mark.parametrize(
    ("remote", "error"),
    [
        (Remote(_tar(), end=_lost), ConnectionError),
        (Remote(b"no tar at all"), BadInput),
        (Remote(_tar()[:514]), BadInput),
        (Remote(_tar(), checksum="0" * 64), BadInput),
        (Remote(_tar("../../out")), BadInput),
        (Remote(_tar("pipe", tarfile.FIFOTYPE)), BadInput),
    ],
)
async def test_a_broken_fetch_leaves_nothing(runs: Path, remote: Remote, error: type[Exception]) -> None:
    with pytest.raises(error):
        await _fetch(remote)
    assert list(runs.iterdir()) == []
    assert [path.name for path in runs.parent.iterdir()] == ["runs"]


def test_a_long_patch_is_shown_in_part(tmp_path: Path) -> None:
    patch = tmp_path / "diff.patch"
    patch.write_bytes(b"\n".join(b"+%d" % n for n in range(201)) + b"\n+\xff")
    assert artifacts.shortened(patch).splitlines()[199:] == ["+199", f"… the whole patch, 897 bytes: {patch}"]
    patch.write_bytes(b"+1\n+\xff\n")
    assert artifacts.shortened(patch) == "+1\n+\ufffd"
    patch.write_bytes(b"+\x1b[8mhidden\x1b]0;title\tx\n")
    assert artifacts.shortened(patch) == "+\ufffd[8mhidden\ufffd]0;title\tx"


@pytest.fixture
def elsewhere(house: House, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The variables of a person on another machine, whose data folder holds nothing."""
    with harness.forwarded(house.runtime / "orchestrator.sock") as port:
        yield {
            "ONESHOT_DATA": str(tmp_path / "mine"),
            "ONESHOT_ENDPOINT": f"127.0.0.1:{port}",
            "ONESHOT_TOKEN_FILE": str(house.runtime / "token"),
        }


def test_a_run_on_a_stack_elsewhere(house: House, elsewhere: dict[str, str], tmp_path: Path) -> None:
    assert house("up").code == 0
    ended = house("run", str(house.task), "--agent", "oracle", "--backend", "local", "--run-id", "far", **elsewhere)
    assert ended.code == 0, ended
    mine = tmp_path / "mine" / "runs" / "far"
    assert f"[results] Files: {mine}" in ended.out
    assert "+hello world" in (mine / "artifacts" / "diff.patch").read_text()
    assert house("runs", "diff", "far", **elsewhere).out == house("runs", "diff", "far").out
    assert house("runs", "logs", "far", **elsewhere).out == house("runs", "logs", "far").out
    assert not (tmp_path / "mine" / "state").exists(), "no stack was started here"
    slow = ("--agent", "command", "--command", "sleep 300", "--backend", "local", "--detach", "--run-id", "far-slow")
    assert house("run", str(house.task), *slow, **elsewhere).code == 0
    early = house("runs", "logs", "far-slow", **elsewhere)
    assert early.code == 2
    assert early.sentence == "run 'far-slow' has not ended; wait with `oneshot runs watch far-slow`"
    assert house("runs", "cancel", "far-slow", **elsewhere).code == 0
    assert house("runs", "logs", "far-slow", **elsewhere).code == 0


def test_a_patch_of_one_long_line_is_shown_in_part(tmp_path: Path) -> None:
    patch = tmp_path / "diff.patch"
    patch.write_bytes(b"+" + b"x" * 1_000_000)
    assert len(artifacts.shortened(patch)) < 40_000
