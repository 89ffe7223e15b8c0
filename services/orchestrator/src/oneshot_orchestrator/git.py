"""Trees as git objects, with a git directory of our own: nothing of an agent's `.git` or attributes is ever obeyed."""

import contextlib
import os
import shutil
import subprocess
from pathlib import Path
from tempfile import mkdtemp
from typing import NamedTuple

from oneshot_orchestrator.contract import Changes
from oneshot_shared.errors import BadInput
from oneshot_shared.git import Git


async def record_base(environment: Path) -> None:
    """Make `git/` from `base/` of an environment's folder: one tree, tagged `base`; and `ignores/`, its ignore rules."""
    folder, base, ignores = (environment / name for name in ("git", "base", "ignores"))
    folder.mkdir()
    git = Git(folder)
    await git.init()
    await _add(git, base)
    tree = (await git("write-tree")).decode().strip()
    await git("update-ref", "refs/tags/base", tree)
    ignores.mkdir()
    for rules in base.rglob(".gitignore"):
        if rules.is_file() and not rules.is_symlink():
            copy = ignores / rules.relative_to(base)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(rules, copy)


async def _add(git: Git, folder: Path) -> None:
    """Take a whole folder into the index, but for what git takes from nobody."""
    for named in list(folder.rglob(".[gG][iI][tT][mM][oO][dD][uU][lL][eE][sS]")):
        for path in [named, *named.rglob("*")]:
            if path.is_symlink():
                path.unlink()
    await git("add", "-A", "--force", ".", work_tree=folder)


class Taken(NamedTuple):
    """What was taken of a folder: a tree, and the new files that were left out of it."""

    tree: str
    left_out: list[str]


class Trees:
    """Compares trees with an environment's base. Objects and index of one run live in `folder`."""

    def __init__(self, environment: Path, folder: Path) -> None:
        self._environment = environment
        self._folder = folder
        self._objects = folder / "objects"
        self._objects.mkdir(parents=True)

    def _git(self) -> Git:
        place = Path(mkdtemp(prefix="index-", dir=self._folder))
        return Git(self._environment / "git", place / "index", self._objects)

    async def of_folder(self, folder: Path, reference: Path | None = None) -> Taken:
        """The tree of a folder. New files that the base's own ignore rules name are left out, as a person would leave them
        out of a commit; but not those that the reference patch touches: its author added them all the same."""
        git = self._git()
        await git("read-tree", "base")
        await _add(git, folder)
        new = await git("diff", "--cached", "--name-only", "-z", "--no-renames", "--diff-filter=A", "base")
        left_out = set(_names(await self._ignored(git, new)))
        if left_out and reference and reference.is_file():
            with contextlib.suppress(BadInput):  # whoever needs the reference will say so
                left_out -= set(_names(await self._differing(await self.of_patch(reference))))
        if left_out:
            stdin = b"\0".join(sorted(left_out))
            await git("update-index", "--force-remove", "-z", "--stdin", work_tree=folder, stdin=stdin)
        return Taken((await git("write-tree")).decode().strip(), sorted(map(os.fsdecode, left_out)))

    async def _ignored(self, git: Git, paths: bytes) -> bytes:
        try:
            rules = self._environment / "ignores"
            return await git("check-ignore", "--no-index", "-z", "--stdin", work_tree=rules, stdin=paths)
        except subprocess.CalledProcessError as error:
            if error.returncode == 1:  # none is ignored
                return b""
            raise

    async def of_patch(self, patch: Path) -> str:
        """The tree of the base with a patch. :raises BadInput: the patch does not apply."""
        git = self._git()
        await git("read-tree", "base")
        try:
            await git("apply", "--cached", "--whitespace=nowarn", str(patch))
        except subprocess.CalledProcessError as error:
            raise BadInput(
                f"{patch.name} does not apply to the base ({error.stderr.strip()}); make it again from this base"
            ) from None
        return (await git("write-tree")).decode().strip()

    async def base(self) -> str:
        """The base's own tree."""
        return (await self._git()("rev-parse", "base^{tree}")).decode().strip()

    async def size(self, tree: str) -> int:
        """Bytes of all files that differ from the base, deleted ones aside."""
        differing = set(_names(await self._differing(tree, "--diff-filter=d")))
        entries = (entry.partition(b"\t") for entry in _names(await self._git()("ls-tree", "-r", "-l", "-z", tree)))
        return sum(
            int(about.split()[3]) for about, _, name in entries if name in differing and about.split()[1] == b"blob"
        )

    async def write_patch(self, tree: str, file: Path) -> None:
        """Write the difference to the base as a patch that `git apply` takes, binary files included."""
        options = ("--binary", "--full-index", "--no-renames", "--no-ext-diff")
        with file.open("wb") as opened:
            await self._git()("diff", *options, "base", tree, stdout=opened)

    async def _differing(self, tree: str, *options: str) -> bytes:
        return await self._git()("diff", "--name-only", "-z", "--no-renames", *options, "base", tree)

    async def changes(self, tree: str) -> Changes:
        """The difference to the base as files and deletions."""
        git = self._git()
        deleted = await self._differing(tree, "--diff-filter=D")
        changed = await self._differing(tree, "--diff-filter=d")
        folder = Path(mkdtemp(prefix="changes-", dir=self._folder))
        await git("read-tree", tree)
        await git("checkout-index", "-f", "-z", "--stdin", f"--prefix={folder}/", stdin=changed, work_tree=folder)
        return Changes(folder, list(map(os.fsdecode, _names(deleted))))


def _names(listed: bytes) -> list[bytes]:
    return [name for name in listed.split(b"\0") if name]
