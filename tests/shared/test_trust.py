"""Certificate files as OpenSSL reads them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli.broken import certificate
from oneshot_shared import trust
from oneshot_shared.errors import NotReady


def test_a_good_file(tmp_path: Path) -> None:
    certificate(tmp_path / "a.pem", days=100)
    until = trust.authorities("X", tmp_path / "a.pem")
    assert until
    assert timedelta(days=99) < until - datetime.now(UTC) < timedelta(days=101)


def test_a_bundle_lasts_as_long_as_its_last(tmp_path: Path) -> None:
    certificate(tmp_path / "a.pem", days=-1)
    certificate(tmp_path / "b.pem", days=10)
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes((tmp_path / "a.pem").read_bytes() + (tmp_path / "b.pem").read_bytes())
    assert trust.authorities("X", bundle)


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "which is no file"), ("", "which holds no certificate"), ("garbage", "which holds no certificate")],
)
def test_a_bad_file(content: str | None, why: str, tmp_path: Path) -> None:
    file = tmp_path / "a.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(NotReady, match=rf"X names {file}, {why}; set it to a PEM file .* or `unset X`"):
        trust.authorities("X", file)


def test_an_expired_file(tmp_path: Path) -> None:
    certificate(tmp_path / "a.pem", days=-3)
    with pytest.raises(NotReady, match=r"which expired on \d{4}-\d\d-\d\d; set it"):
        trust.authorities("X", tmp_path / "a.pem")


def test_our_own(tmp_path: Path) -> None:
    assert trust.own(tmp_path) is None
    certificate(tmp_path / "mitmproxy-ca.pem", days=100, key=True)
    assert trust.own(tmp_path)
    certificate(tmp_path / "mitmproxy-ca.pem", days=100)
    with pytest.raises(NotReady, match=rf"which holds no key for its certificate; remove it with `rm -r {tmp_path}`"):
        trust.own(tmp_path)
