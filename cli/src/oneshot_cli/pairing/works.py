"""The works of a person on this disk: where each began and ended, and how far its delivery has come.

`<state>/works/<task_id>/`: work.json (this record), git/ (the private git directory of its snapshots), whatever its delivery
makes. A record appears and changes whole; what was written is there after a crash.
"""

import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from oneshot_cli import places
from oneshot_cli.repository import state
from oneshot_shared import naming
from oneshot_shared.errors import BadInput, NotReady, nearest, sentence
from oneshot_shared.strict import Strict, parse

STARTED, ENDED, ABORTED, DELIVERED, REFUSED = "started", "ended", "aborted", "delivered", "refused"
_RECORD = "work.json"
_SLUG_LENGTH = 50
_KEPT_SECONDS = 30 * 86400.0
_HALF_SECONDS = 3600.0


class Ending(Strict):
    """What is known when the work is done. Trees and ids as in oneshot.capture.v1.Ending."""

    said: str
    """Digest of the words it was ended with: the same again is a repeat."""
    summary: str
    instructions: str = ""
    rubric_toml: str = ""
    test_paths: tuple[str, ...] = ()
    fail_to_pass: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    session_id: str = ""
    thread_id: str = ""
    call_id: str = ""
    end_tree: str
    ended_at: str
    remarks: tuple[str, ...] = ()
    """What the answer told: what was left out, what may give the answer away."""


class Result(Strict):
    """What capture made of it."""

    folder: str
    """Name below data/tasks/created/."""
    base_files: int
    source_files: int
    test_files: int
    remarks: tuple[str, ...] = ()
    next_step: str = ""


class Work(Strict):
    """One task, from its start on. Times are RFC 3339 in UTC."""

    task_id: str
    top: str
    """The working tree."""
    title: str
    instructions: str = ""
    notes: str = ""
    labels: tuple[str, ...] = ()
    session_id: str = ""
    thread_id: str = ""
    call_id: str = ""
    where: Mapping[str, str]
    """The variables that led to the stack when it was started; nothing else leads to it later."""
    base_tree: str
    remarks: tuple[str, ...] = ()
    started_at: str
    state: Literal["started", "ended", "aborted", "delivered", "refused"] = "started"
    ending: Ending | None = None
    told: bool = False
    """Whether capture may know of it."""
    announced: bool = False
    """Whether it does."""
    kept: bool = False
    """Whether its base stands free of the person's object store."""
    settled: bool = False
    """Whether nothing is owed to capture any more."""
    result: Result | None = None
    trouble: str = ""
    """Why the last delivery did not succeed, or why capture refuses it: a sentence."""

    @property
    def owes(self) -> bool:
        """Whether a delivery has anything to do."""
        return not self.settled and not (self.state == STARTED and self.announced and self.kept)

    @property
    def begun(self) -> datetime:
        """When it was started."""
        return datetime.fromisoformat(self.started_at)


