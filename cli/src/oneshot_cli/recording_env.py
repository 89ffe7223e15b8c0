"""What a recorded command's environment must say: where the recorder is, whom to trust, and what of the person's own gives way."""

import contextlib
import os
import ssl
from collections.abc import Mapping
from pathlib import Path

PROXIES = ("HTTPS_PROXY", "https_proxy")
_NOT_PROXIED = ("NO_PROXY", "no_proxy")
_LOOPBACK = ("localhost", "127.0.0.1", "::1", "[::1]")
# read beside the roots that a program brings: Codex's and Node's
ADDED = ("CODEX_CA_CERTIFICATE", "NODE_EXTRA_CA_CERTS")
# read in place of them: OpenSSL's (Python, Ruby, Rust), Requests', curl's
REPLACING = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_ROOTS = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # macOS, Alpine
)


def written(folder: Path, certificate: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Write what is to be trusted into a folder; the variables that name it.

    Whatever the person's variables named is trusted still. Where this machine's roots are nowhere to be found, the
    variables that replace them stay unset: with our authority alone no other host would be trusted.
    """
    added = folder / "ca.pem"
    added.write_text(certificate + _read(environment, ADDED))
    found = dict.fromkeys(ADDED, str(added))
    roots = _read(environment, REPLACING) or _system_roots()
    if roots:
        whole = folder / "roots-and-ca.pem"
        whole.write_text(certificate + roots + _read(environment, ADDED))
        found |= dict.fromkeys(REPLACING, str(whole))
    return found


def _read(environment: Mapping[str, str], names: tuple[str, ...]) -> str:
    texts = []
    for file in dict.fromkeys(environment.get(name) or os.devnull for name in names):
        with contextlib.suppress(OSError, UnicodeDecodeError):
            texts.append("\n" + Path(file).read_text())
    return "".join(texts) if any(map(str.strip, texts)) else ""


def _system_roots() -> str:
    compiled = ssl.get_default_verify_paths().openssl_cafile
    return next((text for file in (compiled, *_ROOTS) if (text := _read({"file": file}, ("file",)))), "")


def routes(proxy: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that lead to the recorder. Of NO_PROXY, by which a model could be asked past it, loopback stays."""
    found = dict.fromkeys(PROXIES, proxy)
    given = [part.strip() for name in _NOT_PROXIED for part in environment.get(name, "").split(",")]
    if any(given):
        found |= dict.fromkeys(_NOT_PROXIED, ",".join(dict.fromkeys(part for part in given if part in _LOOPBACK)))
    return found


def notes(environment: Mapping[str, str]) -> list[str]:
    """What of the person's own variables gives way, a sentence each."""
    found = []
    if any(environment.get(name) for name in (*PROXIES, "ALL_PROXY", "all_proxy")):
        found.append(
            "the proxy that this shell names is not used while recording; the recorder asks the models directly"
        )
    given = [part.strip() for name in _NOT_PROXIED for part in environment.get(name, "").split(",") if part.strip()]
    if beyond := [part for part in dict.fromkeys(given) if part not in _LOOPBACK]:
        found.append(
            f"NO_PROXY is set aside while recording ({', '.join(beyond)}): the recorder passes on what is no model's"
        )
    return found
