"""The certificate authority that signs for intercepted hosts. Its key never leaves the data folder.

mitmproxy would make one without an Authority Key Identifier, which Python 3.13 and others refuse (RFC 5280, 4.2.1.1), and in
its own name: whoever finds ours in a trust store must see what put it there, and on which machine.
"""

import datetime as dt
import os
import socket
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from oneshot_shared import trust

_PRODUCT = "OneShot Bench"
_VALID = dt.timedelta(days=3 * 365)
_CLOCKS_DIFFER = dt.timedelta(days=2)
_MAX_COMMON_NAME = 64


def ensure(folder: Path) -> str:
    """Make the authority where there is none; its certificate as PEM. The folder is 0700, the key 0600.

    :raises NotReady: the one that is there is broken or expired. OSError: it cannot be written.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    both = folder / "mitmproxy-ca.pem"  # where mitmproxy looks
    trust.own(folder)
    if not both.exists() or not _has_identifier(both):
        _make(folder, both)
    both.chmod(0o600)
    certificate = x509.load_pem_x509_certificate(both.read_bytes())
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _has_identifier(file: Path) -> bool:
    """Whether it is one of ours: those that mitmproxy itself made were never handed out."""
    try:
        x509.load_pem_x509_certificate(file.read_bytes()).extensions.get_extension_for_class(
            x509.AuthorityKeyIdentifier
        )
    except x509.ExtensionNotFound:
        return False
    return True


def _make(folder: Path, both: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())  # every start-up and handshake is faster than with RSA
    certificate = _certificate(key)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    for other in folder.glob("mitmproxy-ca*"):
        other.unlink()
    new = folder / "new.pem"
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(private + pem)
    (folder / "mitmproxy-ca-cert.pem").write_bytes(pem)
    new.replace(both)


def _certificate(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    common = f"{_PRODUCT} on {socket.gethostname()}"[:_MAX_COMMON_NAME]
    name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, common), x509.NameAttribute(NameOID.ORGANIZATION_NAME, _PRODUCT)]
    )
    public = key.public_key()
    identifier = x509.SubjectKeyIdentifier.from_public_key(public)
    builder = x509.CertificateBuilder(name, name, public, x509.random_serial_number())
    builder = builder.not_valid_before(now - _CLOCKS_DIFFER).not_valid_after(now + _VALID)
    for extension, critical in (
        (x509.BasicConstraints(ca=True, path_length=0), True),
        (_usage(), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (identifier, False),
        (x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), False),
    ):
        builder = builder.add_extension(extension, critical)
    return builder.sign(key, hashes.SHA256())


def _usage() -> x509.KeyUsage:
    """Signing certificates and revocation lists, nothing else."""
    no = dict.fromkeys(("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"), False)
    return x509.KeyUsage(
        **no, key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False
    )
