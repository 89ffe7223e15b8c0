"""The six tools answer from this disk."""

import asyncio
import shutil
import subprocess
import time
from typing import Any

import pytest

from cli.harness import ONESHOT
from cli.pairing.harness import MENDED, NOBODY, TEST, Person, eventually, git
from oneshot_shared.capture_core import Caller
from oneshot_shared.errors import BadInput, NotReady

RUBRIC = [
    {"id": "sum", "weight": 0.7, "description": "It adds.", "decided_by": "tests", "tests": ["fail_to_pass"]},
    {"id": "small", "weight": 0.3, "description": "The change is small.", "decided_by": "judge", "tests": []},
]


async def test_from_start_to_created(person: Person) -> None:
    before = git(person.top, "status", "--porcelain"), (person.top / ".git" / "index").read_bytes()
    told = await person.start("Mend add", notes="n", labels=["python"], instructions="Make add add.")
    task_id = told.fields["task_id"]
    assert f"Task {task_id} is started: 'Mend add'" in told.text
    assert told.fields["state"] == "started"
    assert (git(person.top, "status", "--porcelain"), (person.top / ".git" / "index").read_bytes()) == before
    await eventually(lambda: person.work.announced and person.work.kept, what=lambda: person.work)
    (task,) = await person.service.tasks()
    assert (task.task_id, task.start.title) == (task_id, "Mend add")
    person.mend()
    ended = await person.end(rubric=RUBRIC, tests=["tests/test_calc.py::test_add"], labels=["python", "sums"])
    assert f"Task {task_id} is ended" in ended.text
    assert "sum 0.7, small 0.3" in ended.text
    work = await person.sent()
    assert (work.state, work.trouble) == ("delivered", "")
    (folder,) = person.service.created
    assert work.result
    assert folder.name == work.result.folder
    assert (folder / "instruction.md").read_text() == "Make add add.\n"
    assert (folder / "tests" / "files" / "tests" / "test_calc.py").read_text() == TEST
    assert b"+    return a + b" in (folder / "solution" / "solution.patch").read_bytes()
    assert (folder / "oneshot" / "rubric.toml").read_text().startswith('[[criterion]]\nid = "sum"\nweight = 0.7\n')
    assert sorted(each.name for each in person.place.iterdir() if not each.name.startswith(".")) == [
        *["delivery.lock", "delivery.log", "work.json"]
    ]
    status = await person.tools().task_status(NOBODY)
    assert f"created, {folder.name} (2 files at the base, 1 changed in the solution, 1 in the tests)" in status.text
    assert status.fields["state"] == "delivered"


async def test_the_answers_come_without_a_stack_and_quickly(alone: Person) -> None:
    begun = time.monotonic()
    await alone.start()
    alone.mend()
    await alone.end()
    await alone.tools().task_status(NOBODY)
    assert time.monotonic() - begun < 3, "three tools, each within a second"
    assert alone.work.state == "ended"


async def test_the_same_again_is_harmless(alone: Person) -> None:
    first = await alone.start()
    second = await alone.start()
    assert first.fields["task_id"] == second.fields["task_id"]
    with pytest.raises(
        NotReady, match=r"a task is open in .*: 'Mend add' \(mend-add-.*, started 0 min ago\); end it or abort"
    ):
        await alone.start("Other")
    alone.mend()
    ended = await alone.end()
    (alone.top / "calc.py").write_text("later")
    assert (await alone.end()).fields["end_tree"] == ended.fields["end_tree"]
    with pytest.raises(NotReady, match=r"is ended already, so it cannot be ended otherwise; start a task"):
        await alone.end("Other words.")
    third = await alone.start("Other")
    assert third.fields["task_id"] != first.fields["task_id"]
    assert len(alone.works.all()) == 2


async def test_started_at_once_it_is_started_once(alone: Person) -> None:
    answers = await asyncio.gather(*(alone.start() for _ in range(4)))
    assert len({answer.fields["task_id"] for answer in answers}) == 1


async def test_without_a_start(alone: Person) -> None:
    for call in (alone.end(), alone.tools().abort_task(NOBODY)):
        with pytest.raises(BadInput, match=r"no task was started in .*; start one first"):
            await call
    assert "no task was started in" in (await alone.tools().task_status(NOBODY)).text
    with pytest.raises(FileNotFoundError, match="no task 'x' was started on this machine"):
        await alone.end(task_id="x")


async def test_nothing_was_done(alone: Person) -> None:
    await alone.start()
    with pytest.raises(BadInput, match=r"nothing has changed in .* since task .* was started"):
        await alone.end()
    with pytest.raises(BadInput, match="nothing has changed"):
        await alone.end(tests=[{"path": "tests/test_new.py", "content": TEST}])
    assert alone.work.state == "started"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"rubric": [{"weight": 1}]}, "the rubric is not understood: a criterion has no description"),
        ({"rubric": "[[criterion]"}, "the rubric is not understood"),
        ({"tests": [{"path": "../x"}]}, r"the test path '\.\./x' is not in"),
        ({"tests": [{"path": "/etc/passwd"}]}, "the test path '/etc/passwd' is not in"),
        (
            {"tests": [{"path": "tests/test_clac.py"}]},
            r"neither in the working tree nor deleted \(did you mean 'tests/test_calc",
        ),
        ({"instructions": "a\0"}, "NUL byte"),
        ({"labels": ["x" * 200]}, "label"),
        ({"summary": "x" * 200_000}, "the summary has 200000 characters"),
    ],
)
async def test_what_capture_would_refuse_is_refused_at_once(alone: Person, words: dict[str, Any], says: str) -> None:
    await alone.start()
    alone.mend()
    with pytest.raises(BadInput, match=says):
        await alone.end(**words)
    assert alone.work.state == "started"
    await alone.end()


