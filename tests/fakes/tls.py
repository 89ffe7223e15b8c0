"""TLS for the fakes: an authority of the test's own, and a leaf for the names that a fake goes by.

tls = made(tmp_path / "tls", "api.openai.com")
async with ModelServer([...], tls=tls.server) as upstream:  # the proxy trusts it by upstream_ca=str(tls.authority)
"""

import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from mitmproxy.certs import CertStore


@dataclass(frozen=True)
class Tls:
    """`server` is what a fake serves with, `authority` the PEM file of who signed for it."""

    server: ssl.SSLContext
    authority: Path


def made(folder: Path, *names: str) -> Tls:
    """An authority, and a leaf for localhost, 127.0.0.1 and these names."""
    store = CertStore.from_store(folder, "test", 2048)
    sans = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1")), *map(x509.DNSName, names)]
    leaf = store.get_cert("localhost", sans)
    key = leaf.privatekey.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    (folder / "leaf.pem").write_bytes(leaf.cert.to_pem() + key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "leaf.pem")
    return Tls(context, folder / "test-ca-cert.pem")
