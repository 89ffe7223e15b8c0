"""What OneShot knows of repositories lies in the user's state folder."""

from pathlib import Path

import platformdirs

from oneshot_cli.repository import state


def test_the_variable_outweighs_the_users_own(tmp_path: Path) -> None:
    assert state.folder({}) == platformdirs.user_state_path("oneshot")
    assert state.folder({"ONESHOT_STATE": str(tmp_path)}) == tmp_path
    assert state.folder({"ONESHOT_STATE": "here"}) == Path.cwd() / "here"


def test_each_working_tree_has_its_own_list() -> None:
    one = state.exclude_file(Path("/state"), Path("/a"))
    assert one == Path("/state/repositories/6a50dc8584134c7d/exclude")
    assert one != state.exclude_file(Path("/state"), Path("/b"))
