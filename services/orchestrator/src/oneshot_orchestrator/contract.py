"""The moving parts of a run, in one place: a backend makes sandboxes, an agent works in one.

A command that fails is a result (`Exit`); machinery that fails is an exception.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import IO, Protocol

from oneshot.proxy.v1 import proxy_pb2
from oneshot_shared.task import EnvironmentTable, Task

type Say = Callable[[str], None]
"""Takes a few words on what is happening now."""
type Sink = Callable[[bytes], None]
"""Takes output as it comes, on the event loop."""


class Spoilt(ValueError):  # noqa: N818 -- it names the state of the tree
    """What the agent left cannot be taken, and so not be judged: the run is invalid by its fault."""


@dataclass(frozen=True)
class Exit:
    """How a command ended. `code` is a shell's: 128 and the signal's number where a signal ended it, 126 or 127 where it
    cannot be run; and -1 where it was killed at a limit.
    """

    code: int
    timed_out: bool = False
    disk_full: bool = False
    """Killed because its sandbox had written more than it may."""


class Role(Enum):
    """As whom a command runs in a sandbox."""

    AGENT = "agent"
    SUPERVISOR = "supervisor"


@dataclass(frozen=True)
class Environment:
    """A task's environment, built: what every sandbox of it starts from.

    `image` is the backend's name for it, `tree` the place of the working tree inside, `folder` our record of it: `base/`
    (the tree as built) and `git/` (the same as one tree in a git directory of our own). `resources`: what the task asks for.
    `renew` finds the same again, or makes it anew where an agent has written to it; None where no agent can.
    """

    image: str
    tree: str
    folder: Path
    uid: int
    gid: int
    env: dict[str, str] = field(default_factory=dict)
    resources: EnvironmentTable = field(default_factory=EnvironmentTable)
    renew: "Callable[[], Awaitable[Environment]] | None" = field(default=None, compare=False, repr=False)


class Slot(Protocol):
    """A place for one run at a time; it keeps its network from run to run."""

    def gateway_url(self, port: int) -> str:
        """Where the proxy's gateway answers as a sandbox of this slot sees it; `port` is its port on this machine."""
        ...


class Sandbox(Protocol):
    """An isolated place with a pristine tree. It ends, and is removed, when its context ends."""

    tree: str
    scratch: str
    """A folder outside the tree that the agent may write to."""
    agent_files: str
    """Where the agent volume is; empty where agents are this machine's own programs, and nothing shuts them in."""

    async def run(
        self, argv: list[str], *, role: Role, env: dict[str, str], timeout: float, out: Sink, err: Sink
    ) -> Exit:
        """Run a command in the tree, standard input closed, until it ends: what it left in the background goes on.

        At the timeout, at the disk's limit, when this is cancelled and when a sink fails, everything in the sandbox dies.
        A sink that is slower than the command slows it down. :raises Exception: whatever a sink raised.
        """
        ...

    async def put(self, tar: IO[bytes], folder: str) -> None:
        """Lay a tar's members into a folder (made where missing); of their modes counts whether they can be run.

        They belong to the agent; in a supervised sandbox to the supervisor.
        """
        ...

    async def remove(self, paths: list[str]) -> None:
        """Remove files, links and whole folders by their path in the tree, never through a link; gone already is fine."""
        ...

    async def stop(self) -> None:
        """End everything that runs in it; its files stay readable."""
        ...

    async def get_tree(self) -> IO[bytes]:
        """The tree as a tar whose member names begin with one component, without hard links.

        The agent wrote it, so trust nothing; where it took the whole tree away, this is empty. :raises Spoilt: too large.
        """
        ...


@dataclass(frozen=True)
class SandboxSpec:
    """What kind of sandbox. Without a slot it has no network."""

    run_id: str
    purpose: str
    supervised: bool = False
    slot: Slot | None = None
    agent_files: bool = False


class Backend(Protocol):
    """Makes environments and sandboxes of one kind."""

    name: str
    supervisor_is_root: bool
    """Whether Role.SUPERVISOR is root in its sandboxes, so that tests must, and can, run as another user."""

    async def ready(self) -> None:
        """Say what the machine lacks. :raises NotReady: with the next step."""
        ...

    def check(self, task: Task) -> None:
        """Whether a task can run here. :raises BadInput: it cannot, and why."""
        ...

    async def reap(self) -> None:
        """Remove what an earlier process of this stack left. Called once, before anything is made."""
        ...

    def build(self, task: Task, say: Say, log: Path, *, agent_files: bool) -> AbstractAsyncContextManager[Environment]:
        """Build the environment, and the agent volume where it is asked for; or find them built.

        Its folder stays until the context ends, whatever an agent does to it.
        :raises BadInput: it does not build; the last lines say why.
        """
        ...

    async def open_slot(self, index: int) -> Slot:
        """Make a slot, or find it made and well."""
        ...

    def sandbox(self, environment: Environment, spec: SandboxSpec) -> AbstractAsyncContextManager[Sandbox]:
        """A fresh sandbox."""
        ...

    async def close(self) -> None:
        """Remove everything that this backend holds."""
        ...


@dataclass(frozen=True)
class Changes:
    """A tree as its difference to the base: files to lay (`folder`, relative names), and paths to delete."""

    folder: Path
    deleted: list[str]

    def names(self) -> list[str]:
        """The files and links to lay, by their path in the tree."""
        paths = [path for path in self.folder.rglob("*") if path.is_symlink() or not path.is_dir()]
        return sorted(str(path.relative_to(self.folder)) for path in paths)


@dataclass
class Work:
    """What an agent is given."""

    sandbox: Sandbox
    instruction: str
    model: str
    command: str
    gateway_url: str
    token: str
    timeout: float
    logs: Path
    say: Say
    reference: Callable[[], Awaitable[Changes]]
    allow_unsandboxed: bool


@dataclass(frozen=True)
class Done:
    """How an agent ended, with what its own record says.

    `usage`: the tokens of its successful model calls as it counted them; None where it counts none, or not all.
    `broke_off`: it gave up because of an error, rather than being done, stopped or killed.
    """

    exit: Exit
    commands_succeeded: int = 0
    last_words: str = ""
    usage: proxy_pb2.Usage | None = None
    broke_off: bool = False


class Agent(Protocol):
    """Somebody who works on a task: one module, one row in agents.AGENTS, one test."""

    needs_model: bool
    needs_files: bool
    """Whether its sandbox must hold the agent volume."""

    async def work(self, work: Work) -> Done:
        """Do the work, within `work.timeout` seconds."""
        ...
