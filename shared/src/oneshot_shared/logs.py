"""Logs: one JSON line an event on standard error, with the run or session it belongs to."""

import json
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog


def configure(service: str, level: str = "info") -> None:
    """Send structlog and the standard library's logging to standard error as JSON lines."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    structlog.contextvars.bind_contextvars(service=service)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Line())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


@contextmanager
def rewriting(rewrite: Callable[[str], str]) -> Iterator[None]:
    """Have each finished line of structlog rewritten meanwhile, exceptions and all. The standard library's lines are not its."""

    def last(_logger: object, _method: str, line: Any) -> Any:  # noqa: ANN401 -- what a renderer gives on, here always text
        return rewrite(line) if isinstance(line, str) else line

    structlog.configure(processors=[*structlog.get_config()["processors"], last])
    try:
        yield
    finally:
        structlog.configure(processors=[each for each in structlog.get_config()["processors"] if each is not last])


class _Line(logging.Formatter):
    """A library's record as one JSON line, whatever is in its message."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)  # with the traceback, where there is one
        return json.dumps({"logger": record.name, "event": text, "level": record.levelname.lower()})


def get() -> structlog.typing.FilteringBoundLogger:
    """The logger; context is bound with structlog.contextvars."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return logger
