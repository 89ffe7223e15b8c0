"""The three places of the proxy benchmarks: what cannot be started is said; that they start is what the benchmarks' own tests show."""

from pathlib import Path

import pytest

from benchmarks import programs
from oneshot_shared.errors import NotReady


async def test_without_mitmdump_there_is_no_floor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(programs.FOLDER))
    import proxied

    monkeypatch.setattr(proxied, "_BIN", tmp_path)
    with pytest.raises(NotReady, match=f"there is no mitmdump in {tmp_path}"):
        async with proxied.places():
            pass
