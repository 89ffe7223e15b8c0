"""The authority of the forward door: clients as strict as Python 3.13 accept what it signs."""

import asyncio
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from mitmproxy.certs import CertStore

from oneshot_proxy import authority
from oneshot_shared.errors import NotReady


def test_it_is_made_once_and_only_its_owner_reads_the_key(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "mitmproxy"
    pem = authority.ensure(folder)
    key = folder / "mitmproxy-ca.pem"
    assert (folder.stat().st_mode & 0o777, key.stat().st_mode & 0o777) == (0o700, 0o600)
    assert "PRIVATE" not in pem
    assert pem == (folder / "mitmproxy-ca-cert.pem").read_text()
    key.chmod(0o644)
    assert authority.ensure(folder) == pem
    assert key.stat().st_mode & 0o777 == 0o600


def test_it_says_whose_it_is_and_what_it_is_for(tmp_path: Path) -> None:
    made = x509.load_pem_x509_certificate(authority.ensure(tmp_path).encode())
    (name,) = made.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert str(name.value).startswith("OneShot Bench on ")
    years = (made.not_valid_after_utc - made.not_valid_before_utc).days / 365
    assert 2 < years < 5
    usage = made.extensions.get_extension_for_class(x509.KeyUsage)
    assert (usage.critical, usage.value.key_cert_sign, usage.value.digital_signature) == (True, True, False)


async def test_a_strict_client_accepts_it_and_its_leaf(tmp_path: Path) -> None:
    pem = authority.ensure(tmp_path)
    leaf = CertStore.from_store(tmp_path, "mitmproxy", 2048).get_cert("localhost", [x509.DNSName("localhost")])
    (tmp_path / "leaf.pem").write_bytes(leaf.cert.to_pem() + (tmp_path / "mitmproxy-ca.pem").read_bytes())
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(tmp_path / "leaf.pem")
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=serving)
    strict = ssl.create_default_context(cadata=pem)
    assert strict.verify_flags & ssl.VERIFY_X509_STRICT
    port = server.sockets[0].getsockname()[1]
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=strict, server_hostname="localhost")
    writer.close()
    await writer.wait_closed()
    server.close()


def test_one_that_mitmproxy_made_is_replaced(tmp_path: Path) -> None:
    CertStore.create_store(tmp_path, "mitmproxy", 2048)
    old = (tmp_path / "mitmproxy-ca-cert.pem").read_text()
    assert authority.ensure(tmp_path) != old
    assert sorted(file.name for file in tmp_path.glob("mitmproxy-ca*")) == ["mitmproxy-ca-cert.pem", "mitmproxy-ca.pem"]


def test_a_broken_one_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "mitmproxy-ca.pem").write_text("no certificate")
    with pytest.raises(NotReady, match="the next start makes another"):
        authority.ensure(tmp_path)
