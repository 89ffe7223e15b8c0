"""The capture service's settings."""

import pytest

from oneshot_capture.settings import CaptureSettings
from oneshot_shared import settings
from oneshot_shared.errors import BadInput


def test_defaults_and_bad_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"TOKEN_FILE": "/t", "DATA": "/d"}.items():
        monkeypatch.setenv(f"ONESHOT_CAPTURE_{name}", value)
    assert settings.load(CaptureSettings).pack_mb == 1024
    monkeypatch.setenv("ONESHOT_CAPTURE_PACK_MB", "0")
    with pytest.raises(BadInput, match="ONESHOT_CAPTURE_PACK_MB: Input should be greater than or equal to 1"):
        settings.load(CaptureSettings)
