"""The table [mcp_servers.oneshot] in the person's config.toml, for those who start plain `codex`; everything else there stays as it is."""

import contextlib
import os
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

from oneshot_cli import codex_config
from oneshot_shared.errors import BadInput, NotReady

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

_SERVERS = "mcp_servers"
_BACKUP = ".before-oneshot"
_MODE = 0o600


def config_file(environment: Mapping[str, str]) -> Path:
    """Codex's config.toml; where it is a link, what that leads to."""
    home = environment.get("CODEX_HOME")
    folder = Path(home) if home else Path(environment.get("HOME") or Path.home()) / ".codex"
    return (folder / "config.toml").resolve()


def backup_file(file: Path) -> Path:
    """What the config was before the table came, beside it."""
    return file.with_name(file.name + _BACKUP)


def install(file: Path) -> bool:
    """Add or renew the table; whether anything changed. :raises BadInput, NotReady: the file is left as it was."""
    before = _read(file)
    if _servers(before, file).get(codex_config.NAME) == (wanted := codex_config.installed()):
        return False
    after = _edited(before, file, lambda document: _put(document, wanted))
    if before is not None and not _is_ours(
        before, file
    ):  # a renewal leaves the backup of what was there before the first
        _write(backup_file(file), before, file)
    _write(file, after, file)
    return True


def uninstall(file: Path) -> bool:
    """Take the table out again, and put back what was in its place; whether anything changed.

    :raises BadInput, NotReady: the file is left as it was.
    """
    now, backup = _read(file), _read(backup_file(file))
    if now is None or not _is_ours(now, file):
        return False
    installed = _servers(now, file)[codex_config.NAME]
    earlier = _servers(backup, backup_file(file)).get(codex_config.NAME)
    if backup is not None and _edited(backup, file, lambda document: _put(document, installed)) == now:
        _write(file, backup, file)
    else:  # edited since
        after = _edited(now, file, lambda document: _put(document, earlier))
        if backup is None and not after.strip():
            file.unlink()
        else:
            _write(file, after, file)
    backup_file(file).unlink(missing_ok=True)
    return True


def _read(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise NotReady(f"{file} cannot be read ({error.strerror}); mend that, or set CODEX_HOME") from None


def _parsed(content: bytes | None, file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads((content or b"").decode())
    except ValueError as error:
        raise BadInput(
            f"{file} is no sound TOML ({error}), so it was left as it is; mend that line, then install again"
        ) from None


def _servers(content: bytes | None, file: Path) -> dict[str, Any]:
    servers = _parsed(content, file).get(_SERVERS, {})
    if not isinstance(servers, dict):
        raise BadInput(f"{file}: {_SERVERS} is {servers!r}, not a table, so it was left as it is; mend that line")
    return servers


def _is_ours(content: bytes | None, file: Path) -> bool:
    """Whether the server of our name is one that an install put there, of whatever place and version."""
    found = _servers(content, file).get(codex_config.NAME, {})
    ours = codex_config.table()
    return (
        isinstance(found, dict)
        and found.get("args") == ours["args"]
        and Path(str(found.get("command"))).name == Path(ours["command"]).name
    )


def _edited(content: bytes | None, file: Path, edit: "Callable[[TOMLDocument], None]") -> bytes:
    """The config after an edit of our table. :raises BadInput: the edit would change something else."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    after, same = b"", False
    with contextlib.suppress(TOMLKitError, BadInput):
        document = tomlkit.parse((content or b"").decode())
        edit(document)
        after = tomlkit.dumps(document).encode()
        same = _others(content, file) == _others(after, file)
    if not same:
        raise BadInput(
            f"{file} is written in a way that cannot be edited without harm, so it was left as it is; add these settings by hand, as "
            "its other servers stand there:\n"
            + tomlkit.dumps({_SERVERS: {codex_config.NAME: codex_config.installed()}})
        )
    return after


def _others(content: bytes | None, file: Path) -> dict[str, Any]:
    """All settings but ours."""
    found = _parsed(content, file)
    servers = {name: value for name, value in _servers(content, file).items() if name != codex_config.NAME}
    return {name: value for name, value in found.items() if name != _SERVERS} | ({_SERVERS: servers} if servers else {})


def _put(document: "TOMLDocument", wanted: Mapping[str, Any] | None) -> None:
    """Put our table in, or take it out."""
    import tomlkit

    if wanted is None:
        document[_SERVERS].remove(codex_config.NAME)
        if not document[_SERVERS]:
            document.remove(_SERVERS)
        return
    if _SERVERS not in document:
        document[_SERVERS] = tomlkit.table(is_super_table=True)
    document[_SERVERS][codex_config.NAME] = wanted


def _write(target: Path, content: bytes, like: Path) -> None:
    """Write a file whole or not at all, with the mode of another."""
    made = None
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = like.stat().st_mode & 0o7777 if like.exists() else _MODE
        with NamedTemporaryFile(dir=target.parent, prefix=".config-", delete=False) as made:
            made.write(content)
            made.flush()
            os.fchmod(made.fileno(), mode)
            os.fsync(made.fileno())
        Path(made.name).replace(target)
    except OSError as error:
        if made:
            with contextlib.suppress(OSError):
                Path(made.name).unlink()
        raise NotReady(
            f"{target} cannot be written ({error.strerror}), so nothing was changed; mend that, or set CODEX_HOME"
        ) from None
