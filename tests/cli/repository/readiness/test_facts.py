"""What is found out once."""

import os
import subprocess
from pathlib import Path

from cli.repository.readiness.repo import Repo
from oneshot_cli.repository.readiness.facts import git_words, read_head


async def test_head(repo: Repo) -> None:
    first = repo.git("rev-parse", "HEAD")
    head = (await repo.facts()).head
    assert (head.commit, head.branch, head.staged, head.changed) == (first, "main", 0, ())
    repo.write("README.md", "changed\n")
    repo.write("with space", "x")
    repo.git("add", "with space")
    repo.git("checkout", "-q", "-b", "caf\udce9")
    head = (await repo.facts()).head
    assert (head.branch, head.staged, head.changed) == ("caf\udce9", 1, (b"README.md",))
    repo.git("checkout", "-q", "--detach")
    assert (await repo.facts()).head.branch == ""


async def test_our_list_holds_for_tracked_files_too(repo: Repo) -> None:
    repo.commit("data/big.bin")
    repo.write("data/new.bin")
    exclude = (await repo.facts()).exclude
    exclude.parent.mkdir(parents=True)
    exclude.write_bytes(b"# caf\xe9\n\n/data/\n")
    facts = await repo.facts()
    assert facts.excluded == ("/data/",)
    assert (facts.index.files, facts.index.untracked) == ([b"README.md"], [])


async def test_the_persons_ignore_files_hold(repo: Repo, tmp_path: Path) -> None:
    (tmp_path / "ignore").write_text("*.log\n")
    repo.git("config", "core.excludesFile", str(tmp_path / "ignore"))
    (repo.top / ".git" / "info" / "exclude").write_text("*.tmp\n")
    for name in ("a.log", "a.tmp", "a.txt"):
        repo.write(name)
    assert (await repo.facts()).index.untracked == [b"a.txt"]


async def test_the_head_of_a_file(repo: Repo) -> None:
    (repo.top / "link").symlink_to("README.md")
    os.mkfifo(repo.top / "pipe")
    assert read_head(repo.top, b"README.md", 3) == b"# H"
    assert read_head(repo.top, b"link", 3) == read_head(repo.top, b"none", 3) == b""
    assert read_head(repo.top, b"pipe", 3) == read_head(repo.top, b".git", 3) == b"", "and it does not wait"


def test_what_git_said() -> None:
    assert git_words(subprocess.CalledProcessError(128, "git", stderr="warning: a\nfatal: b\n")) == "fatal: b"
    assert git_words(subprocess.CalledProcessError(-9, "git", stderr="")) == "it ended with -9"
