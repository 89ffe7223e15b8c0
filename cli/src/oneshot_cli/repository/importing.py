"""A working tree as a stream for `git fast-import`: HEAD's tree, and all in which the disk is another.

Of git's ways to make a tree this is the only one that leaves the person's object store alone: `git add` and `git write-tree` set the
time of each pack and object in which they find what they would write, there too.
"""

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO

from oneshot_cli.repository.reading import Entry, Reading
from oneshot_shared.errors import BadInput, printable
from oneshot_shared.git import is_git

MAX_UNTRACKED_BYTES = 100 * 1024 * 1024
_MAX_NAME_BYTES, _MAX_PATH_BYTES = 255, 3500  # as the capture service has them
_FILE, _EXEC, _LINK, _SUBMODULE = b"100644", b"100755", b"120000", b"160000"
_PIECE_BYTES = 1 << 20


class WorkingTree:
    """The files below a folder. `modes`: whether its file system knows which of them can be run.

    `left_out`: sentences on what no snapshot holds.
    """

    def __init__(self, top: Path, modes: bool) -> None:
        self._top = os.fsencode(top) + b"/"
        self._modes = modes
        self._folders = {b"": True}
        self.left_out: list[str] = []

    def write(self, stream: IO[bytes], ref: str, reading: Reading, files: Mapping[str, bytes]) -> None:
        """Write the commit of a snapshot; git answers with a line whose third word is its tree's id.

        :raises BadInput: a file changes while it is read, or `files` has a name for none.
        """
        given = {_checked(name): content for name, content in files.items()}
        there, gone = self._sorted(reading)
        stream.write(b"feature done\ncommit %s\ncommitter OneShot <> 0 +0000\ndata 0\n" % ref.encode())
        if reading.tree:
            stream.write(b'M 040000 %s ""\n' % reading.tree.encode())
        gone |= {path for path, entry in reading.staged.items() if entry is None and path not in there}
        stream.writelines(b"D %s\n" % quoted(path) for path in gone)
        for path, entry in reading.staged.items():
            if entry and path not in gone:
                stream.write(b"M %s %s %s\n" % (entry.mode, entry.oid, quoted(path)))
        for path, found in there.items():
            try:
                self._write(stream, path, found, reading.doubtful.get(path))
            except (FileNotFoundError, NotADirectoryError):  # a build's, say, that was there a moment ago
                raise _changing(path) from None
        for path, content in given.items():
            _lay(stream, _FILE, path, BytesIO(content), len(content))
        stream.write(b'ls ""\ndone\n')

    def _sorted(self, reading: Reading) -> tuple[dict[bytes, os.stat_result], set[bytes]]:
        """What is there and must be looked at; and what is not there, or has no place in a snapshot."""
        self.left_out += [_sentence(name, f"cannot be read ({why})") for name, why in reading.closed]
        there: dict[bytes, os.stat_result] = {}
        gone = set(reading.excluded)
        sparse = 0
        for path in (*reading.doubtful, *reading.untracked):
            entry, found = reading.doubtful.get(path), self._stat(path)
            if path in gone:
                continue
            if found is None:
                gone.add(path)
                sparse += entry is not None and entry.sparse
            elif entry and entry.mode == _SUBMODULE and stat.S_ISDIR(found.st_mode):
                self._look_at_submodule(path)
            elif entry and stat.S_ISDIR(found.st_mode):  # a folder in the place of a file: its files are untracked
                gone.add(path)
            elif why := _unfit(path, found, entry is not None) or self._closed(path, found):
                self.left_out.append(_sentence(os.fsdecode(path), why))
                gone.add(path)
            else:
                there[path] = found
        if sparse:
            self.left_out.append(f"{sparse} files that a sparse checkout does not write were left out")
        return there, gone

    def _stat(self, path: bytes) -> os.stat_result | None:
        """What lies at a path, reached through no link."""
        if not self._is_reached(path.rstrip(b"/").rpartition(b"/")[0]):
            return None
        return _lstat(self._top + path)

    def _is_reached(self, folder: bytes) -> bool:
        unknown = []
        while folder not in self._folders:
            unknown.append(folder)
            folder = folder.rpartition(b"/")[0]
        reached = self._folders[folder]
        for each in reversed(unknown):
            found = _lstat(self._top + each) if reached else None
            reached = self._folders[each] = found is not None and stat.S_ISDIR(found.st_mode)
        return reached

    def _look_at_submodule(self, path: bytes) -> None:
        names = [each.name for each in Path(os.fsdecode(self._top + path)).iterdir()]
        if names and ".git" not in names:
            why = "is a submodule to git and a plain folder on disk; run `git rm --cached` on it to have its files captured"
            self.left_out.append(_sentence(os.fsdecode(path), why))

    def _closed(self, path: bytes, found: os.stat_result) -> str:
        if stat.S_ISREG(found.st_mode) and not os.access(self._top + path, os.R_OK):
            return "cannot be read (permission denied)"
        return ""

    def _write(self, stream: IO[bytes], path: bytes, found: os.stat_result, entry: Entry | None) -> None:
        """Write what lies on disk, unless the index says the same."""
        file: IO[bytes]
        if stat.S_ISLNK(found.st_mode):
            target = os.readlink(self._top + path)  # noqa: PTH115 -- bytes
            mode, file, size = _LINK, BytesIO(target), len(target)
        else:
            file = Path(os.fsdecode(self._top + path)).open("rb")  # noqa: SIM115 -- closed below
            mode, size = self._mode(found, entry), os.fstat(file.fileno()).st_size
        with file:
            if entry and entry.mode == mode and entry.oid == _oid(file, size):
                return
            file.seek(0)
            _lay(stream, mode, path, file, size)

    def _mode(self, found: os.stat_result, entry: Entry | None) -> bytes:
        if self._modes:
            return _EXEC if found.st_mode & stat.S_IXUSR else _FILE
        return entry.mode if entry and entry.mode in (_EXEC, _FILE) else _FILE


