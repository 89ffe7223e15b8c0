"""Tasks by content."""

import asyncio
import io
import shutil
import tarfile
from pathlib import Path

import pytest

from oneshot_orchestrator.tasks import TaskStore
from oneshot_shared import archive
from oneshot_shared.errors import BadInput
from orchestrator import harness


def packed(folder: Path) -> io.BytesIO:
    return io.BytesIO(b"".join(archive.pack(folder)))


async def test_a_task_comes_back_by_its_digest_and_twice_is_once(tmp_path: Path) -> None:
    store = TaskStore(tmp_path / "tasks")
    folder = harness.task(tmp_path)
    digest = await store.put("hello", packed(folder))
    assert digest == await store.put("hello", packed(folder))
    assert store.get(digest).slug == "hello"
    assert store.get(digest).instruction == (folder / "instruction.md").read_text()
    assert [home.name for home in (tmp_path / "tasks").iterdir()] == [digest.removeprefix("sha256:")]
    assert archive.digest(tmp_path / "tasks" / digest.removeprefix("sha256:")) == digest


async def test_the_name_is_part_of_a_task(tmp_path: Path) -> None:
    store = TaskStore(tmp_path / "tasks")
    folder = harness.task(tmp_path)
    digests = [await store.put(slug, packed(folder)) for slug in ("hello", "zz-mine", "a-copy")]
    assert [store.get(digest).slug for digest in digests] == ["hello", "zz-mine", "a-copy"]


async def test_put_many_times_at_once(tmp_path: Path) -> None:
    store = TaskStore(tmp_path / "tasks")
    folder = harness.task(tmp_path)
    digests = await asyncio.gather(*(store.put("hello", packed(folder)) for _ in range(12)))
    assert len(set(digests)) == 1
    assert len(list((tmp_path / "tasks").iterdir())) == 1


async def test_a_refused_task_leaves_nothing(tmp_path: Path) -> None:
    store = TaskStore(tmp_path / "tasks")
    folder = harness.task(tmp_path)
    (folder / "task.toml").write_text("[agnt]\n")
    with pytest.raises(BadInput, match=r"unknown key 'agnt' \(did you mean 'agent'"):
        await store.put("hello", packed(folder))
    with pytest.raises(BadInput, match=r"'\.\./x' is no slug"):
        await store.put("../x", packed(folder))
    with pytest.raises(BadInput, match="cannot be read"):
        await store.put("hello", io.BytesIO(b"no tar"))
    shutil.rmtree(folder / "oneshot")
    with tarfile.open(folder / "out.tar", "w") as tar:
        member = tarfile.TarInfo("../../out")
        tar.addfile(member)
    with pytest.raises(BadInput, match=r"\.\./\.\./out"), (folder / "out.tar").open("rb") as tar_file:
        await store.put("hello", tar_file)
    assert list((tmp_path / "tasks").iterdir()) == []


@pytest.mark.parametrize("digest", ["", "sha256:", "sha256:..", "sha256:" + "0" * 64, "../" + "0" * 64])
def test_an_unknown_digest(tmp_path: Path, digest: str) -> None:
    with pytest.raises(FileNotFoundError, match="send its folder with PutTask first"):
        TaskStore(tmp_path / "tasks").get(digest)


def test_what_a_killed_process_left_half_taken_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".new-x" / "hello").mkdir(parents=True)
    TaskStore(tmp_path)
    assert list(tmp_path.iterdir()) == []
