"""The six tools' core: answers from this disk alone, whatever the stack does. Knows no transport."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from oneshot_shared.capture_core import Caller, GivenRubric, GivenTest, Told


class Tools:
    """The tools in one folder; oneshot_shared.capture_core.CaptureTools says what each is.

    `environment`: the server's own; ONESHOT_SESSION, ONESHOT_STATE, ONESHOT_DATA, ONESHOT_ENDPOINT, CODEX_HOME are read.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = environment

    async def start_task(
        self, caller: Caller, *, title: str, instructions: str = "", notes: str = "", labels: Sequence[str] = ()
    ) -> Told:
        raise NotImplementedError

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
        raise NotImplementedError

    async def check_readiness(self, caller: Caller) -> Told:
        raise NotImplementedError

    async def autofix_readiness(self, caller: Caller) -> Told:
        raise NotImplementedError

    async def task_status(self, caller: Caller, *, task_id: str = "") -> Told:
        raise NotImplementedError

    async def abort_task(self, caller: Caller, *, task_id: str = "") -> Told:
        raise NotImplementedError
