"""Certificates that variables name, and our own."""

from pathlib import Path

import pytest

from cli.broken import certificate
from cli.doctor.conftest import Make
from oneshot_cli.doctor import certificates


@pytest.mark.parametrize(
    ("variable", "state"),
    [("CODEX_CA_CERTIFICATE", "warn"), ("SSL_CERT_FILE", "warn"), ("ONESHOT_PROXY_UPSTREAM_CA", "fail")],
)
def test_a_named_file(make: Make, place: Path, variable: str, state: str) -> None:
    file = place / "ca.pem"
    check = certificates.named(make(SSL_CERT_FILE="") if variable != "SSL_CERT_FILE" else make())
    check = certificates.named(make(**{variable: str(file)}))
    assert (check.state, check.found) == (state, f"{variable} names {file}, which is no file")
    assert f"unset {variable}" in check.mend
    certificate(file, days=10)
    assert certificates.named(make(**{variable: str(file)})).state == "ok"


def test_our_own(make: Make, place: Path) -> None:
    machine, folder = make(), place / "d" / "state" / "mitmproxy"
    assert certificates.own(machine).found == "made at the first start"
    certificate(folder / "mitmproxy-ca.pem", days=400, key=True)
    folder.chmod(0o755)
    check = certificates.own(machine)
    assert (check.state, check.mend) == ("warn", f"chmod -R go= {folder}")
    folder.chmod(0o700)
    assert certificates.own(machine).state == "ok"
    certificate(folder / "mitmproxy-ca.pem", days=10, key=True)
    check = certificates.own(machine)
    assert (check.state, check.found.startswith("expires on ")) == ("warn", True)
    assert f"rm -r {folder}" in check.mend
    certificate(folder / "mitmproxy-ca.pem", days=400, key=False)
    assert "holds no key" in certificates.own(machine).found
