"""Processes on this machine as a sandbox's: how one is started and heard, and how all are found and killed."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Iterable
from pathlib import Path

import psutil

from oneshot_orchestrator.contract import Sink

MARK = "ONESHOT_SANDBOX"
KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR")
_INIT = str(Path(__file__).with_name("local_init.py"))
_KILL_SECONDS = 10.0
_PAUSE_SECONDS = 0.005


def environ(*more: str) -> dict[str, str]:
    """What a sandbox gets of this process's environment."""
    return {name: os.environ[name] for name in (*KEPT, *more) if name in os.environ}


class NotStarted(OSError):  # noqa: N818 -- it says how far the command came
    """A command that the system does not start: its words are too long, or its place is gone."""


class Pipe:
    """A pipe whose content goes to a sink as it comes, and to nowhere once it is released."""

    def __init__(self, sink: Sink) -> None:
        self._loop = asyncio.get_running_loop()
        self._sink: Sink | None = sink
        self._reading, self.writing = os.pipe()
        os.set_blocking(self._reading, False)
        self.ended: asyncio.Future[None] = self._loop.create_future()
        """Done when nobody can write any more."""
        self.failed: asyncio.Future[None] = self._loop.create_future()
        """Done when the sink raised, with what it raised."""
        self.closed = False
        self._loop.add_reader(self._reading, self._take)

    def _take(self) -> None:
        try:
            chunk = os.read(self._reading, 65536)
        except BlockingIOError:
            return
        if not chunk:
            self.close()
        elif self._sink:
            try:
                self._sink(chunk)
            except Exception as error:  # noqa: BLE001 -- whoever waits for the end gets it
                self.release()
                self.failed.set_exception(error)

    def release(self) -> None:
        """Nobody listens any more; but whoever writes must not notice."""
        self._sink = None

    def close(self) -> None:
        """The end, also for whoever still writes."""
        if self.closed:
            return
        self.closed = True
        self._loop.remove_reader(self._reading)
        os.close(self._reading)
        self.ended.set_result(None)


async def start(
    argv: list[str], *, cwd: str, env: dict[str, str], largest: int, pipes: tuple[Pipe, Pipe, Pipe]
) -> Process:
    """Start a command below an init of its own; its outputs and its exit code go to the pipes. :raises NotStarted:"""
    out, err, status = pipes
    try:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", _INIT, str(status.writing), str(largest), *argv),
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=out.writing,
            stderr=err.writing,
            pass_fds=[status.writing],
            start_new_session=True,
        )
    except OSError as error:
        raise NotStarted(*error.args) from None
    finally:
        for pipe in pipes:
            os.close(pipe.writing)


def kill_all(mark: str, folder: Path) -> None:
    """Kill every process that a sandbox with this mark started in this folder: daemons, and what has shed its environment.

    An init is killed last: as long as it lives, its orphans are its children.
    """
    place, until = str(folder.resolve()), time.monotonic() + _KILL_SECONDS
    while time.monotonic() < until:
        found = [process for process in psutil.process_iter() if _belongs(process, mark, place)]
        inits = [process for process in found if _is_init(process)]
        victims = [process for process in found if process not in inits] + _alive_below(found)
        for process in victims or inits:
            _kill(process)
        if not found:
            return
        time.sleep(
            _PAUSE_SECONDS
        )  # not psutil.wait_procs: it would take the exit status of our own children from asyncio


def _kill(process: psutil.Process) -> None:
    """Kill a process and its group at once: one that keeps forking does not flee from that."""
    with contextlib.suppress(psutil.Error, OSError):
        if os.getsid(process.pid) != os.getsid(0):
            os.killpg(os.getpgid(process.pid), signal.SIGKILL)
    with contextlib.suppress(psutil.Error):
        process.kill()


def _alive_below(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    found = []
    for process in processes:
        with contextlib.suppress(psutil.Error):
            found += [child for child in process.children(recursive=True) if _alive(child)]
    return found


def _alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _is_init(process: psutil.Process) -> bool:
    try:
        return _INIT in process.cmdline()[:4]
    except psutil.Error:
        return False


def _belongs(process: psutil.Process, mark: str, folder: str) -> bool:
    with contextlib.suppress(psutil.Error, OSError):
        if process.status() == psutil.STATUS_ZOMBIE or process.pid == os.getpid():
            return False
        if process.environ().get(MARK, "").startswith(mark):
            return True
        at = process.cwd()
        return (at == folder or at.startswith(f"{folder}/")) and process.terminal() is None  # no person's shell
    return False
