"""A tree on its way out of a sandbox: capped, and without hard links, which an unpacking must not follow."""

import copy
import io
import os
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from typing import IO

from oneshot_orchestrator import git
from oneshot_orchestrator.contract import Spoilt
from oneshot_shared import archive

CAPS = archive.Caps()
_PATH_BYTES = 2048  # of its folders; half of what Linux takes: the rest is for where it is unpacked to


def empty() -> IO[bytes]:
    """A tree that is no more."""
    return _tar([])


def received(chunks: Iterable[bytes], caps: archive.Caps = CAPS) -> IO[bytes]:
    """A tree as an engine sends it. :raises Spoilt: it is larger than the caps allow."""
    with ExitStack() as stack:
        file = stack.enter_context(archive.spool([]))
        size = 0
        for chunk in chunks:
            size += len(chunk)
            _check(size, caps.bytes)
            file.write(chunk)
        file.seek(0)
        with tarfile.open(fileobj=file, mode="r:") as tar:
            if any(member.islnk() for member in tar):
                return _tar(_copies(tar, caps))
        file.seek(0)
        stack.pop_all()
        return file


def packed(folder: Path, caps: archive.Caps = CAPS) -> IO[bytes]:
    """A folder of this machine as a tree. :raises Spoilt: it is larger than the caps allow."""
    if folder.is_symlink() or not folder.is_dir():
        return empty()
    return _tar(_found(folder, caps))


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
    for member in tar.getmembers():
        if member.islnk():
            real = copy.copy(tar.getmember(member.linkname))
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
            name = path.relative_to(folder)
            if git.is_git(PurePosixPath(name)):
                continue
            namer.inodes.clear()  # type: ignore[attr-defined] # every name gets its content: no hard links
            member = namer.gettarinfo(path, arcname=f"tree/{name}")
            if member is None:  # a socket
                continue
            total += member.size
            _check(total, caps.bytes)
            if member.isfile():
                with path.open("rb") as content:
                    yield member, content
            else:
                yield member, None


def _files(folder: Path) -> Iterator[Path]:
    """Every file and link below a folder, made readable where the agent took that away. :raises Spoilt: too deep."""
    longest = len(os.fsencode(folder)) + _PATH_BYTES
    ahead = [folder]
    while ahead:
        here = ahead.pop()
        if len(os.fsencode(here)) > longest:
            raise Spoilt(
                f"the tree that the agent left has a path of more than {_PATH_BYTES} bytes, the allowed maximum"
            )
        if not os.access(here, os.R_OK | os.X_OK):
            here.chmod(0o700)
        with os.scandir(here) as entries:
            for entry in sorted(entries, key=lambda each: each.name):
                path = Path(entry.path)
                if entry.is_dir(follow_symlinks=False):
                    ahead.append(path)
                    continue
                if entry.is_file(follow_symlinks=False) and not os.access(path, os.R_OK):
                    path.chmod(path.stat().st_mode | 0o400)
                yield path
