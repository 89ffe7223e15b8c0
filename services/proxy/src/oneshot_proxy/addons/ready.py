"""Ready: says when mitmproxy serves, or why it does not. A proxy that records nothing must not start."""

import asyncio
import logging


class Ready(logging.Handler):
    """Collects the errors that are logged until mitmproxy runs."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.served = asyncio.Event()
        self.problems: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """An error was logged."""
        self.problems.append(record.getMessage())

    def running(self) -> None:
        """mitmproxy has started."""
        self.served.set()
