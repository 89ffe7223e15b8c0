"""The capture service's settings, from ONESHOT_CAPTURE_… variables."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from oneshot_shared.settings import ServiceSettings


class CaptureSettings(ServiceSettings):
    """What the capture service needs to be told."""

    model_config = SettingsConfigDict(env_prefix="ONESHOT_CAPTURE_")

    proxy: str = ""
    """Address of the proxy's gRPC service, for trajectories and cassettes; empty: they are made of the agent's own record, or not at all."""
    pack_mb: int = Field(default=1024, ge=1)
    """Largest pack of trees that is taken, in MiB."""
    http_listen: str = ""
    """Where to serve the MCP tools over HTTP, for clients that send packs: host:port; empty: nowhere."""
    http_hosts: tuple[str, ...] = ()
    """Names, as JSON, by which that is reached from elsewhere; it answers to loopback names alone otherwise."""
