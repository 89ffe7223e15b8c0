"""Folders as content: a digest that names it, a tar stream that carries it, and an unpacking that trusts nothing."""

import hashlib
import os
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import SpooledTemporaryFile
from typing import IO

from oneshot_shared.client import CHUNK_BYTES
from oneshot_shared.errors import BadInput

_SKIPPED = {"__pycache__", ".DS_Store"}
_SPOOL_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True)
class Caps:
    """What an archive may hold at the most."""

    files: int = 200_000
    bytes: int = 4 * 1024**3


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
            kind, content = b"link", str(path.readlink()).encode("utf-8", "surrogateescape")
        else:
            kind, content = (b"exec" if os.access(path, os.X_OK) else b"file"), path.read_bytes()
        total.update(b"%d:%s %s %s " % (len(name), name, kind, hashlib.sha256(content).digest()))
    return f"sha256:{total.hexdigest()}"


def pack(folder: Path) -> Iterator[bytes]:
    """The folder as an uncompressed tar, in chunks; owners and times are left out."""
    with SpooledTemporaryFile(max_size=_SPOOL_BYTES) as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for path in walk(folder):
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
    """Unpack a tar into a folder that nobody else writes to.

    Only files, folders and links that stay inside are made. Anything else goes to `refused(name, why)`, which raises or
    notes it. `strip` drops leading path components, `skip` leaves members out in silence.

    :raises BadInput: more than the caps allow, or not a tar.
    """
    count = size = 0
    try:
        with tarfile.open(fileobj=file, mode="r|*") as tar:
            for member in tar:
                path = PurePosixPath(*PurePosixPath(member.name).parts[strip:])
                if not path.parts or skip(path):
                    continue
                count, size = count + 1, size + member.size
                if count > caps.files or size > caps.bytes:
                    raise BadInput(
                        f"the archive holds more than {caps.files} files or {caps.bytes} bytes, the allowed maximum"
                    )
                _extract(tar, member, path, folder, refused)
    except tarfile.ReadError as error:
        raise BadInput(f"the archive cannot be read ({error}); send it again") from None


def _extract(
    tar: tarfile.TarFile,
    member: tarfile.TarInfo,
    path: PurePosixPath,
    folder: Path,
    refused: Callable[[str, str], None],
) -> None:
    member.name = str(path)
    if member.islnk():
        member.linkname = str(path.parent / member.linkname) if "/" not in member.linkname else member.linkname
    if not (member.isfile() or member.isdir() or member.issym()):
        refused(str(path), "is neither a file, a folder nor a symbolic link")
        return
    try:
        tar.extract(member, folder, filter=_readable)
    except tarfile.FilterError as error:
        refused(str(path), f"leads out of the folder ({type(error).__name__})")
    except (IsADirectoryError, NotADirectoryError, FileExistsError):
        refused(str(path), "stands in the place of another member")


def _readable(member: tarfile.TarInfo, folder: str) -> tarfile.TarInfo:
    """The standard library's `data` filter, with the owner always able to read."""
    safe = tarfile.data_filter(member, folder)
    mode = (safe.mode or 0o644) | (0o700 if safe.isdir() else 0o600)
    return safe.replace(mode=mode, deep=False)
