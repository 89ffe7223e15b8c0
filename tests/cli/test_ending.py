"""Exit codes and the one sentence."""

import errno

import pytest

from oneshot_cli import ending
from oneshot_shared.errors import BadInput, NotReady


async def _work(outcome: int | Exception) -> int:
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


@pytest.mark.parametrize(
    ("outcome", "code", "said"),
    [
        (0, 0, ""),
        (1, 1, ""),
        (130, 130, ""),
        (BadInput("bad"), 2, "bad"),
        (NotReady("not yet"), 2, "not yet"),
        (FileNotFoundError("no run 'x'"), 2, "no run 'x'"),
        (FileExistsError("taken"), 2, "taken"),
        (PermissionError(errno.EACCES, "Permission denied", "/root"), 2, "Permission denied: /root"),
        (IsADirectoryError(errno.EISDIR, "Is a directory", "/d"), 2, "Is a directory: /d"),
        (OSError(errno.ENOSPC, "No space left on device", "/d"), 2,
         "No space left on device: /d; free some space or set ONESHOT_DATA to another disk"),
        (ConnectionError("gone"), 3, "the stack does not answer (gone); see `oneshot status`"),
        (TimeoutError(), 3, "the stack does not answer (TimeoutError); see `oneshot status`"),
    ],
)  # fmt: skip
def test_each_outcome(outcome: int | Exception, code: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        ending.start(_work(outcome))
    assert raised.value.code == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == (f"oneshot: {said}\n" if said else "")


def test_a_fault_is_not_swallowed() -> None:
    with pytest.raises(KeyError):
        ending.start(_work(KeyError("ours")))
