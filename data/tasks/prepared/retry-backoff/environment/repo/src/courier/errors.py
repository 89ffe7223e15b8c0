"""What can go wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from courier.messages import Reply


class CourierError(Exception):
    """Every error of courier's own."""


class ConfigError(CourierError, ValueError):
    """A setting is unknown or makes no sense."""


class ConnectionFailed(CourierError):
    """The service could not be reached, or hung up."""


class TimedOut(CourierError):
    """The answer did not come in time."""


class StatusError(CourierError):
    """The service answered 400 or above."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"the service answered {reply.status}")
        self.reply = reply

    @property
    def status(self) -> int:
        return self.reply.status


class BadReply(CourierError):
    """The answer is not what it should be."""
