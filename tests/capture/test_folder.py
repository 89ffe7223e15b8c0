"""The created task: base + solution.patch + tests.patch = end, byte for byte, and every file in its place."""

import asyncio
import json
import os
import re
import tempfile
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import assume, given, settings

from capture import harness
from capture.harness import BASE, END, House
from oneshot_shared import strict
from oneshot_shared.errors import BadInput
from oneshot_shared.task import Rubric
from orchestrator import trees
from orchestrator.trees import Tree

EXAMPLES = 200 if os.environ.get("ONESHOT_SOAK") else 25


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


async def test_every_file_in_its_place(house: House) -> None:
    started = await house.start(notes="for Zoë", labels=["calc", "bug"], session_id="s-1", instructions="Sum up.\n")
    linking = {"session_id": "s-2", "thread_id": "th", "begin_call_id": "c1", "end_call_id": "c2", "repository": "/r"}
    task = await house.end(summary="It subtracted.", labels=["bug", "py"], **linking)
    folder = house.created / task.folder
    assert files(folder) == [
        "environment/repo/README",
        "environment/repo/src/calc.py",
        "instruction.md",
        "oneshot/candidates.json",
        "oneshot/origin.json",
        "oneshot/rubric.toml",
        "solution/solution.patch",
        "solution/solve.sh",
        "tests/files/tests/test_calc.py",
        "tests/tests.patch",
    ]
    assert re.fullmatch(r"add-numbers_\d{8}_\d{6}", task.folder)
    stamp = datetime.fromisoformat(task.ended_at).strftime("%Y%m%d_%H%M%S")
    assert task.folder.endswith(stamp)
    assert (folder / "instruction.md").read_text() == "Sum up.\n"
    assert b"test_calc" not in (folder / "solution" / "solution.patch").read_bytes()
    assert b"calc.py" not in (folder / "tests" / "tests.patch").read_bytes().replace(b"test_calc.py", b"")
    assert trees.read(folder / "tests" / "files") == {b"tests/test_calc.py": END[b"tests/test_calc.py"]}
    assert os.access(folder / "solution" / "solve.sh", os.X_OK)
    assert json.loads((folder / "oneshot" / "origin.json").read_text()) == {
        "task_id": "t1",
        "title": "Add numbers",
        "notes": "for Zoë",
        "labels": ["calc", "bug", "py"],
        **linking,
        "summary": "It subtracted.",
        "base_tree": started.start.base_tree,
        "end_tree": await house.repository.tree(END),
        "started_at": started.started_at,
        "ended_at": task.ended_at,
        "remarks": [
            "there is no reference cassette, and no trajectory: this service has no proxy to ask",
        ],
    }
    candidates = json.loads((folder / "oneshot" / "candidates.json").read_text())
    assert candidates == {"fail_to_pass": ["tests/test_calc.py::test_add"], "pass_to_pass": []}
    assert (task.counts.base_files, task.counts.source_files, task.counts.test_files) == (2, 1, 1)


async def test_words_given_at_the_end_outweigh_those_of_the_start(house: House) -> None:
    rubric = b'[[criterion]]\nid = "all"\nweight = 1\ndescription = "Done."\ndecided_by = "judge"\n'
    await house.start(instructions="Old.")
    folder = house.created / (await house.end(instructions="New.", rubric_toml=rubric)).folder
    assert (folder / "instruction.md").read_text() == "New.\n"
    assert (folder / "oneshot" / "rubric.toml").read_bytes() == rubric


async def test_without_instructions_the_title_must_do(house: House) -> None:
    folder = await house.both(BASE, END)
    assert (folder / "instruction.md").read_text() == "Add numbers\n"


async def test_the_default_rubric_lets_tests_decide_where_there_are_any(house: House) -> None:
    deciding = []
    for task_id, end in (("with", END), ("without", {**BASE, b"README": ("file", b"new\n")})):
        folder = await house.both(BASE, end, task_id)
        rubric = strict.parse(Rubric, (folder / "oneshot" / "rubric.toml").read_bytes(), "rubric.toml")
        assert [(each.id, each.weight) for each in rubric.criterion] == [
            ("task_completion", 0.4),
            ("code_quality", 0.3),
            ("testing", 0.3),
        ]
        deciding.append([each.decided_by for each in rubric.criterion])
        assert (folder / "tests").exists() is (task_id == "with")
    assert deciding == [["tests", "judge", "tests"], ["judge", "judge", "judge"]]


async def test_named_tests_are_tests_and_nothing_else_is(house: House) -> None:
    end: Tree = {**END, b"checks/one.sh": ("exec", b"true\n"), b"checks/two.sh": ("exec", b"true\n")}
    folder = await house.both(BASE, end, test_paths=["checks/"])
    assert files(folder / "tests" / "files") == ["checks/one.sh", "checks/two.sh"]
    assert b"tests/test_calc.py" in (folder / "solution" / "solution.patch").read_bytes()


async def test_a_named_test_that_is_not_there(house: House) -> None:
    with pytest.raises(BadInput, match=r"'tests/test_cal\.py' is neither .*did you mean 'tests/test_calc\.py'"):
        await house.both(BASE, END, test_paths=["tests/test_cal.py"])


