"""From what was said at the end to the ending."""

import pytest

from cli.pairing.harness import BROKEN, TEST, Person
from oneshot_cli.pairing.endings import Words
from oneshot_shared.errors import BadInput

ANSWER = "return sum((a, b), start=0)"


def words(**given: object) -> Words:
    plain: dict[str, object] = {"summary": "s", "instructions": "", "rubric": (), "tests": (), "labels": ()}
    return Words(**plain | given)  # type: ignore[arg-type]


def test_a_repeat_is_known_by_its_words() -> None:
    assert words().digest == words().digest
    others = [words(summary="t"), words(instructions="i"), words(labels=("l",)), words(tests=("a.py::b",))]
    assert len({each.digest for each in (words(), *others)}) == 5


async def test_nothing_was_done(alone: Person) -> None:
    await alone.start()
    with pytest.raises(BadInput, match=r"nothing has changed in .* do the work first, or abort the task"):
        await alone.end()
    (alone.top / ".git" / "info" / "exclude").write_text("ignored\n")
    (alone.top / "ignored").write_text("x")
    with pytest.raises(BadInput, match="nothing has changed"):
        await alone.end()


async def test_a_test_by_value_alone_is_no_work(alone: Person) -> None:
    await alone.start()
    given = [{"path": "tests/test_calc.py", "content": TEST}]
    with pytest.raises(BadInput, match="nothing has changed"):
        await alone.end(tests=given)
    alone.mend()
    (alone.top / "tests" / "test_calc.py").unlink()
    await alone.end(tests=given)
    assert not (alone.top / "tests" / "test_calc.py").exists(), "it is laid over the end tree alone"


async def test_an_instruction_that_gives_the_answer_away_is_told(alone: Person) -> None:
    await alone.start()
    (alone.top / "calc.py").write_text(BROKEN.replace("return a - b", ANSWER))
    told = await alone.end(instructions=f"Make it so that add says:\n    {ANSWER}\n")
    assert ANSWER in told.text
    assert alone.work.ending
    assert len(alone.work.ending.remarks) == 1


async def test_the_start_s_instruction_is_looked_at_too(alone: Person) -> None:
    await alone.start(instructions=f"The last line must become `{ANSWER}`, whatever it takes.")
    (alone.top / "calc.py").write_text(BROKEN.replace("return a - b", ANSWER))
    assert ANSWER in (await alone.end()).text


async def test_a_named_test_must_be_there(alone: Person) -> None:
    await alone.start()
    alone.mend()
    with pytest.raises(BadInput, match=r"tests/test_clac\.py"):
        await alone.end(tests=[{"path": "tests/test_clac.py"}])
    await alone.end(tests=[{"path": str(alone.top / "tests" / "test_calc.py")}])
    assert alone.work.state == "ended"
