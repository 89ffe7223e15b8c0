"""The control that must fail."""

from pathlib import Path

from orchestrator.harness import FAIL, Stack


async def test_it_leaves_the_tree_as_it_is(stack: Stack, hello: Path) -> None:
    run = await stack.run(hello, "nop")
    assert run.grade.verdict == FAIL
    assert stack.file("artifacts/diff.patch") == ""
    assert {test.outcome for test in run.grade.tests if test.group == "pass_to_pass"} == {"passed"}
