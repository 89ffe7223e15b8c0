"""The machine that is looked at: what was asked for, and the facts that more than one check needs, each found out once."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from oneshot_cli import places
from oneshot_cli.doctor.check import State
from oneshot_cli.stack import Stack
from oneshot_shared import needs
from oneshot_shared.command import Answer, ask
from oneshot_shared.errors import NotReady, sentence

BACKENDS = ("docker", "local")
"""What this machine's stack tries, in this order."""
SECONDS = 5.0
"""What each external command gets; a docker that hangs is not asked twice."""


@dataclass(frozen=True)
class Machine:
    """Nothing here starts, spends or changes anything."""

    backend_asked: str = ""
    endpoint: str = ""
    env: Mapping[str, str] = field(default_factory=lambda: os.environ)

    @cached_property
    def data(self) -> Path:
        """The data folder; it may not be there."""
        return places.data_folder()

    @cached_property
    def runtime(self) -> Path:
        """The folder of the stack's sockets; it may not be there."""
        return places.runtime_path(self.data)

    @cached_property
    def stack_alive(self) -> bool:
        """Whether this data folder's stack runs; asking makes no file."""
        return Stack(self.data).alive_lock.exists() and Stack(self.data).alive()

    @cached_property
    def without_docker(self) -> str:
        """Why `run` would not choose docker by itself, as its stack finds out; empty when it would."""
        try:
            needs.knock(self.engine_address, SECONDS)
            needs.buildx(SECONDS)
        except OSError as error:
            return sentence(needs.no_engine(self.engine_address, error)).split(";")[0]
        except NotReady as error:
            return sentence(error).split(";")[0]
        return ""

    @cached_property
    def backend(self) -> str:
        """The backend that the next run would use."""
        return self.backend_asked or ("local" if self.without_docker else "docker")

    def bad(self, backend: str = "") -> State:
        """How grave a fault is that matters to runs on this machine, on one backend or on every one."""
        return "fail" if not self.endpoint and backend in ("", self.backend) else "warn"

    @property
    def bad_start(self) -> State:
        """How grave a fault is that matters only to a stack that has yet to start."""
        return "warn" if self.stack_alive else self.bad()

    @cached_property
    def docker_missing(self) -> str:
        """Why the docker command cannot be asked at all: there is none, or it hangs."""
        hanging = self.without_docker if "does not answer" in self.without_docker else ""
        return hanging or ask(["docker", "--version"], SECONDS).why

    def docker(self, *arguments: str) -> Answer:
        """Ask docker, unless it is missing or has been found hanging."""
        if why := vars(self).get("_hangs") or self.docker_missing:
            return Answer(-1, why=why)
        answer = ask(["docker", *arguments], SECONDS)
        if "does not answer" in answer.why:
            vars(self)["_hangs"] = answer.why
        return answer

    @cached_property
    def engine_address(self) -> str:
        """Where the engine is for a run, which does not know docker's contexts."""
        return self.env.get("DOCKER_HOST") or needs.DEFAULT_ENGINE

    @cached_property
    def info(self) -> dict[str, Any]:
        """`docker info`; empty when no engine answers."""
        try:
            found = json.loads(self.docker("info", "--format", "{{json .}}").out)
        except ValueError:
            return {}
        return found if isinstance(found, dict) and found.get("ServerVersion") else {}

    @cached_property
    def engine_is_here(self) -> bool:
        """Whether the engine's folders are this machine's."""
        return bool(self.info) and self.engine_address.startswith("unix://")
