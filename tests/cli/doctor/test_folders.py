"""The folders, looked at without making them."""

from pathlib import Path

from cli.doctor.conftest import Make
from oneshot_cli.doctor import folders


def test_what_is_yet_to_be_made_is_fine(make: Make, place: Path) -> None:
    machine = make()
    for check in (folders.data_folder, folders.disk, folders.runtime_folder):
        assert check(machine).state == "ok"
    assert "made at the first start" in folders.data_folder(machine).found
    assert "made at the first start" in folders.runtime_folder(machine).found
    assert not (place / "d").exists()
    assert not list((place / "r").iterdir())


def test_a_file_in_the_way(make: Make, place: Path) -> None:
    (place / "d").touch()
    check = folders.data_folder(make())
    assert (check.state, check.mend) == ("fail", "set ONESHOT_DATA to a folder")
    assert folders.disk(make()).state == "ok", "the folder that it is in"


def test_no_place_for_sockets(make: Make, place: Path) -> None:
    check = folders.runtime_folder(make(ONESHOT_RUNTIME=str(place / "none" / "here")))
    assert (check.state, check.mend) == ("fail", "set ONESHOT_RUNTIME to a folder of yours")
    assert "No such file or directory" in check.found