async def test_a_title_that_capture_would_refuse(alone: Person) -> None:
    with pytest.raises(BadInput, match="the title"):
        await alone.start("a\nb")
    assert not alone.works.all()
    assert not list((alone.root / "state" / "works").glob("*/"))


async def test_an_answer_in_the_instructions(alone: Person) -> None:
    await alone.start(instructions="Have it return  a + b, as in\n    def test_add():\n")
    alone.mend()
    told = await alone.end()
    assert "the instructions hold lines of the answer word for word ('def test_add():')" in told.text


async def test_tests_by_value_are_in_the_task_alone(person: Person) -> None:
    await person.start()
    (person.top / "calc.py").write_text(MENDED)
    await person.end(tests=[{"path": str(person.top / "checks" / "adds.py"), "content": TEST}])
    assert not (person.top / "checks").exists()
    work = await person.sent()
    assert work.ending
    assert work.ending.test_paths == ("checks/adds.py",)
    (folder,) = person.service.created
    assert (folder / "tests" / "files" / "checks" / "adds.py").read_text() == TEST


async def test_an_abort(person: Person) -> None:
    await person.start()
    await eventually(lambda: person.work.announced)
    told = await person.tools().abort_task(NOBODY)
    assert "is given up" in told.text
    assert (await person.tools().abort_task(NOBODY)).fields["state"] == "aborted"
    work = await person.sent()
    assert (work.state, work.settled) == ("aborted", True)
    (task,) = await person.service.tasks()
    assert task.next_step.startswith("nothing: the task was given up")
    assert not (person.place / "git").exists()
    with pytest.raises(NotReady, match="is aborted already"):
        await person.end()


async def test_an_abort_that_comes_too_late(person: Person) -> None:
    await person.start()
    person.mend()
    await person.end()
    await person.sent()
    told = await person.tools().abort_task(NOBODY)
    assert told.fields["state"] == "delivered"
    assert "cannot be given up any more" in told.text


async def test_each_linked_worktree_has_its_own(alone: Person) -> None:
    other = alone.root / "other"
    git(alone.top, "worktree", "add", "-q", str(other))
    first = await alone.start()
    second = await alone.tools(other).start_task(NOBODY, title="Another")
    assert first.fields["task_id"] != second.fields["task_id"]
    (other / "calc.py").write_text(MENDED)
    ended = await alone.tools(other).end_task(NOBODY, summary="Done.")
    assert ended.fields["task_id"] == second.fields["task_id"]
    assert (await alone.tools().task_status(NOBODY)).fields["state"] == "started"
    with pytest.raises(BadInput, match=r"belongs to .*repository, not to .*other; end it there"):
        await alone.tools(other).end_task(NOBODY, summary="Done.", task_id=first.fields["task_id"])


async def test_a_repository_that_was_moved(person: Person) -> None:
    started = await person.start()
    await eventually(lambda: person.work.kept)
    moved = person.root / "moved"
    person.mend()
    shutil.move(person.top, moved)
    with pytest.raises(BadInput, match="cannot be entered"):
        await person.end()
    tools = person.tools(moved)
    with pytest.raises(
        BadInput, match=f"if the repository was moved here, end or abort by its id: {started.fields['task_id']}"
    ):
        await tools.end_task(NOBODY, summary="Done.")
    await tools.end_task(NOBODY, summary="Done.", task_id=started.fields["task_id"])
    assert (await person.sent()).state == "delivered"


async def test_a_repository_that_was_deleted(person: Person) -> None:
    started = await person.start()
    shutil.rmtree(person.top)
    for call in (person.end(), person.tools().task_status(NOBODY), person.tools().abort_task(NOBODY)):
        with pytest.raises(BadInput, match="cannot be entered"):
            await call
    assert (await person.tools().task_status(NOBODY, task_id=started.fields["task_id"])).fields["state"] == "started"
    assert (await person.tools().abort_task(NOBODY, task_id=started.fields["task_id"])).fields["state"] == "aborted"
    assert (await person.sent()).settled


async def test_who_calls_and_in_which_session(alone: Person) -> None:
    await alone.tools(ONESHOT_SESSION="live-1").start_task(Caller("thread-1", "call-1"), title="Mend add")
    alone.mend()
    await alone.tools(ONESHOT_SESSION="live-2").end_task(Caller("thread-2", "call-2"), summary="Done.")
    work = alone.work
    assert (work.session_id, work.thread_id, work.call_id) == ("live-1", "thread-1", "call-1")
    assert work.ending
    assert (work.ending.session_id, work.ending.thread_id, work.ending.call_id) == ("live-2", "thread-2", "call-2")


@pytest.mark.parametrize("seconds", [0.2, 0.5, 0.7, 0.8, 0.9, 1.0])
async def test_a_tool_that_is_killed_at_its_work(alone: Person, seconds: float) -> None:
    """kill -9 of the process that starts a task, and of the one that ends it: it is done, or it can be done."""

    def killed(*words: str) -> None:
        command = [ONESHOT, "task", *words]
        with subprocess.Popen(command, cwd=alone.top, env=alone.environment, stdout=subprocess.DEVNULL) as process:
            time.sleep(seconds)
            process.kill()

    await asyncio.to_thread(killed, "start", "Mend add")
    told = await alone.start()
    assert len(alone.works.all()) == 1
    alone.mend()
    await asyncio.to_thread(killed, "end", "--summary", "Mended.")
    await alone.end()
    assert alone.work.task_id == told.fields["task_id"]
    alone.service.start()
    assert (await alone.sent()).state == "delivered"
    assert len(alone.service.created) == 1
