"""Certificate files: whether what a setting names can be used, and until when. OpenSSL reads them, as TLS will."""

import ssl
import time
from datetime import UTC, datetime
from pathlib import Path

from oneshot_shared.errors import NotReady


def authorities(variable: str, file: Path) -> datetime | None:
    """Until when the certificates of a file are valid, the last of them; None where OpenSSL does not tell.

    :raises NotReady: the file, which `variable` names, is missing, broken or expired.
    """
    try:
        until = _until(file)
    except ValueError as error:
        raise NotReady(
            f"{variable} names {file}, {error}; set it to a PEM file of valid certificates, or `unset {variable}`"
        ) from None
    return until


def own(folder: Path) -> datetime | None:
    """Until when our proxy's CA in this folder is valid; None where there is none yet.

    :raises NotReady: it is broken or expired.
    """
    file = folder / "mitmproxy-ca.pem"
    if not file.exists():
        return None
    try:
        until = _until(file)
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(file, password=lambda: "")
        except (ssl.SSLError, OSError):
            raise ValueError("which holds no key for its certificate") from None
    except ValueError as error:
        raise NotReady(
            f"the proxy's CA is {file}, {error}; remove it with `rm -r {folder}`: the next start makes another"
        ) from None
    return until


def _until(file: Path) -> datetime | None:
    """:raises ValueError: `which …`."""
    if not file.is_file():
        raise ValueError("which is no file")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(file)
    except ssl.SSLError:
        raise ValueError("which holds no certificate") from None
    except OSError as error:
        raise ValueError(f"which cannot be read ({(error.strerror or '').lower()})") from None
    ends = [ssl.cert_time_to_seconds(str(each["notAfter"])) for each in context.get_ca_certs()]
    if not ends:
        return None
    until = datetime.fromtimestamp(max(ends), UTC)
    if max(ends) < time.time():
        raise ValueError(f"which expired on {until:%Y-%m-%d}")
    return until
