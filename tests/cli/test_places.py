"""Where things are."""

import os
import re
import stat
from pathlib import Path

import pytest

from oneshot_cli import places
from oneshot_shared.errors import BadInput, NotReady


def test_the_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ONESHOT_DATA", str(tmp_path / "a" / ".." / "b"))
    assert places.data_folder() == tmp_path / "b"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ONESHOT_DATA", "~/mine")
    assert places.data_folder() == tmp_path / "mine"
    monkeypatch.delenv("ONESHOT_DATA")
    root = places.checkout()
    assert root
    assert places.data_folder() == root / "data"


def test_each_data_folder_has_a_stack_of_its_own(tmp_path: Path) -> None:
    names = {places.owner(tmp_path / name) for name in "abc"}
    assert len(names) == 3
    assert all(re.fullmatch("[0-9a-f]{10}", name) for name in names)


def test_a_data_folder_that_cannot_be_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places.check_data_folder(tmp_path / "new" / "one")
    assert not (tmp_path / "new").exists()
    (tmp_path / "file").touch()
    for below in ("file", "file/below"):
        with pytest.raises(BadInput, match="is a file; set ONESHOT_DATA to a folder"):
            places.check_data_folder(tmp_path / below)
    (tmp_path / "state").mkdir()
    monkeypatch.setattr(os, "access", lambda part, _: part.name != "state")  # root may write everywhere
    with pytest.raises(
        NotReady, match=rf"cannot be written \({tmp_path}/state: permission denied\); set ONESHOT_DATA to .*chown"
    ):
        places.check_data_folder(tmp_path)


def test_the_state_folder_is_the_callers_alone(tmp_path: Path) -> None:
    folder = places.state_folder(tmp_path / "deep" / "d")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o755)
    assert stat.S_IMODE(places.state_folder(tmp_path / "deep" / "d").stat().st_mode) == 0o700
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match=r"the data folder .*/file is a file"):
        places.state_folder(tmp_path / "file")
    if os.getuid() == 0:  # only root can give a folder away
        os.chown(folder, 12345, -1)
        with pytest.raises(NotReady, match=r"state belongs to user 12345, .*; set ONESHOT_DATA to a folder of yours"):
            places.state_folder(tmp_path / "deep" / "d")


def test_the_runtime_folder_outlives_a_logout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ONESHOT_RUNTIME", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    folder = places.runtime_folder(tmp_path / "d")
    assert folder == Path(f"/tmp/oneshot-{os.getuid()}") / places.owner(tmp_path / "d")
    folder.rmdir()


def test_the_runtime_folder_is_the_callers_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ONESHOT_RUNTIME", str(tmp_path))
    folder = places.runtime_folder(tmp_path / "d")
    assert folder == places.runtime_folder(tmp_path / "d")
    for part in (folder, folder.parent):
        assert stat.S_IMODE(part.stat().st_mode) == 0o700
    folder.chmod(0o755)
    with pytest.raises(NotReady, match="must be a folder of yours with mode 0700"):
        places.runtime_folder(tmp_path / "d")
    folder.rmdir()
    folder.symlink_to(tmp_path)
    with pytest.raises(NotReady, match="must be a folder of yours"):
        places.runtime_folder(tmp_path / "d")


def test_a_runtime_folder_of_another_user_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give a folder away")
    monkeypatch.setenv("ONESHOT_RUNTIME", str(tmp_path))
    os.chown(places.runtime_folder(tmp_path / "d"), 12345, -1)
    with pytest.raises(NotReady, match="must be a folder of yours"):
        places.runtime_folder(tmp_path / "d")


def test_a_path_too_long_for_a_socket_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 80)
    deep.mkdir(mode=0o700)
    monkeypatch.setenv("ONESHOT_RUNTIME", str(deep))
    with pytest.raises(NotReady, match="too long for a socket; set ONESHOT_RUNTIME to a shorter one"):
        places.runtime_folder(tmp_path / "d")
    monkeypatch.setenv("ONESHOT_RUNTIME", str(tmp_path / "nothing" / "here"))
    with pytest.raises(NotReady, match=r"cannot make .*No such file or directory"):
        places.runtime_folder(tmp_path / "d")


def test_a_data_folder_of_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONESHOT_DATA", "~nobody-of-this-name/x")
    with pytest.raises(BadInput, match=r"ONESHOT_DATA is '~nobody-of-this-name/x'.*; set it to a folder"):
        places.data_folder()


def test_a_task_by_path_or_slug(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ONESHOT_DATA", str(tmp_path))
    prepared = tmp_path / "tasks" / "prepared" / "hello-world"
    prepared.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert places.find_task("hello-world") == prepared
    assert places.find_task("tasks/prepared/hello-world/") == prepared
    (tmp_path / "hello-world").mkdir()
    assert places.find_task("hello-world") == tmp_path / "hello-world", "a folder that is there comes first"
    with pytest.raises(BadInput, match=r"no task folder at 'helo-world' \(did you mean 'hello-world'\?\)"):
        places.find_task("helo-world")
    with pytest.raises(BadInput, match=r"no task folder at .\.\./prepared/hello-world'"):
        places.find_task("../prepared/hello-world")
    (tmp_path / "tasks" / "created" / "mend-add").mkdir(parents=True)
    with pytest.raises(
        BadInput, match=r"'mend-add' is a created task, in .*; it has to be prepared before it can be run"
    ):
        places.find_task("mend-add")


def test_short(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert places.short(tmp_path / "a" / "b") == "a/b"
    assert places.short(Path("/etc/passwd")) == "/etc/passwd"
