"""Changes as a tar: what the oracle lays into a tree, and what a verification lays over a pristine one."""

import io
import json
import tarfile
from pathlib import Path
from typing import IO

from oneshot_orchestrator.contract import Changes
from oneshot_shared import archive


def changes_tar(changes: Changes) -> IO[bytes]:
    """The changed files, names relative to the tree, parent folders first."""
    file = archive.spool([])
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(changes.folder.rglob("*")):
            tar.add(path, arcname=str(path.relative_to(changes.folder)), recursive=False)
    file.seek(0)
    return file


def verification_tar(task_tests: Path, files: dict[str, bytes], changes: Changes) -> IO[bytes]:
    """The verification folder: the task's tests/, the plan's files, and the solution as changes."""
    file = archive.spool([])
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar, changes_tar(changes) as solution:
        tar.add(task_tests, arcname="tests")
        for name, content in files.items():
            _add(tar, name, content)
        _add_file(tar, "solution/changes.tar", solution, solution.seek(0, io.SEEK_END))
        _add(tar, "solution/deleted.json", json.dumps(changes.deleted).encode())
    file.seek(0)
    return file


def files_tar(files: dict[str, bytes]) -> IO[bytes]:
    """Files by their relative name."""
    file = archive.spool([])
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in files.items():
            _add(tar, name, content)
    file.seek(0)
    return file


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    _add_file(tar, name, io.BytesIO(content), len(content))


def _add_file(tar: tarfile.TarFile, name: str, content: IO[bytes], size: int) -> None:
    member = tarfile.TarInfo(name)
    member.size = size
    member.mode = 0o644
    content.seek(0)
    tar.addfile(member, content)
