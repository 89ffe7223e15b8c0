"""A tree on its way out of a sandbox: capped, and without hard links, which an unpacking must not follow."""

import asyncio
import copy
import errno
import io
import os
import tarfile
from collections.abc import Coroutine, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from typing import IO, Any

from oneshot_orchestrator.contract import Spoilt
from oneshot_shared import archive
from oneshot_shared.git import is_git

CAPS = archive.Caps()
_CHUNK_BYTES = 1 << 20


def empty() -> IO[bytes]:
    """A tree that is no more."""
    return _tar([])


def received(chunks: Iterable[bytes], caps: archive.Caps = CAPS) -> IO[bytes]:
    """A tree as an engine sends it. :raises Spoilt: it is larger than the caps allow, which its headers say beforehand."""
    with ExitStack() as stack:
        file = stack.enter_context(archive.spool([]))
        stream: Any = _Kept(iter(chunks), file, caps)
        total, linked = 0, False
        with tarfile.open(fileobj=stream, mode="r|", bufsize=_CHUNK_BYTES) as tar:
            for count, member in enumerate(tar, 1):
                total += member.size
                _check(total, caps.bytes)
                if count > caps.files:
                    raise Spoilt(
                        f"the tree that the agent left has more than {caps.files} files and folders, the maximum"
                    )
                linked = linked or member.islnk()
        while stream.read(_CHUNK_BYTES):
            pass
        file.seek(0)
        if linked:
            with tarfile.open(fileobj=file, mode="r:") as tar:
                return _tar(_copies(tar, caps))
        stack.pop_all()
        return file


class _Kept:
    """Chunks as a file to read, of which each is kept."""

    def __init__(self, chunks: Iterator[bytes], file: IO[bytes], caps: archive.Caps) -> None:
        self._chunks, self._file, self._caps = chunks, file, caps
        self._size = 0

    def read(self, _: int) -> bytes:
        """The next chunk; nothing at the end."""
        chunk = next(self._chunks, b"")
        self._size += len(chunk)
        _check(self._size, self._caps.bytes)
        self._file.write(chunk)
        return chunk


def packed(folder: Path, caps: archive.Caps = CAPS) -> IO[bytes]:
    """A folder of this machine as a tree. :raises Spoilt: it is larger than the caps allow."""
    if folder.is_symlink() or not folder.is_dir():
        return empty()
    return _tar(_found(folder, caps))


async def handed_over(making: Coroutine[Any, Any, IO[bytes]]) -> IO[bytes]:
    """A file that a thread makes; where its caller is cancelled meanwhile, it is closed."""
    task = asyncio.ensure_future(making)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        task.add_done_callback(_close)
        raise


def _close(made: "asyncio.Future[IO[bytes]]") -> None:
    if not made.cancelled() and made.exception() is None:
        made.result().close()


type _Member = tuple[tarfile.TarInfo, IO[bytes] | None]


def _tar(members: Iterable[_Member]) -> IO[bytes]:
    with ExitStack() as stack:
        file = stack.enter_context(archive.spool([]))
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for member, content in members:
                tar.addfile(member, content)
        file.seek(0)
        stack.pop_all()
        return file


def _check(size: int, limit: int) -> None:
    if size > limit:
        raise Spoilt(f"the tree that the agent left has more than {limit} bytes, the allowed maximum")


def _copies(tar: tarfile.TarFile, caps: archive.Caps) -> Iterator[_Member]:
    total = 0
    by_name = {member.name: member for member in tar.getmembers()}  # tar.getmember would look through all for each link
    for member in tar.getmembers():
        if member.islnk():
            real = copy.copy(by_name[member.linkname])
            real.name = member.name
        else:
            real = member
        total += real.size
        _check(total, caps.bytes)
        yield real, tar.extractfile(real) if real.isfile() else None


def _found(folder: Path, caps: archive.Caps) -> Iterator[_Member]:
    total = 0
    with io.BytesIO() as nowhere, tarfile.open(fileobj=nowhere, mode="w", format=tarfile.PAX_FORMAT) as namer:
        for path in _files(folder):
            name = str(path)[len(str(folder)) + 1 :]
            if is_git(PurePosixPath(name)):
                continue
            namer.inodes.clear()  # type: ignore[attr-defined] # every name gets its content: no hard links
            try:
                member = namer.gettarinfo(path, arcname=f"tree/{name}")
            except OSError as error:
                if error.errno != errno.ENAMETOOLONG:
                    raise
                member = tarfile.TarInfo(f"tree/{name}")  # the name alone: whoever unpacks says that it is not possible
                member.type = tarfile.DIRTYPE
            if member is None:  # a socket
                continue
            member.mtime = 0  # a time with fractions would cost a header of its own
            total += member.size
            _check(total, caps.bytes)
            if member.isfile() and member.size:
                with open(path, "rb", opener=_itself) as content:
                    yield member, content
            else:
                yield member, None


def _itself(path: str, flags: int) -> int:
    """Open a file, and nothing that has taken its place meanwhile: no link, and no pipe to wait at."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _files(folder: Path) -> Iterator[Path]:
    """Every file and link below a folder, made readable where the agent took that away; a folder with too long a path."""
    waiting: list[Path | os.DirEntry[str]] = [folder]
    while waiting:
        entry = waiting.pop()
        path = Path(entry)
        try:
            if not isinstance(entry, os.DirEntry) or entry.is_dir(follow_symlinks=False):
                waiting += _entries(path)
                continue
            if entry.is_file(follow_symlinks=False) and not os.access(path, os.R_OK):
                path.chmod(path.stat().st_mode | 0o400)
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise
        yield path


def _entries(folder: Path) -> list["os.DirEntry[str]"]:
    """What is in a folder, last name first."""
    if not os.access(folder, os.R_OK | os.X_OK):
        folder.chmod(0o700)
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda each: each.name, reverse=True)
