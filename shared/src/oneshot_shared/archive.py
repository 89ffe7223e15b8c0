"""Folders as content: a digest that names it, a tar stream that carries it, and an unpacking that trusts nothing."""

import errno
import hashlib
import os
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, takewhile
from pathlib import Path, PurePosixPath
from tempfile import SpooledTemporaryFile
from typing import IO

from oneshot_shared.client import CHUNK_BYTES
from oneshot_shared.errors import BadInput

_SKIPPED = {"__pycache__", ".DS_Store"}
_SPOOL_BYTES = 32 * 1024 * 1024
_MAX_DEPTH = 500  # Python's own ways with folders recurse
_TAKEN = "stands in the place of another member"


@dataclass(frozen=True)
class Caps:
    """What an archive may hold at the most."""

    files: int = 200_000
    bytes: int = 4 * 1024**3

    def check(self, files: int, size: int) -> None:
        """:raises BadInput: it is more than that."""
        if files > self.files or size > self.bytes:
            raise BadInput(f"the archive holds more than {self.files} files or {self.bytes} bytes, the allowed maximum")


def walk(folder: Path) -> Iterator[Path]:
    """Every file and link below a folder, in a stable order; never through a link, without caches."""
    for entry in sorted(os.scandir(folder), key=lambda e: e.name):
        if entry.name in _SKIPPED:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from walk(Path(entry.path))
        else:
            yield Path(entry.path)


def digest(folder: Path) -> str:
    """`sha256:` and the digest over relative name, kind, executable bit and content of every file."""
    total = hashlib.sha256()
    for path in walk(folder):
        name = path.relative_to(folder).as_posix().encode("utf-8", "surrogateescape")
        if path.is_symlink():
            kind = b"link"
            content = hashlib.sha256(str(path.readlink()).encode("utf-8", "surrogateescape"))
        else:
            kind = b"exec" if os.access(path, os.X_OK) else b"file"
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256")
        total.update(b"%d:%s %s %s " % (len(name), name, kind, content.digest()))
    return f"sha256:{total.hexdigest()}"


def pack(folder: Path) -> Iterator[bytes]:
    """The folder as an uncompressed tar, in chunks; owners and times are left out."""
    with SpooledTemporaryFile(max_size=_SPOOL_BYTES) as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for path in walk(folder):
                tar.inodes.clear()  # type: ignore[attr-defined] # a file with two names goes twice: hard links are not taken
                tar.add(path, arcname=str(path.relative_to(folder)), recursive=False, filter=_plain)
        file.seek(0)
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = 0
    return member


def spool(chunks: Iterable[bytes]) -> IO[bytes]:
    """Chunks as a file object at its beginning, on disk where they are many."""
    file: IO[bytes] = SpooledTemporaryFile(max_size=_SPOOL_BYTES)  # noqa: SIM115 -- the caller closes it
    for chunk in chunks:
        file.write(chunk)
    file.seek(0)
    return file


def refuse(name: str, why: str) -> None:
    """The default for unpack: a member that cannot be taken refuses the whole archive."""
    raise BadInput(f"the archive holds {name!r}, which {why}; remove it and send the folder again")


def unpack(
    file: IO[bytes],
    folder: Path,
    *,
    caps: Caps = Caps(),
    strip: int = 0,
    skip: Callable[[PurePosixPath], bool] = lambda _: False,
    refused: Callable[[str, str], None] = refuse,
) -> None:
    """Unpack an uncompressed tar into a folder that nobody else writes to.

    Only files, folders and links that stay inside are made, never through a link. Anything else goes to
    `refused(name, why)`, which raises or notes it. `strip` drops leading path components, `skip` leaves members out in
    silence. Files get the present time.

    :raises BadInput: more than the caps allow, or not a tar.
    """
    count = size = 0
    real = {PurePosixPath()}  # folders that are no links, and stay so: nothing here takes a folder away
    try:
        with tarfile.open(fileobj=file, mode="r|") as tar:
            for member in tar:
                path = PurePosixPath(*PurePosixPath(member.name).parts[strip:])
                if not path.parts or skip(path):
                    continue
                count, size = count + 1, size + member.size
                caps.check(count, size)
                _extract(tar, member, path, folder, refused, real)
    except BadInput:
        raise
    except (tarfile.TarError, ValueError, OverflowError) as error:  # what tarfile raises for headers that make no sense
        raise BadInput(f"the archive cannot be read ({error}); send it again") from None


def _extract(
    tar: tarfile.TarFile,
    member: tarfile.TarInfo,
    path: PurePosixPath,
    folder: Path,
    refused: Callable[[str, str], None],
    real: set[PurePosixPath],
) -> None:
    member.name = str(path)
    target = folder / path
    try:
        if why := _unfit(member, path, folder, real):
            refused(str(path), why)
            return
        if not member.isdir():
            _clear(target)
        if member.issym():  # not by tarfile: where it cannot make a link, it extracts what the link names, without end
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(member.linkname)
        else:
            tar.extract(member, folder, filter=_readable)
        real.update([*_folders(member, path, real)])
    except (IsADirectoryError, NotADirectoryError, FileExistsError):
        refused(str(path), _TAKEN)
    except OSError as error:
        if error.errno not in (errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ):
            raise
        refused(str(path), f"has a name that is not possible here ({error.strerror})")


def _clear(target: Path) -> None:
    """Take away a file or link in the place of a member: it must not be written through."""
    if target.is_symlink() or target.is_file():
        target.unlink()


def leads_out(path: PurePosixPath, target: str) -> bool:
    """Whether a link at a path in a folder leads, or may lead, out of it: no `..` is believed after a name."""
    parts = PurePosixPath(target).parts
    up = next((i for i, part in enumerate(parts) if part != ".."), len(parts))
    out = target.startswith("/") or up >= len(path.parts) or ".." in parts[up:]
    return out or not target or "\0" in target


def _folders(member: tarfile.TarInfo, path: PurePosixPath, real: set[PurePosixPath]) -> Iterator[PurePosixPath]:
    """The folders that a member goes through, and itself where it is one; up to the first that is known to be real."""
    own = [path] if member.isdir() else []
    return takewhile(lambda each: each not in real, chain(own, path.parents))


def _unfit(member: tarfile.TarInfo, path: PurePosixPath, folder: Path, real: set[PurePosixPath]) -> str:
    """Why a member cannot be taken. Asks no link where it leads: that can change, and be hidden in a long chain."""
    if len(path.parts) > _MAX_DEPTH:
        return f"lies deeper than {_MAX_DEPTH} folders"
    if path.is_absolute() or ".." in path.parts or "\0" in str(path):
        return "leads out of the folder"
    if not (member.isfile() or member.isdir() or member.issym()):
        return "is neither a file, a folder nor a symbolic link"
    if member.issym() and leads_out(path, member.linkname):
        return "is a link that leads out of the folder"
    return _TAKEN if any((folder / each).is_symlink() for each in _folders(member, path, real)) else ""


def _readable(member: tarfile.TarInfo, _: str) -> tarfile.TarInfo:
    """Without owner and time, and with no more of the mode than whether it can be run."""
    mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    return member.replace(mode=mode, mtime=None, uid=None, gid=None, uname=None, gname=None, deep=False)  # type: ignore[arg-type] # None: do not set
