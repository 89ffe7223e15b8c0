"""What the proxy must be told."""

from pathlib import Path

import pytest

from oneshot_proxy.settings import ProxySettings
from oneshot_shared import settings
from oneshot_shared.errors import BadInput


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"TOKEN_FILE": "/t", "DATA": "/d", "GATEWAY_PORT": "18080", "GATEWAY_SOCKET": "/s"}.items():
        monkeypatch.setenv(f"ONESHOT_PROXY_{name}", value)
    found = settings.load(ProxySettings)
    assert (found.data, found.gateway_host, found.gateway_port) == (Path("/d"), "127.0.0.1", 18080)
    assert (found.gateway_socket, found.upstream_ca) == ("/s", "")
    monkeypatch.setenv("ONESHOT_PROXY_GATEWAY_PORT", "70000")
    with pytest.raises(BadInput, match="ONESHOT_PROXY_GATEWAY_PORT"):
        settings.load(ProxySettings)