def quoted(path: bytes) -> bytes:
    """A path as git reads it in a line: in C's quotes where it must be."""
    if not path.startswith((b'"', b"#", b" ")) and b"\n" not in path:
        return path
    return b'"%s"' % path.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")


def _lay(stream: IO[bytes], mode: bytes, path: bytes, content: IO[bytes], size: int) -> None:
    stream.write(b"M %s inline %s\ndata %d\n" % (mode, quoted(path), size))
    for length in _lengths(size):
        piece = content.read(length)
        stream.write(piece)
        if len(piece) != length:
            raise _changing(path)
    stream.write(b"\n")


def _changing(path: bytes) -> BadInput:
    return BadInput(
        f"{printable(os.fsdecode(path))!r} changes while it is read; wait until it is written, and try again"
    )


def _oid(file: IO[bytes], size: int) -> bytes:
    digest = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    for length in _lengths(size):
        digest.update(file.read(length))
    return digest.hexdigest().encode()


def _lengths(size: int) -> Iterator[int]:
    return (min(_PIECE_BYTES, size - at) for at in range(0, size, _PIECE_BYTES))


def _lstat(path: bytes) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _unfit(path: bytes, found: os.stat_result, tracked: bool) -> str:
    """Why something can be in no snapshot, or nothing."""
    if stat.S_ISDIR(found.st_mode):
        return "is a git repository of its own"
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode)):
        return "is neither a file nor a link"
    if not tracked and found.st_size > MAX_UNTRACKED_BYTES:
        return f"has {found.st_size >> 20} MiB and is not tracked; `git add` it if it belongs to the task"
    return _unnameable(path)


def _unnameable(path: bytes) -> str:
    parts = path.split(b"/")
    if is_git(PurePosixPath(os.fsdecode(path))):
        return "has a name that some systems take for .git"
    if len(path) > _MAX_PATH_BYTES or any(len(part) > _MAX_NAME_BYTES for part in parts):
        return "has too long a name"
    return ""


def _checked(name: str) -> bytes:
    path = os.fsencode(name)
    if why := _unnameable(path):
        raise BadInput(f"the file {printable(name)[:200]!r} {why}; give it another")
    if any(part in (b"", b".", b"..") for part in path.split(b"/")) or b"\0" in path:
        raise BadInput(f"{printable(name)[:200]!r} is no path of a file in the tree; give one relative to its top")
    return path


def _sentence(name: str, why: str) -> str:
    return f"{printable(name)!r} was left out: it {why}"
