"""The six tools' core: answers from this disk alone, whatever the stack does. Knows no transport."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from oneshot_cli import locks
from oneshot_cli.pairing import delivery, endings, messages, telling
from oneshot_cli.pairing.works import ABORTED, ENDED, REFUSED, STARTED, Work, Works, now
from oneshot_cli.repository import autofix, readiness, where
from oneshot_cli.repository.readiness import report
from oneshot_cli.repository.readiness.finding import LEVELS, Finding
from oneshot_cli.repository.snapshot import Snapshots
from oneshot_cli.repository.where import Repository
from oneshot_shared import capture_checks
from oneshot_shared.capture_core import Caller, GivenRubric, GivenTest, Told
from oneshot_shared.errors import BadInput, NotReady

_NO_TREE = "0" * 40
_LOCK_SECONDS = 120.0
SESSION_VARIABLE = "ONESHOT_SESSION"


class Tools:
    """The tools in one folder; oneshot_shared.capture_core.CaptureTools says what each is.

    `environment`: the server's own; ONESHOT_SESSION, ONESHOT_STATE, CODEX_HOME and what leads to a stack are read.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = environment

    @classmethod
    def here(cls, environment: Mapping[str, str]) -> "Tools":
        """Those of the current folder, even where that is gone: then each says so."""
        try:
            return cls(Path.cwd(), environment)
        except FileNotFoundError:
            return cls(Path(environment.get("PWD") or "."), environment)

    async def start_task(
        self, caller: Caller, *, title: str, instructions: str = "", notes: str = "", labels: Sequence[str] = ()
    ) -> Told:
        async with self._alone() as (works, repository):
            open_ = next((work for work in works.of(repository.top) if work.state == STARTED), None)
            if open_ and open_.title == title:
                self._deliver(works, open_)
                return telling.started(open_)
            if open_:
                raise NotReady(f"{_is_open(open_)}; end it or abort it first")
            draft = Work(
                task_id=works.new_id(title),
                top=str(repository.top),
                title=title,
                instructions=instructions,
                notes=notes,
                labels=tuple(labels),
                session_id=self._environment.get(SESSION_VARIABLE, ""),
                thread_id=caller.thread_id,
                call_id=caller.call_id,
                where=delivery.the_places(self._environment),
                base_tree=_NO_TREE,
                started_at=now(),
            )
            capture_checks.check_start(messages.start_request(draft))
            work = await self._begun(works, repository, draft)
        self._deliver(works, work)
        return telling.started(work)

    async def _begun(self, works: Works, repository: Repository, draft: Work) -> Work:
        place = works.make(draft.task_id)
        try:
            snapshot = await Snapshots(place, repository, works.state).begin()
            _check_nothing_is_under_way(repository, snapshot.unmerged)
            work = draft.model_copy(update={"base_tree": snapshot.tree, "remarks": snapshot.left_out})
            works.add(work)
        except BaseException:
            await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)
            raise
        return work

    async def end_task(
        self,
        caller: Caller,
        *,
        summary: str,
        instructions: str = "",
        rubric: GivenRubric = (),
        tests: Sequence[GivenTest] = (),
        labels: Sequence[str] = (),
        task_id: str = "",
    ) -> Told:
        words = endings.Words(summary, instructions, rubric, tuple(tests), tuple(labels))
        async with self._alone() as (works, repository):
            work = _to_end(works, repository.top, task_id)
            if work.state not in (STARTED, REFUSED):
                if work.ending and work.ending.said == words.digest and work.state != ABORTED:
                    self._deliver(works, work)
                    return telling.ended(work)
                raise NotReady(
                    f"task {work.task_id!r} ({work.title!r}) is {work.state} already, so it cannot be ended otherwise; "
                    "start a task for further work"
                )
            snapshots = Snapshots(works.place(work.task_id), repository, works.state)
            ending = await endings.ending(words, work, caller, snapshots, works.place(work.task_id), repository.top)
            ending = ending.model_copy(update={"session_id": self._environment.get(SESSION_VARIABLE, "")})
            ended = work.model_copy(update={"ending": ending, "top": str(repository.top)})
            capture_checks.check_ending(messages.ending(ended))
            again = {"settled": False, "trouble": "", "top": ended.top, "ending": ending.model_dump()}
            work = works.change(work.task_id, (STARTED, REFUSED), state=ENDED, **again)
        self._deliver(works, work)
        return telling.ended(work)

    async def check_readiness(self, caller: Caller) -> Told:
        findings = await readiness.check_folder(self._folder, self._state())
        findings = sorted([*findings, *await self._open()], key=lambda each: LEVELS.index(each.level))
        return Told(report.as_text(findings), report.as_fields(findings))

    async def autofix_readiness(self, caller: Caller) -> Told:
        repository = await where.find(self._folder, self._environment)
        mended = await autofix.autofix(repository, self._state())
        findings = [*await readiness.check(repository, self._state()), *await self._open()]
        return Told(report.as_text(findings, mended), report.as_fields(findings, mended))

    def _state(self) -> Path:
        return Works.here(self._environment).state

    async def _open(self) -> list[Finding]:
        """What stands in the way of a start besides the repository: a task that is open in it."""
        try:
            repository = await where.find(self._folder, self._environment)
        except BadInput:
            return []
        mine = Works.here(self._environment).of(repository.top)
        return [
            Finding("open task", "blocker", _is_open(work), "end it, or abort it")
            for work in mine
            if work.state == STARTED
        ]

    async def task_status(self, caller: Caller, *, task_id: str = "") -> Told:
        works = Works.here(self._environment)
        if task_id:
            work = works.get(task_id)
        else:
            repository = await where.find(self._folder, self._environment)
            mine = works.of(repository.top)
            if not mine:
                return telling.none(repository.top, works.all())
            work = next((work for work in mine if work.state == STARTED), mine[0])
        self._deliver(works, work)
        return telling.status(work)

    async def abort_task(self, caller: Caller, *, task_id: str = "") -> Told:
        works = Works.here(self._environment)
        if task_id:
            work = works.get(task_id)
        else:
            repository = await where.find(self._folder, self._environment)
            work = _open(works, repository.top)
        async with locks.held(works.tree_lock(Path(work.top)), _LOCK_SECONDS, _at_work(Path(work.top))):
            work = works.change(work.task_id, (STARTED, ENDED, REFUSED), state=ABORTED, settled=False, trouble="")
        self._deliver(works, work)
        return telling.aborted(work)

    def _deliver(self, works: Works, work: Work) -> None:
        """Have it delivered, on a repeated call too: whoever made the first may have been killed before this."""
        if work.owes:
            delivery.spawn(works, [work], self._environment)

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[tuple[Works, Repository]]:
        """The repository, in which nobody else starts or ends a task meanwhile."""
        repository = await where.find(self._folder, self._environment)
        works = Works.here(self._environment)
        async with locks.held(works.tree_lock(repository.top), _LOCK_SECONDS, _at_work(repository.top)):
            yield works, repository


