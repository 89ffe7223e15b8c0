"""The embedded stack, from its users' side: start it, join it, replace it, stop it."""

import asyncio
import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from oneshot_cli import engine, places
from oneshot_shared import tokens
from oneshot_shared.errors import NotReady

SERVICES = ("proxy", "grader", "orchestrator")
_START_SECONDS = 60.0
_STOP_SECONDS = 60.0
_FREE_BYTES = 16 * 1024 * 1024
# nothing else of a caller's environment reaches the services: keys go to the proxy by PutKeys, into memory only
_PASSED = frozenset(
    [
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "LANG",
        "TZ",
        "TMPDIR",
        "CURL_CA_BUNDLE",
        "REQUESTS_CA_BUNDLE",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
        "http_proxy",
        "https_proxy",
        "no_proxy",
        "ONESHOT_IDLE_SECONDS",
    ]
)
_PASSED_PREFIXES = (
    "LC_",
    "XDG_",
    "DOCKER_",
    "BUILDX_",
    "SSL_",
    "PIP_",
    "ONESHOT_PROXY_",
    "ONESHOT_ORCHESTRATOR_",
    "ONESHOT_GRADER_",
)


@dataclass(frozen=True)
class Stack:
    """The stack of a data folder, running or not."""

    data: Path
    runtime: Path

    @classmethod
    def here(cls) -> "Stack":
        """The stack of this command's data folder."""
        data = places.data_folder()
        return cls(data, places.runtime_folder(data))

    def address(self, service: str) -> str:
        """A service's gRPC address."""
        return f"unix:{self.runtime / service}.sock"

    @property
    def token_file(self) -> Path:
        """Where the token is (0600)."""
        return self.runtime / "token"

    @property
    def token(self) -> str:
        """The stack's token."""
        return tokens.ensure(self.token_file).read_text().strip()

    @property
    def log(self) -> Path:
        """The supervisor's log; each service's is beside it."""
        return self.data / "state" / "logs" / "stack.log"

    @property
    def ready_file(self) -> Path:
        """Written by the supervisor when every service answers, removed when it leaves: {"pid", "build"}."""
        return self.runtime / "ready.json"

    def alive(self) -> bool:
        """Whether a supervisor holds the stack."""
        with (self.runtime / "alive.lock").open("a") as file:
            return not _try_lock(file.fileno())

    @contextmanager
    def starting(self, timeout: float = _START_SECONDS) -> Iterator[None]:
        """Hold the lock under which the stack is started, joined and left. :raises NotReady: somebody else holds it."""
        with (self.runtime / "start.lock").open("a") as file:
            until = time.monotonic() + timeout
            while not _try_lock(file.fileno()):
                if time.monotonic() > until:
                    raise NotReady(f"another command has been starting the stack for {timeout:.0f} s; see {self.log}")
                time.sleep(0.05)
            yield

    def ready(self) -> dict[str, object] | None:
        """The ready file's content while the stack runs."""
        with contextlib.suppress(FileNotFoundError, ValueError):
            content: dict[str, object] = json.loads(self.ready_file.read_text())
            return content if self.alive() else None
        return None

    def stop(self) -> None:
        """Ask the supervisor to leave, and wait. :raises NotReady: it does not."""
        ready = self.ready()
        pid = int(str(ready["pid"])) if ready else _pid(self.runtime)
        if pid and self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        until = time.monotonic() + _STOP_SECONDS
        while self.alive():
            if time.monotonic() > until:
                raise NotReady(f"the stack (process {pid}) has not ended within {_STOP_SECONDS:.0f} s; see {self.log}")
            time.sleep(0.05)

    def tidy(self) -> None:
        """Remove what a supervisor that was killed left."""
        with self.starting():
            if not self.alive():
                self.ready_file.unlink(missing_ok=True)
                shutil.rmtree(self.runtime / "gateway", ignore_errors=True)
                engine.reap(places.owner(self.data))
                self._tidy_sandboxes()

    def _tidy_sandboxes(self) -> None:
        """Kill and remove what runs on this machine left; the orchestrator knows how."""
        if any((self.data / "state" / "sandboxes").glob("*")):
            tidy = [
                sys.executable,
                "-m",
                "oneshot_orchestrator.tidy",
                places.owner(self.data),
                str(self.data / "state"),
            ]
            subprocess.run(tidy, timeout=_STOP_SECONDS, check=False)

    def spawn(self) -> None:
        """Start the supervisor and wait until every service answers.

        :raises NotReady: the disk is full, or with the log's last line.
        """
        if (free := shutil.disk_usage(self.data).free) < _FREE_BYTES:
            raise NotReady(
                f"only {free // 2**20} MiB are free at {self.data}; free some space or set ONESHOT_DATA to another disk"
            )
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.ready_file.unlink(missing_ok=True)
        env = {k: v for k, v in os.environ.items() if k in _PASSED or k.startswith(_PASSED_PREFIXES)}
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "oneshot_cli.supervisor", str(self.data), str(self.runtime)],
                env=env,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        begun, until = time.time(), time.monotonic() + _START_SECONDS
        while not self.ready():
            if process.poll() is not None or time.monotonic() > until:
                process.kill()
                raise NotReady(f"the stack does not start: {self._why(begun)}; the logs are in {self.log.parent}")
            time.sleep(0.02)

    def _why(self, begun: float) -> str:
        for service in (*SERVICES, "stack"):
            log = self.log.parent / f"{service}.log"
            if not log.exists() or log.stat().st_mtime < begun:
                continue
            lines = log.read_text(errors="replace").strip().splitlines()
            with contextlib.suppress(ValueError, IndexError, AttributeError):
                last = json.loads(lines[-1])
                if last.get("level") == "error":
                    return f"{service}: {last['event']}"
        return "a service did not answer in time"


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _pid(runtime: Path) -> int:
    with contextlib.suppress(FileNotFoundError, ValueError):
        return int((runtime / "alive.lock").read_text())
    return 0


async def joined(stack: Stack, *, any_build: bool = False) -> None:
    """Make sure that a stack of this build runs, and hand the keys over. `any_build` joins a busy one of another build.

    :raises NotReady: it does not start, or one of another build is at work.
    """
    from oneshot_cli import clients
    from oneshot_shared import version

    places.check_data_folder(stack.data)
    stack.data.mkdir(parents=True, exist_ok=True)
    with stack.starting():
        tokens.ensure(stack.token_file)
        if stack.alive():
            if not await asyncio.to_thread(_until_ready, stack):
                raise NotReady(f"a stack is starting or stopping and does not answer; try again, or see {stack.log}")
            ready = stack.ready() or {}
            if ready.get("build") != version.build():
                if busy := await clients.busy(stack):
                    if any_build:
                        return
                    raise NotReady(
                        f"a stack of another version ({ready.get('build')}) is at work on {stack.data} ({busy}); wait "
                        "for it with `oneshot runs watch`, or end it with `oneshot down --force`"
                    )
                stack.stop()
        if not stack.alive():
            stack.spawn()
        await clients.put_keys(stack)


def _until_ready(stack: Stack) -> bool:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        if stack.ready() or not stack.alive():
            return True
        time.sleep(0.05)
    return False
