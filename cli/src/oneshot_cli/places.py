"""Where things are on this machine: data folder, sockets, token."""

import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from oneshot_shared.errors import BadInput, NotReady

RUNTIME_VARIABLE = "ONESHOT_RUNTIME"
_MAX_SOCKET_BYTES = 107
_CHECKOUT = Path(__file__).parents[3]


def checkout() -> Path | None:
    """The checkout that this command runs from, or None for an installed one."""
    return _CHECKOUT if (_CHECKOUT / "protos" / "oneshot").is_dir() else None


def data_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """ONESHOT_DATA, else the checkout's data/, else the user's data folder."""
    if given := environment.get("ONESHOT_DATA"):
        try:
            return Path(given).expanduser().resolve()
        except RuntimeError as error:
            raise BadInput(f"ONESHOT_DATA is {given!r} ({error}); set it to a folder") from None
    if root := checkout():
        return root / "data"
    import platformdirs

    return Path(platformdirs.user_data_dir("oneshot"))


def owner(data: Path) -> str:
    """A short name for the stack of a data folder: its label at the Docker engine, and its socket folder's name."""
    return hashlib.sha256(os.fsencode(data.resolve())).hexdigest()[:10]


def state_folder(data: Path) -> Path:
    """The 0700 folder of what a stack keeps, and of the locks that protect it; made where missing.

    :raises BadInput: the data folder is a file. NotReady: it cannot be made, or is another user's.
    """
    check_data_folder(data)
    folder = data / "state"
    data.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid == os.getuid():
        folder.chmod(0o700)
        return folder
    raise NotReady(
        f"{folder} belongs to user {folder.stat().st_uid}, and each user needs a stack of their own; set ONESHOT_DATA to a "
        "folder of yours"
    )


def check_data_folder(data: Path) -> None:
    """:raises BadInput: it is a file. NotReady: it cannot be written, or not be made."""
    there = next(part for part in (data, *data.parents) if os.path.lexists(part))
    if not there.is_dir():
        raise BadInput(f"the data folder {data} is a file; set ONESHOT_DATA to a folder")
    for part in (there, *(there / name for name in ("runs", "state", "tasks") if there == data)):
        if part.exists() and not os.access(part, os.W_OK | os.X_OK):
            why = "a read-only file system" if os.statvfs(part).f_flag & os.ST_RDONLY else "permission denied"
            raise NotReady(
                f"the data folder {data} cannot be written ({part}: {why}); set ONESHOT_DATA to a folder of yours, or make it "
                f"yours with `sudo chown -R $USER {part}`"
            )


def runtime_folder(data: Path) -> Path:
    """The 0700 folder of a stack's sockets and token; made where missing.

    Not below XDG_RUNTIME_DIR, which is removed at logout, when a detached run goes on.

    :raises NotReady: it belongs to somebody else, or its path is too long for a socket.
    """
    folder = runtime_path(data)
    for part in (folder.parent, folder):
        try:
            part.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise _not_made(part, error) from None
    check_runtime_folder(folder)
    return folder


def runtime_path(data: Path) -> Path:
    """Where the runtime folder is, or would be."""
    given = os.environ.get(RUNTIME_VARIABLE)
    root = Path(given).absolute() if given else Path(f"/tmp/oneshot-{os.getuid()}")  # noqa: S108 -- checked below
    return root / owner(data)


def check_runtime_folder(folder: Path) -> None:
    """:raises NotReady: it, or the folder that it is in, belongs to somebody else, or its path is too long for a socket."""
    for part in (folder.parent, folder):
        try:
            found = part.lstat()
        except FileNotFoundError as error:  # to be made at the first start
            if part == folder.parent and not os.access(part.parent, os.W_OK | os.X_OK):
                raise _not_made(part, error) from None
            continue
        except OSError as error:
            raise _not_made(part, error) from None
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise NotReady(f"{part} must be a folder of yours with mode 0700; remove it, or set {RUNTIME_VARIABLE}")
    if len(os.fsencode(folder / "gateway" / "gateway.sock")) > _MAX_SOCKET_BYTES:
        raise NotReady(f"the path {folder} is too long for a socket; set {RUNTIME_VARIABLE} to a shorter one")


def _not_made(part: Path, error: OSError) -> NotReady:
    return NotReady(f"cannot make {part} ({error.strerror}); set {RUNTIME_VARIABLE} to a folder of yours")


def find_task(given: str) -> Path:
    """A task by path, or by slug below data/tasks/prepared. :raises BadInput: neither."""
    path = Path(given)
    if given and path.is_dir():
        return path.resolve()
    return prepared(given)


def prepared(slug: str) -> Path:
    """A task below data/tasks/prepared, the caller's or the one that ships. :raises BadInput: there is none."""
    mine = data_folder() / "tasks" / "prepared"
    shipped = (checkout() or Path()) / "data" / "tasks" / "prepared"
    for folder in (mine, shipped):
        if slug and "/" not in slug and (folder / slug).is_dir():
            return folder / slug
    if slug and "/" not in slug and (made := mine.with_name("created") / slug).is_dir():
        raise BadInput(f"{slug!r} is a created task, in {made}; it has to be prepared before it can be run")
    from oneshot_shared.errors import nearest

    hint = nearest(Path(slug).name, sorted(p.name for p in mine.glob("*") if p.is_dir()))
    raise BadInput(f"no task folder at {slug!r}{hint}; `oneshot task list` shows the tasks in {mine}")


def short(path: Path) -> str:
    """A path as a person would write it: relative to the current folder where it is below it."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
