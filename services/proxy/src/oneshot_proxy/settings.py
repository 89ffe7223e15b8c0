"""What the proxy must be told."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from oneshot_shared.settings import ServiceSettings


class ProxySettings(ServiceSettings):
    """Settings of the proxy, each from ONESHOT_PROXY_<NAME>."""

    model_config = SettingsConfigDict(env_prefix="ONESHOT_PROXY_")

    gateway_host: str = "127.0.0.1"
    """Address on which the gateway serves agents; it speaks plain HTTP, so never a public one."""
    gateway_port: int = Field(default=0, ge=0, le=65535)
    """TCP port of the gateway; 0 takes a free one, which OpenSession returns."""
    gateway_socket: str = ""
    """Unix socket (made 0600) that leads to the same gateway, for relays; empty: none."""
    forward_host: str = "127.0.0.1"
    """Address on which the forward proxy serves people's own agents; it speaks plain HTTP, so never a public one."""
    forward_port: int = Field(default=0, ge=0, le=65535)
    """TCP port of the forward proxy; 0 takes a free one, which OpenSession returns."""
    model_hosts: str = ""
    """Further model APIs that live sessions record, as host or host:port with commas between them; .example.com means all below."""
    bodies_megabytes: int = Field(default=128, ge=1)
    """Memory for the bodies of all calls in flight, in MB; a session takes a quarter of it at most. Past it a run's requests are
    refused, and other bodies are recorded in part, and say so."""
    upstream_ca: str = ""
    """PEM file with the authorities that upstream certificates are checked against; empty: the usual public ones."""
