"""From what was said at the end to the ending: the second snapshot, its tests, and what is to be said of them at once."""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from oneshot_cli.pairing import leaks, words
from oneshot_cli.pairing.works import Ending, Work, now
from oneshot_cli.repository.snapshot import Snapshots
from oneshot_shared.capture_core import Caller, GivenRubric, GivenTest
from oneshot_shared.errors import BadInput
from oneshot_shared.git import Git

_PATCH_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class Words:
    """What was said, as it was given."""

    summary: str
    instructions: str
    rubric: GivenRubric
    tests: tuple[GivenTest, ...]
    labels: tuple[str, ...]

    @property
    def digest(self) -> str:
        """The same for the same words."""
        return words.digest(
            summary=self.summary,
            instructions=self.instructions,
            rubric=self.rubric,
            tests=[each if isinstance(each, str) else dict(each) for each in self.tests],
            labels=self.labels,
        )


async def ending(said: Words, work: Work, caller: Caller, snapshots: Snapshots, place: Path, top: Path) -> Ending:
    """Take the second snapshot. :raises BadInput: what was said, or nothing was done."""
    rubric_toml = words.rubric(said.rubric)
    tests = words.tests(said.tests, top)
    snapshot = await snapshots.end(tests.files)
    trees = _Trees(Git(place / "git"), work.base_tree, snapshot.tree)
    told = said.instructions or work.instructions
    changed, added = await asyncio.gather(trees.changed(), trees.added() if told else _nothing())
    if not [path for path in changed if path not in {name.encode() for name in tests.files}]:
        raise BadInput(
            f"nothing has changed in {top} since task {work.task_id!r} was started, so there is nothing that it could ask "
            "for; do the work first, or abort the task"
        )
    if tests.paths:
        words.check_there(tests.paths, [*await trees.named(tests.paths), *changed])
    remarks = list(snapshot.left_out)
    if leaked := leaks.found(told, added):
        remarks.append(leaks.warning(leaked))
    return Ending(
        said=said.digest,
        summary=said.summary,
        instructions=said.instructions,
        rubric_toml=rubric_toml,
        test_paths=words.test_paths(tests.paths, changed),
        fail_to_pass=tests.ids,
        labels=tuple(each for each in dict.fromkeys(said.labels) if each not in work.labels),
        thread_id=caller.thread_id,
        call_id=caller.call_id,
        end_tree=snapshot.tree,
        ended_at=now(),
        remarks=tuple(remarks),
    )


async def _nothing() -> list[bytes]:
    return []


@dataclass(frozen=True)
class _Trees:
    """Both trees, in the private git directory."""

    git: Git
    base: str
    end: str

    async def changed(self) -> list[bytes]:
        """The paths that differ."""
        said = await self.git("diff-tree", "-r", "-z", "--name-only", "--no-renames", self.base, self.end)
        return said.split(b"\0")[:-1]

    async def named(self, paths: tuple[str, ...]) -> list[bytes]:
        """What the end has of some paths: the files, or all that lie in the folders. ls-tree takes paths as they are."""
        said = await self.git("ls-tree", "-r", "-z", "--name-only", "--full-tree", self.end, "--", *paths)
        return said.split(b"\0")[:-1]

    async def added(self) -> list[bytes]:
        """The lines of the patch, or of its first part."""
        found = bytearray()
        options = ("--unified=0", "--no-renames", "--no-ext-diff", "--no-textconv")
        async with aclosing(self.git.chunks("diff", *options, self.base, self.end)) as chunks:
            async for chunk in chunks:
                found += chunk
                if len(found) > _PATCH_BYTES:
                    break
        return bytes(found).splitlines()
