"""Tasks by content: `data/state/tasks/<digest>/<slug>/`. A stored task never changes."""

import asyncio
import re
import shutil
from pathlib import Path
from tempfile import mkdtemp
from typing import IO

from oneshot_shared import archive, task
from oneshot_shared.errors import BadInput
from oneshot_shared.task import SLUG, Task

_NEW = ".new-"
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")


class TaskStore:
    """Takes task folders and gives them back by digest."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for half in folder.glob(f"{_NEW}*"):  # an earlier process was killed while it took a task
            shutil.rmtree(half, ignore_errors=True)

    async def put(self, slug: str, tar: IO[bytes]) -> str:
        """Store a task folder. :raises BadInput: it is no valid task."""
        if not SLUG.fullmatch(slug):
            raise BadInput(f"the task's name {slug!r} is no slug; use lower-case letters, digits, '.', '_' and '-'")
        return await asyncio.to_thread(self._put, slug, tar)

    def _put(self, slug: str, tar: IO[bytes]) -> str:
        place = Path(mkdtemp(prefix=_NEW, dir=self._folder))
        try:
            (place / slug).mkdir()
            archive.unpack(tar, place / slug)
            task.load(place / slug)
            digest = archive.digest(place)  # with the slug, by which results name the task
            home = self._home(digest)
            try:
                place.rename(home)
            except OSError:  # stored before, perhaps a moment ago
                if not home.exists():
                    raise
            return digest
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def get(self, digest: str) -> Task:
        """A stored task. :raises FileNotFoundError: none of that digest."""
        found = list(self._home(digest).glob("*")) if _DIGEST.fullmatch(digest) else []
        if not found:
            raise FileNotFoundError(f"no task with digest {digest!r} is stored; send its folder with PutTask first")
        return task.load(found[0])

    def _home(self, digest: str) -> Path:
        return self._folder / digest.removeprefix("sha256:")
