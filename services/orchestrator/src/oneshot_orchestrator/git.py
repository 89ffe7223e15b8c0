"""Trees as git objects, with a git directory of our own: nothing of an agent's `.git` or attributes is ever obeyed."""

import os
import shutil
import subprocess
from pathlib import Path
from tempfile import mkdtemp

from oneshot_orchestrator.contract import Changes
from oneshot_shared.errors import BadInput
from oneshot_shared.git import Git
from oneshot_shared.git import is_git as is_git


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

    async def of_folder(self, folder: Path) -> str:
        """The tree of a folder. New files that the base's own ignore rules name are left out, as a person would."""
        git = self._git()
        await git("read-tree", "base")
        await _add(git, folder)
        new = await git("diff", "--cached", "--name-only", "-z", "--no-renames", "--diff-filter=A", "base")
        if ignored := await self._ignored(git, new):
            await git("update-index", "--force-remove", "-z", "--stdin", work_tree=folder, stdin=ignored)
        return (await git("write-tree")).decode().strip()

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

    async def patch(self, tree: str) -> bytes:
        """The difference to the base as a patch that `git apply` takes, binary files included."""
        return await self._git()("diff", "--binary", "--full-index", "--no-renames", "--no-ext-diff", "base", tree)

    async def changes(self, tree: str) -> Changes:
        """The difference to the base as files and deletions."""
        git = self._git()
        deleted = await git("diff", "--name-only", "-z", "--no-renames", "--diff-filter=D", "base", tree)
        changed = await git("diff", "--name-only", "-z", "--no-renames", "--diff-filter=d", "base", tree)
        folder = Path(mkdtemp(prefix="changes-", dir=self._folder))
        await git("read-tree", tree)
        await git("checkout-index", "-f", "-z", "--stdin", f"--prefix={folder}/", stdin=changed, work_tree=folder)
        return Changes(folder, [os.fsdecode(path) for path in deleted.split(b"\0") if path])
