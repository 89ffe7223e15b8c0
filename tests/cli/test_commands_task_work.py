"""oneshot task start|end|status|abort|send, as a person types them, on the embedded stack."""

import contextlib
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from cli.harness import Ended, House, end, house, until
from cli.pairing.harness import BROKEN, MENDED, TEST, git

type Oneshot = Callable[..., Ended]
RUBRIC = '[[criterion]]\nid = "sum"\nweight = 1.0\ndescription = "It adds."\ndecided_by = "judge"\n'


@pytest.fixture(scope="module")
def mine() -> Iterator[House]:
    """A house whose works lie in it too."""
    with house() as made:
        made.env["ONESHOT_STATE"] = str(made.root / "works")
        yield made


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A repository."""
    git(tmp_path, "init", "-q")
    (tmp_path / "calc.py").write_text(BROKEN)
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "first")
    return tmp_path


@pytest.fixture
def oneshot(mine: House, top: Path) -> Oneshot:
    """The command, in the repository."""
    return lambda *words: end(mine.start("task", *words, cwd=top))


def mend(top: Path) -> None:
    (top / "calc.py").write_text(MENDED)
    (top / "test_calc.py").write_text(TEST)


def created(mine: House) -> list[Path]:
    return sorted((mine.data / "tasks" / "created").glob("[!.]*"))


def test_from_start_to_the_folder(mine: House, top: Path, oneshot: Oneshot) -> None:
    before = set(created(mine))
    started = oneshot("start", "Mend add", "--label", "sums", "--notes", "n", "--json")
    assert (started.code, started.json["state"], started.err) == (0, "started", "")
    assert "open since" in oneshot("status").out
    rows = oneshot("list", "--json").json
    assert [row["state"] for row in rows if row["slug"] == started.json["task_id"]] == ["being captured"]
    mend(top)
    (top.parent / "rubric.toml").write_text(RUBRIC)
    ended = oneshot(
        "end", "--summary", "Done.", "--rubric", f"{top.parent}/rubric.toml", "--test", "test_calc.py::test_add"
    )
    assert (ended.code, ended.err) == (0, "")
    assert "Rubric: sum 1." in ended.out
    until(lambda: set(created(mine)) - before, 60, what=lambda: oneshot("status").out)
    (folder,) = set(created(mine)) - before
    assert str(folder) in oneshot("status").out
    assert json.loads((folder / "oneshot" / "candidates.json").read_text())["fail_to_pass"] == [
        "test_calc.py::test_add"
    ]
    sent = oneshot("send")
    assert (sent.code, sent.out) == (0, "Nothing is left to be sent.\n")
    assert oneshot("send", "--json").json == []


def test_given_up(top: Path, oneshot: Oneshot) -> None:
    oneshot("start", "Mend add")
    mend(top)
    aborted = oneshot("abort")
    assert (aborted.code, (top / "calc.py").read_text()) == (0, MENDED)
    assert "is given up" in aborted.out
    assert oneshot("status", "--json").json["state"] == "aborted"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("status", "nobody"), "no task 'nobody' was started on this machine"),
        (("abort",), "start one first"),
        (("end", "--summary", "s"), "start one first"),
        (("end", "--summary", "s", "--rubric", "/nonexistent"), "/nonexistent"),
        (("start", " "), "title"),
    ],
)
def test_bad_input_is_one_sentence(oneshot: Oneshot, words: tuple[str, ...], sentence: str) -> None:
    ended = oneshot(*words)
    assert (ended.code, ended.out) == (2, "")
    assert sentence in ended.sentence


def test_no_start_in_the_midst_of_something(top: Path, oneshot: Oneshot) -> None:
    git(top, "checkout", "-qb", "other")
    (top / "calc.py").write_text("other\n")
    git(top, "commit", "-qam", "other")
    git(top, "checkout", "-q", "main")
    (top / "calc.py").write_text("main\n")
    git(top, "stash")
    git(top, "merge", "-q", "other")
    with contextlib.suppress(subprocess.CalledProcessError):
        git(top, "stash", "pop")
    unmerged = oneshot("start", "Mend add")
    assert unmerged.code == 2
    assert "no task can begin here: 1 path in conflict: 'calc.py'; settle each, then `git add` it" in unmerged.sentence
    git(top, "checkout", "-q", "-f", "main")
    (top / ".git" / "MERGE_HEAD").write_text("0" * 40 + "\n")
    merging = oneshot("start", "Mend add")
    assert "a merge is under way" in merging.sentence
    assert "git merge --abort" in merging.sentence


def test_no_repository(mine: House, tmp_path: Path) -> None:
    ended = end(mine.start("task", "start", "Mend add", cwd=tmp_path))
    assert ended.code == 2
    assert "is in no git repository; run `git init` there" in ended.sentence


def test_the_whole_stack_is_killed_in_between(mine: House, top: Path, oneshot: Oneshot) -> None:
    before = set(created(mine))
    assert oneshot("start", "Mend add").code == 0
    until(lambda: mine.stack.ready(), 60)
    stack = [process for process in psutil.process_iter() if _is_of(process, mine)]
    assert stack
    for process in stack:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(stack, timeout=20)
    mend(top)
    assert oneshot("end", "--summary", "Done.").code == 0
    sent = oneshot("send")
    assert sent.code == 0, sent
    until(lambda: set(created(mine)) - before, 60, what=lambda: oneshot("status").out)
    assert len(set(created(mine)) - before) == 1


def _is_of(process: psutil.Process, mine: House) -> bool:
    """Whether it is the supervisor, a service or a delivery of the house."""
    with contextlib.suppress(psutil.Error):
        return any(str(mine.root) in value for value in process.environ().values()) and process.status() != "zombie"
    return False
