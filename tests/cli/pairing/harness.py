"""A person with a repository and a state folder of their own, and a capture service that may be killed."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from oneshot.capture.v1 import capture_pb2 as pb
from oneshot.capture.v1 import capture_pb2_grpc
from oneshot_cli.pairing import delivery
from oneshot_cli.pairing.tools import Tools
from oneshot_cli.pairing.works import Work, Works
from oneshot_shared.capture_core import Caller, Told
from oneshot_shared.client import channel

NOBODY = Caller()
TOKEN = "caller-token"
BROKEN = "def add(a, b):\n    return a - b\n"
MENDED = "def add(a, b):\n    return a + b\n"
TEST = "from calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n"


def git(folder: Path, *arguments: str) -> str:
    """The person's own git."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    told = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    words = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "init.defaultBranch=main"]
    return subprocess.run(
        [*words, *arguments], cwd=folder, env=mine | told, check=True, capture_output=True, text=True
    ).stdout


@dataclass
class Service:
    """A capture service in a process of its own."""

    root: Path
    port: int
    settings: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        return self.root / "service"

    @property
    def created(self) -> list[Path]:
        """The folders of created tasks, and whatever is half written."""
        return sorted((self.data / "tasks" / "created").glob("*"))

    @property
    def variables(self) -> dict[str, str]:
        """What leads a client here."""
        return {
            "ONESHOT_ENDPOINT": f"127.0.0.1:{self.port}",
            "ONESHOT_PORT_CAPTURE": str(self.port),
            "ONESHOT_TOKEN_FILE": str(self.root / "token"),
        }

    def start(self, **settings: str) -> None:
        """Start it, and wait until it listens."""
        (self.root / "token").write_text(TOKEN)
        given = {
            "LISTEN": f"127.0.0.1:{self.port}",
            "TOKEN_FILE": str(self.root / "token"),
            "DATA": str(self.data),
            **self.settings,
            **settings,
        }
        environment = {f"ONESHOT_CAPTURE_{name}": value for name, value in given.items()}
        with (self.root / "service.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "oneshot_capture.main"],
                env={"PATH": os.environ["PATH"], **environment},
                stdout=log,
                stderr=log,
            )
        until(self._listens, what=lambda: (self.root / "service.log").read_text())

    def _listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def kill(self) -> None:
        """kill -9."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    async def tasks(self) -> list[pb.CaptureTask]:
        """What it has."""
        async with channel(f"127.0.0.1:{self.port}", TOKEN) as opened:
            stub = capture_pb2_grpc.CaptureServiceStub(opened)
            return list((await stub.ListTasks(pb.ListTasksRequest())).tasks)


@dataclass
class Person:
    """A repository of theirs and what is on their disk."""

    root: Path
    service: Service

    @property
    def top(self) -> Path:
        return self.root / "repository"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root / "home"),
            "LANG": "C.UTF-8",
            "ONESHOT_STATE": str(self.root / "state"),
            "ONESHOT_DATA": str(self.root / "data"),
            "CODEX_HOME": str(self.root / "codex"),
            "PYTHONWARNINGS": "error",
            **self.service.variables,
        }

    @property
    def works(self) -> Works:
        return Works.here(self.environment)

    @property
    def work(self) -> Work:
        """Their newest."""
        return self.works.all()[0]

    @property
    def place(self) -> Path:
        """Its folder."""
        return self.works.place(self.work.task_id)

    def tools(self, folder: Path | None = None, **environment: str) -> Tools:
        """The tools, as a server in a folder has them."""
        return Tools(folder or self.top, self.environment | environment)

    def mend(self) -> None:
        """Do the work: a source file and a test."""
        (self.top / "calc.py").write_text(MENDED)
        (self.top / "tests").mkdir(exist_ok=True)
        (self.top / "tests" / "test_calc.py").write_text(TEST)

    async def start(self, title: str = "Mend add", caller: Caller = NOBODY, **words: Any) -> Told:
        """Start a task."""
        return await self.tools().start_task(caller, title=title, **words)

    async def end(self, summary: str = "Mended.", caller: Caller = NOBODY, **words: Any) -> Told:
        """End it."""
        return await self.tools().end_task(caller, summary=summary, **words)

    async def sent(self) -> Work:
        """Have the newest delivered by whoever does it, and wait."""
        return await delivery.send(self.works, self.work, self.environment)

    def deliverers(self) -> list[psutil.Process]:
        """Who delivers for them now."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                mine = "oneshot_cli.pairing.deliver" in process.cmdline()
                if mine and process.environ().get("ONESHOT_STATE") == str(self.root / "state"):
                    found.append(process)
        return found

    def kill_deliverers(self) -> int:
        """kill -9."""
        found = self.deliverers()
        for process in found:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(found, timeout=10)
        return len(found)


def until(true: Callable[[], object], seconds: float = 30, what: Callable[[], object] = lambda: "") -> None:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds} s: {what()}"
        time.sleep(0.05)


async def eventually(true: Callable[[], object], seconds: float = 30, what: Callable[[], object] = lambda: "") -> None:
    """The same, while others work on."""
    await asyncio.to_thread(until, true, seconds, what)


@contextlib.contextmanager
def person(**settings: str) -> Iterator[Person]:
    """A person whose capture service is not up yet; in the end nothing of theirs runs any more."""
    root = Path(tempfile.mkdtemp(prefix="osp-", dir="/tmp"))
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    made = Person(root, Service(root, port, settings))
    (root / "home").mkdir()
    made.top.mkdir()
    git(made.top, "init", "-q")
    (made.top / "calc.py").write_text(BROKEN)
    (made.top / "README").write_text("calc\n")
    git(made.top, "add", "-A")
    git(made.top, "commit", "-qm", "first")
    try:
        yield made
    finally:
        made.kill_deliverers()
        made.service.kill()
        subprocess.run(["rm", "-rf", str(root)], check=True)