def _at_work(top: Path) -> str:
    return f"another task tool has been at work in {top} for {_LOCK_SECONDS:.0f} s; try again"


def _open(works: Works, top: Path) -> Work:
    """The newest task of a working tree, an open one first. :raises BadInput: there is none."""
    mine = works.of(top)
    if not mine:
        raise BadInput(telling.none(top, works.all()).text)
    open_ = [work for state in (STARTED, REFUSED) for work in mine if work.state == state]
    return open_[0] if open_ else mine[0]


def _to_end(works: Works, top: Path, task_id: str) -> Work:
    """The task to be ended in a working tree. :raises BadInput: it is another tree's."""
    if not task_id:
        return _open(works, top)
    work = works.get(task_id)
    if work.top != str(top) and Path(work.top).exists():
        raise BadInput(f"task {task_id!r} belongs to {work.top}, not to {top}; end it there")
    return work


def _is_open(work: Work) -> str:
    return f"a task is open in {work.top}: {work.title!r} ({work.task_id}, started {telling.age(work)} ago)"


def _check_nothing_is_under_way(repository: Repository, unmerged: Sequence[bytes]) -> None:
    """What else there is to be known of the tree, the delivery finds out. :raises NotReady: git is in the midst of something."""
    if findings := readiness.under_way(repository, unmerged):
        first, *others = findings
        more = f" (and {len(others)} more: check readiness)" if others else ""
        raise NotReady(f"no task can begin here: {first.sentence}; {first.next_step}{more}")
