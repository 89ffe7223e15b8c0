"""The base is one fresh commit: whoever searches it, by whatever means, finds no line that only the answer has.

The person's repository holds the answer wherever git can hide one: history, stash, reflog, other branches, tags, notes, the
index, ignored files, and unreachable objects.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

from capture.harness import House
from oneshot.capture.v1 import capture_pb2 as pb
from oneshot_shared.git import Git

ANSWER = "the-answer-is-7f3a"
HELLO = Path(__file__).parents[2] / "data" / "tasks" / "prepared" / "hello-world"


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> str:
    """Plain git, as a person has it."""
    env = {"PATH": os.environ["PATH"], "HOME": str(folder.parent), "GIT_CONFIG_NOSYSTEM": "1"}
    me = ("-c", "user.name=me", "-c", "user.email=me@localhost", "-c", "init.defaultBranch=main")
    ended = subprocess.run(["git", *me, *arguments], cwd=folder, env=env, input=stdin, capture_output=True, check=True)
    return ended.stdout.decode(errors="replace")


def person(folder: Path) -> Path:
    """A working tree without the answer, in a repository full of it."""
    folder.mkdir()
    git(folder, "init", "-q")
    source = folder / "calc.py"
    source.write_text("def add(a, b):\n    return a - b\n")
    (folder / ".gitignore").write_text("ignored/\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "begin")
    source.write_text(f"def add(a, b):\n    return a + b  # {ANSWER}\n")
    git(folder, "commit", "-qam", f"solve: {ANSWER}")
    git(folder, "tag", "-am", ANSWER, "solved")
    git(folder, "notes", "add", "-m", ANSWER)
    git(folder, "branch", "solution")
    git(folder, "reset", "-q", "--hard", "HEAD~1")
    source.write_text(f"# {ANSWER}\n")
    git(folder, "stash", "-q")
    git(folder, "hash-object", "-w", "--stdin", stdin=ANSWER.encode())
    source.write_text(f"# staged {ANSWER}\n")
    git(folder, "add", "-A")
    source.write_text("def add(a, b):\n    return a - b\n")  # staged, and not in the tree
    (folder / "ignored").mkdir()
    (folder / "ignored" / "answer.txt").write_text(ANSWER)
    (folder / ".git" / "description").write_text(ANSWER)
    return folder


async def snapshot(place: Git, tree: Path) -> str:
    """The tree as it lies there, without what is ignored."""
    await place("add", "-A", ".", work_tree=tree)
    return (await place("write-tree")).decode().strip()


def committed(repo: Path) -> Path:
    """As the Dockerfiles that ship do it."""
    dockerfile = (HELLO / "environment" / "Dockerfile").read_text()
    script = re.search(r"^RUN (git init .*?[^\\])$", dockerfile, re.DOTALL | re.MULTILINE)
    assert script
    env = {"PATH": os.environ["PATH"], "HOME": str(repo.parent), "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["sh", "-ec", script[1].replace("\\\n", "")], cwd=repo, env=env, check=True)
    return repo


async def test_no_search_of_the_base_finds_the_answer(house: House, tmp_path: Path) -> None:
    tree = person(tmp_path / "person")
    assert ANSWER in git(tree, "log", "--all", "-p", "--reflog")
    place = Git(tmp_path / "place", tmp_path / "index")
    place.folder.mkdir()
    await place.init()
    (place.folder / "objects" / "info" / "alternates").write_text(f"{tree / '.git' / 'objects'}\n")
    shutil.copyfile(tree / ".git" / "index", tmp_path / "index")  # a private index begins as the person's
    base = await snapshot(place, tree)
    (tree / "calc.py").write_text(f"def add(a, b):\n    return a + b  # {ANSWER}\n")
    end = await snapshot(place, tree)
    pack = await place("pack-objects", "-q", "--revs", "--stdout", stdin=f"{base}\n{end}\n".encode())
    await house.start(base_tree=base)
    task = await house.end(base_tree=base, end_tree=end, pack=pack)
    assert task.state == pb.TASK_STATE_ENDED
    environment = house.created / task.folder / "environment"
    assert ANSWER in (environment.parent / "solution" / "solution.patch").read_text()
    repo = committed(Path(shutil.copytree(environment, tmp_path / "image", symlinks=True)) / "repo")
    assert [path.name for path in environment.iterdir()] == ["repo"]
    assert sorted(path.name for path in repo.iterdir()) == [".git", ".gitignore", "calc.py"]

    assert git(repo, "rev-list", "--all", "--count").strip() == "1"
    assert git(repo, "for-each-ref", "--format=%(refname)").split() == ["refs/heads/main"]
    assert git(repo, "stash", "list") + git(repo, "remote") + git(repo, "notes", "list") == ""
    searches = [
        git(repo, "log", "--all", "-p", "--reflog"),
        git(repo, "reflog", "--all"),
        git(repo, "cat-file", "--batch-all-objects", "--batch", "--unordered"),
        git(repo, "fsck", "--full", "--unreachable", "--no-progress"),
        git(repo, "ls-files", "--stage"),
    ]
    everything = [path.read_bytes() for path in environment.parent.glob("environment/**/*") if path.is_file()]
    everything += [path.read_bytes() for path in repo.rglob("*") if path.is_file()]
    found = [text for text in (*(search.encode() for search in searches), *everything) if ANSWER.encode() in text]
    assert found == []
