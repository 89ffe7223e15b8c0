"""Settings of a client."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from courier.errors import ConfigError


@dataclass(frozen=True)
class Config:
    """`timeout`: seconds that one exchange may take. `headers`: sent with every request."""

    timeout: float = 10.0
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.timeout > 0:
            raise ConfigError(f"timeout is {self.timeout}; give seconds above 0")

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Config:
        """Settings as read from a file. :raises ConfigError: one is unknown or makes no sense."""
        known = [each.name for each in fields(cls)]
        for name in values:
            if name not in known:
                raise ConfigError(f"unknown setting {name!r}; known are {', '.join(known)}")
        return cls(**values)
