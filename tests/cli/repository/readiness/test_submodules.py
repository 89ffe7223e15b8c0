"""How each submodule stands; test_nested.py has the states that are told."""

from pathlib import Path

import pytest

from cli.repository.readiness.repo import Repo
from oneshot_cli.repository.readiness import submodules
from oneshot_cli.repository.readiness.submodules import Submodule


@pytest.fixture
def added(repo: Repo, tmp_path: Path) -> Path:
    """A submodule at `lib`."""
    source = tmp_path / "source"
    source.mkdir()
    repo.git("init", "-q", "-b", "main", at=source)
    repo.git("commit", "-qm", "1", "--allow-empty", at=source)
    repo.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(source), "lib")
    return repo.top / "lib"


async def test_only_so_many_are_looked_at_closely(repo: Repo, added: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await repo.facts()).submodules == (Submodule(b"lib", "clean"),)
    monkeypatch.setattr(submodules, "MOST_LOOKED_AT", 0)
    assert (await repo.facts()).submodules == (Submodule(b"lib", "unknown"),)


async def test_no_filter_or_monitor_of_its_own_is_run(repo: Repo, added: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    for key in ("core.fsmonitor", "filter.x.clean"):
        repo.git("config", key, f"touch {mark}; cat", at=added)
    (added / ".gitattributes").write_text("* filter=x\n")
    repo.git("-c", "filter.x.clean=cat", "-c", "core.fsmonitor=false", "add", "-A", at=added)
    repo.git("-c", "core.fsmonitor=false", "commit", "-qm", "2", at=added)
    (added / ".gitattributes").touch()
    mark.unlink(missing_ok=True)
    assert (await repo.facts()).submodules == (Submodule(b"lib", "moved"),)
    assert not mark.exists()


async def test_what_cannot_be_read_is_unknown(repo: Repo, added: Path) -> None:
    (added / ".git").write_text("gitdir: /nowhere\n")
    found = (await repo.facts()).submodules
    assert found == (Submodule(b"lib", "unknown"),)
