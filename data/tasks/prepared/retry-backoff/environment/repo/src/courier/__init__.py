"""A small client for job services, over any transport."""

from courier.client import Client
from courier.clock import Clock, SystemClock
from courier.config import Config
from courier.errors import BadReply, ConfigError, ConnectionFailed, CourierError, StatusError, TimedOut
from courier.messages import Reply, Request
from courier.transport import Loopback, Transport

__all__ = [
    "BadReply",
    "Client",
    "Clock",
    "Config",
    "ConfigError",
    "ConnectionFailed",
    "CourierError",
    "Loopback",
    "Reply",
    "Request",
    "StatusError",
    "SystemClock",
    "TimedOut",
    "Transport",
]
