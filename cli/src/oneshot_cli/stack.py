"""The embedded stack of a data folder: where its parts are, whether it runs, and what of a caller's environment it gets."""

import contextlib
import hashlib
import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from oneshot_cli import locks, places
from oneshot_shared import tokens, version

# each calls only those before it; they stop in reverse, so that what a run still owes the proxy finds it there
SERVICES = ("proxy", "grader", "orchestrator", "capture")
START_SECONDS = 60.0
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
        places.RUNTIME_VARIABLE,
    ]
)
_PASSED_PREFIXES = ("LC_", "XDG_", "BUILDX_", "SSL_", "PIP_")
# a command that sets one of these otherwise than the stack was started wants another stack
_SETTINGS = ("DOCKER_", "ONESHOT_IDLE_SECONDS", *(f"ONESHOT_{service.upper()}_" for service in SERVICES))


def passed(environment: Mapping[str, str]) -> dict[str, str]:
    """What of an environment reaches the stack."""
    return {k: v for k, v in environment.items() if k in _PASSED or k.startswith(_PASSED_PREFIXES + _SETTINGS)}


@dataclass(frozen=True)
class Ready:
    """What a running stack says about itself in data/state/ready.json."""

    build: str
    settings: dict[str, str]
    """The ONESHOT_… and DOCKER_… variables that it was started with, and a digest of each one's value."""
    runtime: str
    """Its folder of sockets and token, wherever a later command would have put it."""

    @classmethod
    def now(cls, runtime: Path) -> "Ready":
        """What a stack that this process starts would say."""
        settings = {k: _digest(v) for k, v in os.environ.items() if k.startswith(_SETTINGS)}
        return cls(version.build(), settings, str(runtime))

    def others(self, mine: "Ready") -> list[str]:
        """Which variables a command's environment sets otherwise. What it does not set is as the stack has it."""
        return sorted(name for name, value in mine.settings.items() if self.settings.get(name) != value)


def _digest(value: str) -> str:
    return hashlib.sha256(os.fsencode(value)).hexdigest()[:12]


@dataclass(frozen=True)
class Stack:
    """The stack of a data folder, running or not. Its locks and ready file lie with the data that they protect."""

    data: Path

    @classmethod
    def here(cls) -> "Stack":
        """The stack of this command's data folder."""
        return cls(places.data_folder())

    @property
    def state(self) -> Path:
        """What the stack keeps for itself (0700)."""
        return self.data / "state"

    @property
    def runtime(self) -> Path:
        """The folder of sockets and token (0700): where the stack put it, else where the next one will."""
        said = self._said()
        return Path(said.runtime) if said else places.runtime_folder(self.data)

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
        return self.state / "logs" / "stack.log"

    @property
    def authority(self) -> Path:
        """The certificate of who signs for the hosts that its forward proxy intercepts."""
        return self.state / "mitmproxy" / "mitmproxy-ca-cert.pem"

    @property
    def alive_lock(self) -> Path:
        """Held by the supervisor for its whole life; its process id is written in it."""
        return self.state / "alive.lock"

    @property
    def ready_file(self) -> Path:
        """Written by the supervisor when every service answers, removed when it leaves."""
        return self.state / "ready.json"

    def alive(self) -> bool:
        """Whether a supervisor holds the stack."""
        return locks.is_held(self.alive_lock)

    def pid(self) -> int:
        """The supervisor's process, 0 while it has not said so."""
        with contextlib.suppress(FileNotFoundError, ValueError):
            return int(self.alive_lock.read_text())
        return 0

    @asynccontextmanager
    async def starting(self, timeout: float = START_SECONDS) -> AsyncIterator[None]:
        """Hold the lock under which the stack is started, joined and left. :raises NotReady: somebody else holds it."""
        file = places.state_folder(self.data) / "start.lock"
        otherwise = f"another command has been starting or stopping the stack for {timeout:.0f} s; see {self.log}"
        async with locks.held(file, timeout, otherwise):
            yield

    def ready(self) -> Ready | None:
        """The ready file's content while the stack runs."""
        return self._said() if self.alive() else None

    def say_ready(self, ready: Ready) -> None:
        """Write the ready file: it appears with its whole content."""
        new = self.ready_file.with_suffix(".new")
        new.write_text(json.dumps(asdict(ready)))
        new.replace(self.ready_file)

    def leftovers(self) -> list[Path]:
        """What only a stack that was killed leaves: sockets, and backends that were not closed."""
        return [*self.runtime.glob("*.sock"), *self.state.glob("backends/*")]

    def _said(self) -> Ready | None:
        with contextlib.suppress(OSError, ValueError, TypeError):
            return Ready(**json.loads(self.ready_file.read_text()))
        return None
