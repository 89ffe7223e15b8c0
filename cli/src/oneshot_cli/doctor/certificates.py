"""Certificates: those that settings name, and our proxy's own CA."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from oneshot_cli.doctor.check import Check, ok, refused, skip
from oneshot_cli.doctor.machine import Machine
from oneshot_shared import trust
from oneshot_shared.errors import NotReady

_UPSTREAM = "ONESHOT_PROXY_UPSTREAM_CA"
_SOON = timedelta(days=30)


def named(machine: Machine) -> Check:
    """Files that variables name. Codex says of a bad one only `Connection failed`."""
    found = []
    for variable in (_UPSTREAM, "CODEX_CA_CERTIFICATE", "SSL_CERT_FILE"):
        if not (value := machine.env.get(variable)):
            continue
        try:
            trust.authorities(variable, Path(value))
        except NotReady as error:
            return refused("certificates", error, machine.bad_start if variable == _UPSTREAM else "warn")
        found.append(f"{variable}={value}")
    return ok("certificates", ", ".join(found)) if found else skip("certificates", "no variable names any")


def own(machine: Machine) -> Check:
    """The CA that our proxy makes at its first start."""
    folder = machine.data / "state" / "mitmproxy"
    try:
        until = trust.own(folder)
        if until is None:
            return ok("proxy CA", "made at the first start")
        keys = [file for file in (folder / "mitmproxy-ca.pem", folder / "mitmproxy-ca.p12") if file.exists()]
        open_to_others = [file for file in (folder, *keys) if file.stat().st_mode & 0o077]
    except NotReady as error:
        return refused("proxy CA", error, machine.bad_start)
    except OSError as error:
        return Check(
            "proxy CA", machine.bad(), f"{folder} cannot be read ({error.strerror})", f"sudo chown -R $USER {folder}"
        )
    if open_to_others:
        what = f"others can read the key: {', '.join(map(str, open_to_others))}"
        return Check("proxy CA", "warn", what, f"chmod -R go= {folder}")
    if until - datetime.now(UTC) < _SOON:
        return Check(
            "proxy CA", "warn", f"expires on {until:%Y-%m-%d}", f"rm -r {folder} (the next start makes another)"
        )
    return ok("proxy CA", f"valid until {until:%Y-%m-%d}, in {folder}")
