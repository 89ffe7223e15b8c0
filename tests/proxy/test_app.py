"""The proxy put together."""

import logging
from pathlib import Path

import pytest

from oneshot_proxy.redact import LogFilter
from oneshot_shared.errors import NotReady
from proxy import harness


async def test_a_broken_store_ends_the_start_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "data" / "state").mkdir(parents=True)
    (tmp_path / "data" / "state" / "proxy.sqlite").write_text("no database, but long enough to be looked at" * 99)
    with pytest.raises(NotReady, match=r"proxy.sqlite cannot be opened \(file is not a database\)"):
        async with harness.proxy(tmp_path / "data"):
            pass


async def test_log_filters_leave_with_the_proxy(tmp_path: Path) -> None:
    def filtered() -> bool:
        handlers = logging.getLogger().handlers
        return any(isinstance(each, LogFilter) for handler in handlers for each in handler.filters)

    async with harness.proxy(tmp_path / "data"):
        assert filtered()
    assert not filtered()