async def test_where_only_tests_change_they_are_the_solution(house: House) -> None:
    folder = await house.both(BASE, {**BASE, b"tests/test_calc.py": ("file", b"x\n")})
    assert b"tests/test_calc.py" in (folder / "solution" / "solution.patch").read_bytes()
    assert not (folder / "tests").exists()
    assert (await house.status()).remarks == [
        "only tests were changed: they are the solution, and there are none to find it by",
        harness.NO_RECORD,
    ]


async def test_a_rubric_that_asks_for_tests_where_there_are_none_is_remarked(house: House) -> None:
    rubric = b'[[criterion]]\nid = "all"\nweight = 1\ndescription = "Done."\ndecided_by = "tests"\n'
    await house.both(BASE, {**BASE, b"README": ("file", b"new\n")}, rubric_toml=rubric)
    assert (await house.status()).remarks[0].startswith("criterion 'all' is decided by tests, and the change has none")


async def test_links_that_lead_out_are_left_out_and_remarked(house: House) -> None:
    base: Tree = {**BASE, b"out": ("link", b"/etc/passwd"), b"src/up": ("link", b"../../x"), b"in": ("link", b"README")}
    end: Tree = {**END, b"out": ("file", b"now a file\n"), b"in": ("link", b"src/calc.py")}
    folder = await house.both(base, end)
    assert trees.read(folder / "environment" / "repo") == harness.fits(base)
    assert harness.apply_all(folder, house.data / "again") == end
    remarks = (await house.status()).remarks
    assert remarks == [
        "'out' was left out: it is a link that leads out of the tree",
        "'src/up' was left out: it is a link that leads out of the tree",
        harness.NO_RECORD,
    ]
    assert json.loads((folder / "oneshot" / "origin.json").read_text())["remarks"] == remarks


async def test_many_remarks_are_cut(house: House) -> None:
    base: Tree = {b"a": ("file", b""), **{b"l%d" % number: ("link", b"/x") for number in range(30)}}
    await house.both(base, {b"a": ("file", b"1")})
    remarks = (await house.status()).remarks
    assert len(remarks) == 22
    assert remarks[-2:] == ["10 more were left out", harness.NO_RECORD]


async def test_a_change_of_nothing_but_what_is_left_out(house: House) -> None:
    with pytest.raises(BadInput, match="base and end differ in nothing that a task can hold"):
        await house.both(BASE, {**BASE, b"out": ("link", b"/x")})


LARGE = bytes(range(256)) * 4096


@pytest.mark.parametrize(
    ("base", "end"),
    [
        ({b"a": ("file", LARGE)}, {b"b": ("file", LARGE)}),
        ({b"a": ("file", b"x\0y")}, {b"a": ("exec", b"x\0z")}),
        (
            {b"a": ("file", b"1\r\n2\n")},
            {b"a": ("file", b"1\n2\r\n"), b".gitattributes": ("file", b"* text eol=crlf\n")},
        ),
        ({b"caf\xe9": ("file", b"1")}, {b"caf\xe9": ("file", b"2"), b"\xff/test_\xfe.py": ("file", b"3")}),
        ({b"a/b": ("link", b"../c")}, {b"a": ("file", b""), b"c/test_x.py": ("link", b"../a")}),
        ({b"tests/a": ("file", b"1\n"), b"x": ("file", b"1\n")}, {b"tests": ("file", b"2\n"), b"x": ("file", b"1\n")}),
        ({b"tests": ("file", b"1\n")}, {b"tests/test_a.py": ("file", b"2\n")}),
        ({}, {b"a": ("file", b"")}),
        ({b"a": ("file", b""), b"tests/b": ("file", b"")}, {}),
        ({b".gitattributes": ("link", b"x"), b"x": ("file", b"* text\n")}, {b"y/.gitignore": ("link", b"../x")}),
        ({b".gitmodules": ("file", b"[submodule]\n")}, {b"sub/.gitignore": ("file", b"*\n"), b"sub/x": ("file", b"")}),
    ],
)
async def test_odd_changes(house: House, base: Tree, end: Tree) -> None:
    folder = await house.both(base, end)
    assert trees.read(folder / "environment" / "repo") == base
    assert harness.apply_all(folder, house.data / "again") == end


async def both_ways(base: Tree, end: Tree, folder: Path) -> None:
    async with harness.house(folder) as house:
        made = await house.both(base, end)
        assert trees.read(made / "environment" / "repo") == harness.fits(base)
        assert harness.apply_all(made, folder / "again") == harness.fits(end)
        hidden = trees.read(made / "tests" / "files") if (made / "tests").exists() else {}
        assert hidden.items() <= harness.fits(end).items()


@settings(max_examples=EXAMPLES)
@given(trees.pairs())
def test_base_and_both_patches_give_the_end_byte_for_byte(pair: tuple[Tree, Tree]) -> None:
    base, end = map(harness.fits, pair)
    assume(base != end)
    with tempfile.TemporaryDirectory(prefix="capture-") as folder:
        assume(not trees.loops(trees.write(base, Path(folder) / "base")))
        asyncio.run(both_ways(*pair, Path(folder)))