class Works:
    """All of them, below a folder of the person's own."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self._folder = state / "works"

    @classmethod
    def here(cls, environment: Mapping[str, str] = os.environ) -> "Works":
        """Those of the person. :raises NotReady: their state folder cannot be made, or is somebody else's."""
        folder = state.folder(environment)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if (owner := folder.stat().st_uid) == os.getuid():
                folder.chmod(0o700)
                return cls(folder)
            why = f"it belongs to user {owner}"
        except OSError as error:
            why = sentence(error)
        raise NotReady(f"the state folder {folder} cannot be used ({why}); set {state.VARIABLE} to a folder of yours")

    def place(self, task_id: str) -> Path:
        """A work's own folder."""
        return self._folder / task_id

    def new_id(self, title: str) -> str:
        """`<slug>-<YYYYMMDD-HHMMSS>-<6 hex>`, at most 80 characters."""
        slug = naming.slug(title)[:_SLUG_LENGTH].strip("-")
        return f"{slug}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"

    def make(self, task_id: str) -> Path:
        """The folder of a work whose record is still to come; without one it is swept an hour later."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self.place(task_id).mkdir(mode=0o700)
        return self.place(task_id)

    def add(self, work: Work) -> None:
        """Write a new work's record: from here on it is started."""
        self._write(work)
        _sync(self._folder)

    def get(self, task_id: str) -> Work:
        """A work. :raises FileNotFoundError: none of that id. BadInput: its record cannot be read."""
        file = self.place(task_id) / _RECORD
        if "/" not in task_id and task_id not in ("", ".", ".."):
            with suppress(FileNotFoundError):
                return parse(Work, file.read_bytes(), str(file))
        near = nearest(task_id, [work.task_id for work in self.all()])
        raise FileNotFoundError(
            f"no task {task_id[:100]!r} was started on this machine{near}; `oneshot task status` shows yours"
        )

    def all(self) -> list[Work]:
        """Every readable one, newest first."""
        found = []
        for file in self._folder.glob(f"*/{_RECORD}"):
            with suppress(OSError, BadInput):  # pruned meanwhile, or of another version: no other work waits for it
                found.append(parse(Work, file.read_bytes(), str(file)))
        return sorted(found, key=lambda work: (work.started_at, work.task_id), reverse=True)

    def of(self, top: Path) -> list[Work]:
        """Those of a working tree, newest first."""
        return [work for work in self.all() if work.top == str(top)]

    def change(self, task_id: str, only_in: tuple[str, ...] = (), **changes: Any) -> Work:  # noqa: ANN401 -- as the fields are
        """Change a record, and return it as it is then. Not in one of the states `only_in`, it stays as it is."""
        with self._alone(self.place(task_id) / ".change.lock"):
            work = self.get(task_id)
            if only_in and work.state not in only_in:
                return work
            changed = Work.model_validate(work.model_dump() | changes)
            if changed != work:
                self._write(changed)
            return changed

    def tree_lock(self, top: Path) -> Path:
        """The lock under which a task is started, ended or given up in a working tree."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        return self._folder / f".{places.owner(top)}.lock"

    def sweep(self) -> None:
        """Remove what is settled and old, and what a start left that was killed before its record."""
        for work in self.all():
            if work.settled:
                if work.state != REFUSED:  # it may be ended again
                    self.forget_trees(work.task_id)
                if time.time() - self._changed(work.task_id) > _KEPT_SECONDS:
                    shutil.rmtree(self.place(work.task_id), ignore_errors=True)
        for place in self._folder.glob("*/"):
            with suppress(OSError):
                if not (place / _RECORD).exists() and time.time() - place.stat().st_mtime > _HALF_SECONDS:
                    shutil.rmtree(place, ignore_errors=True)

    def _changed(self, task_id: str) -> float:
        """When its record was last changed: one may have been begun long before it was ended, or refused."""
        try:
            return (self.place(task_id) / _RECORD).stat().st_mtime
        except FileNotFoundError:  # another sweep's
            return time.time()

    def forget_trees(self, task_id: str) -> None:
        """Remove all of a work but its record, its log and its locks."""
        for each in self.place(task_id).iterdir():
            if each.name != _RECORD and each.suffix not in (".log", ".lock"):
                if each.is_dir() and not each.is_symlink():
                    shutil.rmtree(each, ignore_errors=True)
                else:
                    each.unlink(missing_ok=True)

    @contextmanager
    def _alone(self, file: Path) -> Iterator[None]:
        with file.open("a") as it:
            fcntl.flock(it, fcntl.LOCK_EX)
            yield

    def _write(self, work: Work) -> None:
        file = self.place(work.task_id) / _RECORD
        new = file.with_name(f".{_RECORD}.{os.getpid()}.{secrets.token_hex(3)}")
        try:
            with new.open("xb") as out:
                out.write(work.model_dump_json(indent=2).encode())
                out.flush()
                os.fsync(out.fileno())
            new.replace(file)
        finally:
            new.unlink(missing_ok=True)
        _sync(file.parent)


def _sync(folder: Path) -> None:
    """A name that was written is there after a crash too."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def now() -> str:
    """This moment."""
    return naming.rfc3339(datetime.now(UTC))
