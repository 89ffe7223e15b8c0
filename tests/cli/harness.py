"""The real `oneshot` command with a data folder, socket folder and environment of its own."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from google.protobuf.json_format import MessageToDict

from oneshot.orchestrator.v1 import orchestrator_pb2, orchestrator_pb2_grpc
from oneshot_cli import clients, places
from oneshot_cli.stack import Stack
from oneshot_shared.client import channel

ROOT = Path(__file__).parents[2]
HELLO = ROOT / "data" / "tasks" / "prepared" / "hello-world"
ONESHOT = str(Path(sys.executable).with_name("oneshot"))
SERVICES = ("proxy", "grader", "orchestrator", "capture")


@dataclass
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """The one line on standard error that an error is."""
        (line,) = self.err.splitlines()
        assert line.startswith("oneshot: ")
        return line.removeprefix("oneshot: ")

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class House:
    """A data folder with the example task, and everything that is started for it."""

    root: Path
    env: dict[str, str]
    program: tuple[str, ...] = (ONESHOT,)
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def data(self) -> Path:
        return self.root / "d"

    @property
    def runtime(self) -> Path:
        """The stack's folder of sockets; it may not be there yet."""
        return self.root / "r" / places.owner(self.data)

    @property
    def state(self) -> Path:
        """The stack's folder of locks, stores and logs; it may not be there yet."""
        return self.data / "state"

    @property
    def stack(self) -> Stack:
        return Stack(self.data)

    @property
    def task(self) -> Path:
        return self.data / "tasks" / "prepared" / "hello-world"

    def start(self, *arguments: str, cwd: Path | None = None, **env: str) -> subprocess.Popen[str]:
        """Start a command in a session of its own, as a terminal would."""
        process = subprocess.Popen(
            [*self.program, *arguments],
            env=self.env | env,
            cwd=cwd or self.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def __call__(self, *arguments: str, **env: str) -> Ended:
        """Run a command to its end."""
        return end(self.start(*arguments, **env))

    def runs(self) -> list[dict[str, Any]]:
        """Every run, newest first; starts the stack where none is up."""
        if not self.stack.ready():
            assert self("up").code == 0
        return asyncio.run(_runs(self.stack))

    def services(self) -> dict[str, int]:
        """The process of each service."""
        return {info.service: info.pid for info in asyncio.run(clients.infos(self.stack))}

    def processes(self) -> list[str]:
        """Every process that serves this data folder or was started in one of its sandboxes."""
        words = (str(self.root), f"ONESHOT_SANDBOX={places.owner(self.data)}/")
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                    continue
                variables = [f"{name}={value}" for name, value in process.environ().items()]
                if any(word in text for text in (*process.cmdline(), *variables) for word in words):
                    found.append(f"{process.pid} {' '.join(process.cmdline())[:200]}")
        return found

    def litter(self) -> list[str]:
        """What a run should have removed."""
        state = self.state
        found = [*state.glob("sandboxes/*"), *state.glob("scratch/*"), *state.glob("tasks/.*")]
        return [str(each) for each in (*found, *self.data.glob("runs/.*"))]

    def leftovers(self) -> list[str]:
        """What a stack or a run should have removed."""
        found = [*self.runtime.glob("*.sock"), *self.runtime.glob("gateway"), *self.state.glob("ready.json")]
        return [*self.processes(), *(str(each) for each in found), *self.litter()]

    def close(self) -> None:
        """Stop what runs, and demand that nothing is left."""
        for process in self.started:
            with process:  # a test that failed may have left it at work
                process.kill()
        down = end(self.start("down", "--force"))
        until(lambda: not self.leftovers(), what=self.leftovers)
        shutil.rmtree(self.root)
        assert down.code == 0, down


async def _runs(stack: Stack) -> list[dict[str, Any]]:
    async with channel(stack.address("orchestrator"), stack.token) as opened:
        stub = orchestrator_pb2_grpc.OrchestratorServiceStub(opened)
        answer = await stub.ListRuns(orchestrator_pb2.ListRunsRequest(limit=1000))
    return [MessageToDict(run, preserving_proto_field_name=True) for run in answer.runs]


def end(process: subprocess.Popen[str], timeout: float = 90) -> Ended:
    """Wait for a command."""
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError(f"{process.args} did not end: {process.communicate()}") from None
    return Ended(process.returncode, out, err)


def interrupt(process: subprocess.Popen[str]) -> None:
    """Ctrl-C: the terminal signals the whole group."""
    os.killpg(process.pid, signal.SIGINT)


def until(true: Callable[[], object], seconds: float = 20, what: Callable[[], object] = lambda: "") -> None:
    """Wait for something to become true."""
    end_ = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end_, f"not within {seconds} s: {what()}"
        time.sleep(0.05)


def await_line(process: subprocess.Popen[str], words: str) -> None:
    """Read progress until a line with some words."""
    assert process.stderr
    seen = []
    for line in process.stderr:
        seen.append(line)
        if words in line:
            return
    raise AssertionError(f"no {words!r} in {seen}")


@contextlib.contextmanager
def house(**env: str) -> Iterator[House]:
    """A house whose task needs no network: its tests run with this interpreter's pytest."""
    root = Path(tempfile.mkdtemp(prefix="osc-", dir="/tmp"))
    (root / "r").mkdir(mode=0o700)
    (root / "home").mkdir()
    base = {
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(root / "home"),
        "LANG": "C.UTF-8",
        "ONESHOT_DATA": str(root / "d"),
        "ONESHOT_RUNTIME": str(root / "r"),
        "PYTHONWARNINGS": "error,ignore:subprocess:ResourceWarning",  # for the command itself; services get none of a caller's PYTHON variables
    }
    made = House(root, base | env)
    lay_task(made.task)
    try:
        yield made
    finally:
        made.close()


@contextlib.contextmanager
def forwarded(socket_file: Path) -> Iterator[int]:
    """A loopback port that leads to a unix socket: the stack of another machine, as far as the command can tell."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def pump(source: socket.socket, sink: socket.socket) -> None:
            with contextlib.suppress(OSError):
                while chunk := source.recv(65536):
                    sink.sendall(chunk)
            for side in (source, sink):
                with contextlib.suppress(OSError):
                    side.shutdown(socket.SHUT_RDWR)

        def serve(caller: socket.socket) -> None:
            with caller, socket.socket(socket.AF_UNIX) as service:
                service.connect(str(socket_file))
                back = threading.Thread(target=pump, args=(service, caller))
                back.start()
                pump(caller, service)
                back.join()

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    threads.append(threading.Thread(target=serve, args=(listener.accept()[0],)))
                    threads[-1].start()

        threads = [threading.Thread(target=accept)]
        threads[0].start()
        yield int(listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(10)


def lay_task(folder: Path, setup: str = "") -> None:
    """The example task, with another local setup: one that installs nothing."""
    shutil.copytree(HELLO, folder)
    toml = (folder / "task.toml").read_text()
    head, _, _ = toml.partition("[metadata.oneshot.local]")
    path = f"{Path(sys.executable).parent}:{{path}}"
    local = (
        f'[metadata.oneshot.local]\nbase = "repo"\nsetup = [{setup}]\n[metadata.oneshot.local.env]\nPATH = "{path}"\n'
    )
    (folder / "task.toml").write_text(f'{head}{local}PYTHONPATH = "{{tree}}/src"\n')
