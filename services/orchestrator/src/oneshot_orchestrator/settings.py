"""The orchestrator's settings, from ONESHOT_ORCHESTRATOR_… variables."""

import os
from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from oneshot_shared.settings import ServiceSettings


class OrchestratorSettings(ServiceSettings):
    """What the orchestrator needs to be told."""

    model_config = SettingsConfigDict(env_prefix="ONESHOT_ORCHESTRATOR_", frozen=True, extra="forbid")

    proxy: str
    """Address of the proxy's gRPC service."""
    grader: str
    """Address of the grader's gRPC service."""
    owner: str = "oneshot"
    """Label of every container, network and volume that this stack makes; two stacks on one engine need two."""
    backends: tuple[Literal["docker", "local"], ...] = ("docker", "local")
    """The backends that runs may use, as JSON; a run that names none gets the first that is ready. A container must not offer local."""
    slots: int = Field(default_factory=lambda: max(2, (os.cpu_count() or 2) // 2), ge=1, le=64)
    """Runs at once."""
    tokens: int = 2_000_000
    """Default token limit of a run."""
    cost_usd: float = 5.0
    """Default cost limit of a run."""
    memory_mb: int = 4096
    """Memory of a sandbox, where its task does not say."""
    cpus: float = 2.0
    """CPUs of a sandbox, where its task does not say."""
    storage_mb: int = 8192
    """Disk of a docker sandbox, where its task does not say; looked at every few seconds."""
    watch_grace_seconds: float = 10.0
    """An attached run that nobody has watched for so long is cancelled."""
    relay_source: str = ""
    """Folder or volume that holds the gateway's unix socket, mounted into relays; empty: relays use relay_upstream."""
    relay_user: str = ""
    """uid:gid of relays: the gateway's socket is open to its owner alone; empty: this process's own."""
    relay_upstream: str = "unix:/run/oneshot/gateway.sock"
    """Where a relay leads: unix:/path inside the relay, or host:port."""
