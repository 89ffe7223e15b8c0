"""The control that must pass."""

import shutil
import subprocess
from pathlib import Path

import pytest

from orchestrator import harness, trees
from orchestrator.harness import PASS, Stack
from orchestrator.trees import apply


async def test_it_applies_the_patch_and_not_the_script(stack: Stack, hello: Path) -> None:
    (hello / "solution" / "solve.sh").write_text("#!/bin/sh\nexit 9\n")
    assert (await stack.run(hello, "oracle")).grade.verdict == PASS


async def test_a_reference_may_swap_files_folders_and_links(
    stack: Stack, hello: Path, backend: str, tmp_path: Path
) -> None:
    base = hello / "environment" / "repo"
    new: trees.Tree = {
        b"src": ("link", b"lib"),
        b"lib/\xff\n.py": ("exec", b"\0\r\n"),
        b"pyproject.toml/now a folder/x": ("file", b""),
        b"tests/test_greet.py": ("link", b"../README.md"),
    }
    end = {
        name: entry for name, entry in trees.read(base).items() if not name.startswith((b"src/", b"pyproject"))
    } | new
    del end[b".gitignore"]
    (hello / "solution" / "solution.patch").write_bytes(difference(base, end, tmp_path / "made"))
    await stack.run(hello, "oracle", backend)
    patched = shutil.copytree(base, tmp_path / "patched", symlinks=True)
    apply((stack.data / "runs" / "run-1" / "artifacts" / "diff.patch").read_bytes(), patched)
    assert trees.read(patched) == end


def difference(base: Path, end: trees.Tree, place: Path) -> bytes:
    """What an author's git says."""
    shutil.copytree(base, place, symlinks=True)
    for command in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "base"],
    ):
        subprocess.run(["git", *command], cwd=place, check=True)
    for path in place.iterdir():
        if path.name != ".git":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    trees.write(end, place)
    subprocess.run(["git", "add", "-A", "--force"], cwd=place, check=True)
    command = ["git", "diff", "--cached", "--binary", "--no-renames", "HEAD"]
    return subprocess.run(command, cwd=place, check=True, capture_output=True).stdout


@pytest.mark.docker
async def test_what_cannot_be_deleted_as_the_agent_is_the_tasks_fault_and_said(stack: Stack, hello: Path) -> None:
    gone = (hello / "environment" / "repo" / ".gitignore").read_text().splitlines()
    head = f"diff --git a/.gitignore b/.gitignore\ndeleted file mode 100644\n--- a/.gitignore\n+++ /dev/null\n@@ -1,{len(gone)} +0,0 @@\n"
    with (hello / "solution" / "solution.patch").open("a") as patch:
        patch.write(head + "".join(f"-{line}\n" for line in gone))
    with (hello / "environment" / "Dockerfile").open("a") as dockerfile:
        dockerfile.write("USER root\nRUN chown root /app && chmod 755 /app\nUSER agent\n")
    run = await stack.run(hello, "oracle", "docker")
    assert (run.grade.verdict, run.grade.blame) == (harness.INVALID, harness.TASK)
    assert "what the reference deletes cannot be removed as the agent: " in run.grade.reason
    assert "Permission denied; mend the task's image" in run.grade.reason
