"""Codex: the one beside oneshot, which runs use, and the person's own, which pairing uses."""

import json
import shutil
import tomllib
from pathlib import Path

from oneshot_cli.doctor.check import Check, ok, refused, skip
from oneshot_cli.doctor.machine import SECONDS, Machine
from oneshot_shared import needs
from oneshot_shared.command import ask
from oneshot_shared.errors import NotReady

_INSTALL = "npm install -g @openai/codex (or see https://github.com/openai/codex), for pairing only"


def home(machine: Machine) -> Path:
    """Codex's own folder of this person."""
    return Path(machine.env.get("CODEX_HOME") or Path.home() / ".codex")


def pinned(machine: Machine) -> Check:
    """The Codex of local runs; docker's is fetched at the first run."""
    try:
        path = needs.codex(SECONDS)
    except NotReady as error:
        return refused("Codex for runs", error, machine.bad("local"))
    return ok("Codex for runs", f"{needs.CODEX_VERSION} at {path}")


def sandbox(machine: Machine) -> Check:
    """Codex's own sandbox, which the local backend relies on."""
    if machine.backend != "local" or machine.endpoint:
        return skip("Codex sandbox", "only the local backend uses it")
    try:
        path = needs.codex(SECONDS)
    except NotReady:
        return skip("Codex sandbox", "no Codex that runs")
    answer = ask([str(path), "sandbox", "--", "true"], SECONDS)
    if answer.good:
        return ok("Codex sandbox", "works here")
    mend = "use --backend docker, or --allow-unsandboxed if this machine may be changed"
    return Check("Codex sandbox", "fail", f"does not work on this machine ({answer.last_words})", mend)


def own(machine: Machine) -> Check:
    """The person's own."""
    path = shutil.which("codex")
    if not path:
        return Check("your Codex", "warn", "there is no codex command; runs bring their own", _INSTALL)
    answer = ask([path, "--version"], SECONDS)
    if not answer.good:
        return Check("your Codex", "warn", f"{path} does not run ({answer.last_words})", _INSTALL)
    return ok("your Codex", f"{answer.out.removeprefix('codex-cli ')} at {path}")


def login(machine: Machine) -> Check:
    """An API key or a ChatGPT login; the secret itself is never looked at."""
    kind = _kind(home(machine) / "auth.json") or _asked()
    if kind == "chatgpt":
        if machine.env.get("OPENAI_API_KEY"):
            return ok("Codex login", "ChatGPT, for pairing; runs use OPENAI_API_KEY")
        found = "ChatGPT: such a login can capture, but not run or judge"
        return Check("Codex login", "warn", found, "export OPENAI_API_KEY=... for runs")
    if kind == "apikey":
        return ok("Codex login", "API key, for pairing; runs take theirs from the environment")
    return Check("Codex login", "warn", "not logged in, which pairing needs", "codex login")


def _kind(file: Path) -> str:
    try:
        content = json.loads(file.read_text())
    except (OSError, ValueError):
        return ""
    if not isinstance(content, dict):
        return ""
    mode = str(content.get("auth_mode") or "").lower().replace("_", "").replace("-", "")
    if mode in ("apikey", "chatgpt"):
        return mode
    return "chatgpt" if content.get("tokens") else "apikey" if content.get("OPENAI_API_KEY") else ""


def _asked() -> str:
    """A login may be in the system's keyring: only Codex itself knows."""
    if not (path := shutil.which("codex")):
        return ""
    answer = ask([path, "login", "status"], SECONDS)
    words = f"{answer.out} {answer.err}".lower() if answer.good else ""
    return "chatgpt" if "chatgpt" in words else "apikey" if "api key" in words else ""


def config(machine: Machine) -> Check:
    """The person's configuration, and the MCP servers in it that are ours."""
    file = home(machine) / "config.toml"
    if not file.exists():
        return skip("MCP configuration", f"there is no {file}")
    try:
        content = tomllib.loads(file.read_text())
    except (OSError, ValueError) as error:
        return Check("MCP configuration", "warn", f"{file} cannot be read: {error}", f"mend the file: $EDITOR {file}")
    servers = content.get("mcp_servers")
    ours = {
        name: str(entry.get("command", ""))
        for name, entry in (servers.items() if isinstance(servers, dict) else ())
        if isinstance(entry, dict) and "oneshot" in f"{name} {entry.get('command')} {entry.get('args')}"
    }
    for name, command in ours.items():
        if command and not shutil.which(command):
            found = f"[mcp_servers.{name}] in {file} names {command!r}, which is no command here"
            return Check("MCP configuration", "warn", found, f"codex mcp remove {name}, and add it again")
    return ok("MCP configuration", f"{file}{': ' + ', '.join(ours) if ours else ''}")
