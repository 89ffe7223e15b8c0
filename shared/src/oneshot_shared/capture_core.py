"""What the six capture tools are to whatever serves them (MCP, the command line): who calls, what is told, the calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

type GivenTest = str | Mapping[str, str]
"""A path (`tests/test_x.py`), a test id (`tests/test_x.py::test_y`), or {path, content?}."""
type GivenRubric = str | Sequence[Mapping[str, Any]]
"""The text of a rubric.toml, or criteria: {description, weight?, id?, decided_by? (tests, judge), tests? (groups or ids)}."""


@dataclass(frozen=True)
class Caller:
    """What the agent's call says of itself; empty where unknown."""

    thread_id: str = ""
    """The agent's conversation."""
    call_id: str = ""
    """This tool call in it."""


@dataclass(frozen=True)
class Told:
    """A tool's answer: for a reader, and the same for a program."""

    text: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    """What JSON can say."""


class CaptureTools(Protocol):
    """The six tools. Each raises an exception of oneshot_shared.errors, whose one sentence is the answer."""

    async def start_task(
        self, caller: Caller, *, title: str, instructions: str = "", notes: str = "", labels: Sequence[str] = ()
    ) -> Told:
        """Remember where the work begins."""

    async def end_task(
        self,
        caller: Caller,
        *,
        summary: str,
        instructions: str = "",
        rubric: GivenRubric = (),
        tests: Sequence[GivenTest] = (),
        labels: Sequence[str] = (),
        task_id: str = "",
    ) -> Told:
        """Remember where it ended, and have the task created. `task_id`: empty for the open one."""

    async def check_readiness(self, caller: Caller) -> Told:
        """Say what stands in the way of a good base."""

    async def autofix_readiness(self, caller: Caller) -> Told:
        """Mend of it what is safe."""

    async def task_status(self, caller: Caller, *, task_id: str = "") -> Told:
        """Say where a task stands. `task_id`: empty for the newest of this working tree."""

    async def abort_task(self, caller: Caller, *, task_id: str = "") -> Told:
        """Give a task up. `task_id`: empty for the open one."""
