"""The suite itself: it has its size, its names are sentences, and its gaps are real."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from orchestrator.backends import contract
from orchestrator.backends.contract import test_docker, test_local

GAPS = pytest.mark.parametrize("gaps", [test_docker.GAPS, test_local.GAPS], ids=["docker", "local"])


def test_the_contract_is_complete() -> None:
    names = [check.name for check in contract.CHECKS]
    assert len(names) >= 80
    assert len(set(names)) == len(names)
    assert not [name for name in names if name.count("_") < 2]


@GAPS
def test_every_gap_is_a_check_and_has_a_reason(gaps: contract.Gaps) -> None:
    assert contract.unknown(gaps) == []
    assert not [name for name, reason in gaps.items() if len(reason.split()) < 5]
    assert contract.unknown({"no_such_check": "because"}) == ["no_such_check"]


async def _held(outcome: BaseException | None, gaps: contract.Gaps) -> None:
    async def run(_: contract.Bench) -> None:
        if outcome:
            raise outcome

    bench: Any = SimpleNamespace(backend=SimpleNamespace(name="toy"))
    await contract.hold(bench, contract.Check("it_works", run), gaps)


async def test_a_gap_must_be_real() -> None:
    await _held(None, {})
    with pytest.raises(AssertionError, match="broken"):
        await _held(AssertionError("broken"), {})
    with pytest.raises(pytest.xfail.Exception, match="because"):
        await _held(AssertionError("broken"), {"it_works": "because"})
    with pytest.raises(pytest.fail.Exception, match="it_works is no gap: toy passes it"):
        await _held(None, {"it_works": "because"})
    with pytest.raises(OSError, match="no engine"):  # that proves nothing
        await _held(OSError("no engine"), {"it_works": "because"})


def test_every_file_has_its_line_in_the_readme() -> None:
    folder = Path(__file__).parent
    readme = (folder / "README.md").read_text()
    assert [file.name for file in sorted(folder.glob("[a-z]*.py")) if f"`{file.name}`" not in readme] == []
