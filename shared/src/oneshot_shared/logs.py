"""Logs: one JSON line an event on standard error, with the run or session it belongs to."""

import logging
import sys

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
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format='{"logger": "%(name)s", "event": "%(message)s"}'
    )


def get() -> structlog.typing.FilteringBoundLogger:
    """The logger; context is bound with structlog.contextvars."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return logger
