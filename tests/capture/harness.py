"""The capture service behind its real server, and a repository whose trees are sent to it."""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from oneshot.capture.v1 import capture_pb2 as pb
from oneshot.capture.v1 import capture_pb2_grpc
from oneshot_capture.capture import Capture
from oneshot_capture.main import service
from oneshot_capture.settings import CaptureSettings
from oneshot_shared import client, server
from oneshot_shared.git import Git
from orchestrator import trees
from orchestrator.trees import Tree

TOKEN = "caller-token"
CHUNK = 1000
BASE: Tree = {b"src/calc.py": ("file", b"def add(a, b):\n    return a - b\n"), b"README": ("file", b"calc\n")}
END: Tree = {
    b"src/calc.py": ("file", b"def add(a, b):\n    return a + b\n"),
    b"README": ("file", b"calc\n"),
    b"tests/test_calc.py": ("file", b"from calc import add\n\ndef test_add():\n    assert add(1, 2) == 3\n"),
}


class Repository:
    """Makes trees and packs, as whoever sends them does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git = Git(folder / "git")

    @classmethod
    async def make(cls, folder: Path) -> "Repository":
        """An empty one."""
        made = cls(folder)
        made.git.folder.mkdir(parents=True)
        await made.git.init()
        return made

    async def tree(self, tree: Tree) -> str:
        """The id of a tree of files."""
        place = Path(mkdtemp(dir=self.folder))
        git = Git(self.git.folder, place / "index")
        await git("add", "-A", "--force", ".", work_tree=trees.write(tree, place / "tree"))
        return (await git("write-tree")).decode().strip()

    async def raw(self, *lines: bytes) -> str:
        """The id of a tree of lines as in `git ls-tree`, whatever they name."""
        return (
            (await self.git("mktree", "-z", "--missing", stdin=b"".join(line + b"\0" for line in lines)))
            .decode()
            .strip()
        )

    async def blob(self, content: bytes) -> bytes:
        """The id of a blob."""
        return (await self.git("hash-object", "-w", "--stdin", stdin=content)).strip()

    async def pack(self, *oids: str) -> bytes:
        """A pack of everything that these trees hold."""
        return await self.git(
            "pack-objects", "-q", "--revs", "--stdout", stdin="".join(f"{oid}\n" for oid in oids).encode()
        )

    async def pack_of(self, *oids: str) -> bytes:
        """A pack of these objects alone."""
        return await self.git("pack-objects", "-q", "--stdout", stdin="".join(f"{oid}\n" for oid in oids).encode())


@dataclass
class House:
    """A served capture service, its client and a repository."""

    data: Path
    capture: Capture
    address: str
    stub: Any
    repository: Repository

    @property
    def created(self) -> Path:
        return self.data / "tasks" / "created"

    async def start(self, task_id: str = "t1", title: str = "Add numbers", **more: Any) -> pb.CaptureTask:
        """Start a task; its base is BASE unless `base_tree` says otherwise."""
        more.setdefault("base_tree", await self.repository.tree(BASE))
        return (await self.stub.StartTask(pb.StartTaskRequest(task_id=task_id, title=title, **more))).task

    async def end(
        self,
        task_id: str = "t1",
        *,
        pack: bytes | None = None,
        sha256: str | None = None,
        rollout: bytes = b"",
        **more: Any,
    ) -> pb.CaptureTask:
        """End a task; from BASE to END unless the ids say otherwise."""
        more.setdefault("base_tree", await self.repository.tree(BASE))
        more.setdefault("end_tree", await self.repository.tree(END))
        ending = pb.Ending(task_id=task_id, **more)
        content = await self.repository.pack(ending.base_tree, ending.end_tree) if pack is None else pack
        return (await self.stub.EndTask(stream(ending, content, sha256, rollout))).task

    async def both(self, base: Tree, end: Tree, task_id: str = "t1", **more: Any) -> Path:
        """Start and end a task with these trees; returns its folder."""
        oids = {"base_tree": await self.repository.tree(base), "end_tree": await self.repository.tree(end)}
        await self.start(task_id, base_tree=oids["base_tree"])
        return self.created / (await self.end(task_id, **oids, **more)).folder

    async def status(self, task_id: str = "t1") -> pb.CaptureTask:
        """A task as it stands."""
        return (await self.stub.GetTaskStatus(pb.GetTaskStatusRequest(task_id=task_id))).task

    async def abort(self, task_id: str = "t1") -> pb.CaptureTask:
        """Give a task up."""
        return (await self.stub.AbortTask(pb.AbortTaskRequest(task_id=task_id))).task

    def leftovers(self) -> list[Path]:
        """What must be gone after every call."""
        return [*self.created.glob(".*"), *(self.data / "state" / "capture").iterdir()]


async def stream(
    ending: pb.Ending, pack: bytes, sha256: str | None = None, rollout: bytes = b""
) -> AsyncIterator[pb.EndTaskRequest]:
    """What EndTask takes."""
    yield pb.EndTaskRequest(ending=ending)
    for at in range(0, len(rollout), CHUNK):
        yield pb.EndTaskRequest(rollout=rollout[at : at + CHUNK])
    for at in range(0, len(pack), CHUNK):
        yield pb.EndTaskRequest(chunk=pack[at : at + CHUNK])
    yield pb.EndTaskRequest(sha256=hashlib.sha256(pack).hexdigest() if sha256 is None else sha256)


NO_RECORD = "there is no reference cassette, and no trajectory: no session of the proxy recorded the work"


@contextlib.asynccontextmanager
async def house(folder: Path, proxy: Any = None, **settings: Any) -> AsyncIterator[House]:
    """The service with its data in a folder, and an empty repository beside it."""
    with tempfile.TemporaryDirectory(prefix="osc-") as short:
        token = Path(short) / "token"
        token.write_text(TOKEN)
        made = CaptureSettings(
            **{"listen": f"unix:{short}/c", "token_file": token, "data": folder / "data", **settings}
        )
        capture = Capture(made, proxy)
        running, address = await server.start("capture", made, [service(capture)], capture.busy)
        try:
            async with client.channel(address, TOKEN) as channel:
                stub = capture_pb2_grpc.CaptureServiceStub(channel)
                repository = Repository(folder / "repository")
                if not repository.git.folder.exists():
                    repository = await Repository.make(folder / "repository")
                yield House(made.data, capture, address, stub, repository)
        finally:
            await capture.finish()
            await running.stop(1)
            capture.close()


def apply_all(task: Path, folder: Path) -> Tree:
    """The base with both patches, by plain `git apply`."""
    trees.write(trees.read(task / "environment" / "repo"), folder)
    for name in ("solution/solution.patch", "tests/tests.patch"):
        if (task / name).exists():
            trees.apply((task / name).read_bytes(), folder)
    return trees.read(folder)


def fits(tree: Tree) -> Tree:
    """A tree without the links that lead out of it."""
    return {name: entry for name, entry in tree.items() if entry[0] != "link" or not _leads_out(name, entry[1])}


def _leads_out(name: bytes, target: bytes) -> bool:
    place = os.path.normpath(os.path.join(b"/root", os.path.dirname(name), target))  # noqa: PTH118, PTH120 -- bytes
    return target.startswith(b"/") or not (place + b"/").startswith(b"/root/")
