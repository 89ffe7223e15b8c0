"""Whether mitmproxy serves."""

import logging

from oneshot_proxy.addons.ready import Ready


async def test_errors_before_running_are_collected() -> None:
    ready = Ready()
    logger = logging.Logger("any")
    logger.addHandler(ready)
    logger.warning("no matter")
    logger.error("cannot %s", "listen")
    assert ready.problems == ["cannot listen"]
    assert not ready.served.is_set()
    ready.running()
    assert ready.served.is_set()
