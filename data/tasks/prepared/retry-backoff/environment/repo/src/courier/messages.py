"""What goes out, and what comes back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from courier.errors import BadReply


@dataclass(frozen=True)
class Request:
    """What a transport carries to the service. `body`: anything that JSON can hold."""

    method: str
    path: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """What came back. The client fills in `received_at` (seconds since the epoch) and `elapsed` (seconds)."""

    status: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    received_at: float = 0.0
    elapsed: float = 0.0

    def header(self, name: str) -> str | None:
        """A header's value; upper and lower case are the same."""
        for key, value in self.headers.items():
            if key.lower() == name.lower():
                return value
        return None

    def json(self) -> Any:
        """The body as JSON. :raises BadReply: it is none."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise BadReply(f"the answer is no JSON: {self.body[:40]!r}") from error
