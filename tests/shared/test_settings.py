"""Settings from the environment."""

from pathlib import Path

import pytest

from oneshot_shared import settings
from oneshot_shared.errors import BadInput, NotReady
from shared.harness import ToySettings, toy_settings


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    (tmp_path / "token").write_text(" secret \n")
    monkeypatch.setenv("ONESHOT_TOY_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("ONESHOT_TOY_DATA", str(tmp_path))
    return monkeypatch


def test_read_from_the_environment_and_frozen(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.setenv("ONESHOT_TOY_SIZE", "7")
    environment.setenv("ONESHOT_TOY_EXIT_ON_STDIN_EOF", "1")
    environment.setenv("ONESHOT_OTHER_NONSENSE", "another service's")
    loaded = settings.load(ToySettings)
    assert (loaded.size, loaded.data, loaded.exit_on_stdin_eof, loaded.listen) == (7, tmp_path, True, "127.0.0.1:0")
    assert loaded.token() == "secret"
    with pytest.raises(ValueError, match="frozen"):
        loaded.size = 8


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("ONESHOT_TOY_SIZ", "1", "ONESHOT_TOY_SIZ is no setting of this service (did you mean 'ONESHOT_TOY_SIZE'?)"),
        ("ONESHOT_TOY_SIZE", "many", "ONESHOT_TOY_SIZE: Input should be a valid integer"),
        (
            "ONESHOT_TOY_LOG_LEVEL",
            "loud",
            "ONESHOT_TOY_LOG_LEVEL: Input should be 'debug', 'info', 'warning' or 'error'",
        ),
    ],
)
def test_what_is_wrong_is_named(environment: pytest.MonkeyPatch, name: str, value: str, words: str) -> None:
    environment.setenv(name, value)
    with pytest.raises(BadInput) as raised:
        settings.load(ToySettings)
    assert words in str(raised.value)


def test_a_missing_one_is_named(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("ONESHOT_TOY_DATA")
    with pytest.raises(BadInput, match="ONESHOT_TOY_DATA: Field required"):
        settings.load(ToySettings)


def test_no_token_is_no_open_door() -> None:
    with toy_settings() as made:
        made.token_file.write_text(" \n")
        with pytest.raises(NotReady, match=r"token file .* is empty"):
            made.token()
        made.token_file.unlink()
        with pytest.raises(NotReady, match="No such file or directory"):
            made.token()
