"""A run's sentence, in two parts."""

import pytest

from oneshot_cli.doctor.check import Check, ok, refused, skip
from oneshot_shared.errors import BadInput, NotReady


@pytest.mark.parametrize(
    ("error", "found", "mend"),
    [
        (NotReady("no x at y; do z; or w"), "no x at y", "do z; or w"),
        (BadInput("no token for h: set T to a file (it is '')"), "no token for h", "set T to a file (it is '')"),
        (PermissionError("nothing to do"), "nothing to do", ""),
    ],
)
def test_refused(error: Exception, found: str, mend: str) -> None:
    assert refused("n", error) == Check("n", "fail", found, mend)
    assert refused("n", error, "warn").state == "warn"


def test_the_others() -> None:
    assert (ok("n", "f").state, skip("n", "w").state) == ("ok", "skip")
