"""oneshot task check: as the core says, on a repository of the person's."""

import subprocess
from pathlib import Path

import pytest

from cli.harness import House, end


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """One with a commit, an author and a folder that a tool made."""
    git = ["git", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "-q"], check=True)
    for key in ("user.name", "user.email"):
        subprocess.run([*git, "config", key, "a@example.org"], check=True)
    subprocess.run([*git, "commit", "-qm", "1", "--allow-empty"], check=True)
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "a.js").touch()
    return tmp_path


def test_check_and_fix(house: House, repo: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    state = str(tmp_path_factory.mktemp("state"))
    found = house("task", "check", str(repo), "--json", ONESHOT_STATE=state)
    assert (found.code, found.err) == (0, "")
    assert (found.json["ready"], found.json["mended"]) == (True, [])
    assert [(each["check"], each["mendable"]) for each in found.json["findings"]] == [
        ("made by tools", True),
        ("dirty tree", False),
    ]
    fixed = house("task", "check", "--fix", str(repo), ONESHOT_STATE=state)
    assert fixed.code == 0
    assert fixed.out.startswith("✓ made by tools: 'node_modules/' left out of this repository's tasks, by ")
    assert fixed.out.splitlines()[-1] == "Ready: a task can be started here (1 note)"
    again = house("task", "check", "--fix", "--json", str(repo), ONESHOT_STATE=state)
    assert (again.json["mended"], [each["check"] for each in again.json["findings"]]) == ([], ["left out"])


def test_the_current_folder_is_meant(house: House, repo: Path) -> None:
    ended = end(house.start("task", "check", cwd=repo))
    assert ended.code == 0
    assert "! made by tools: 1 untracked file" in ended.out


def test_no_base(house: House, repo: Path) -> None:
    (repo / ".git" / "MERGE_HEAD").write_text("0" * 40 + "\n")
    ended = house("task", "check", str(repo))
    assert ended.code == 2
    assert ended.out.startswith("✗ merge: a merge is under way")
    assert ended.out.splitlines()[-1].startswith("Not ready: 1 blocker")
    nowhere = house("task", "check", "--fix", "--json", "/nonexistent")
    assert nowhere.code == 2
    assert [each["check"] for each in nowhere.json["findings"]] == ["repository"]
