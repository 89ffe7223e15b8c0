"""The Codex CLI, headless. Configuration and its reasons: facts/codex.md §0 of the project's notes, checked by the end-to-end test."""

import contextlib
import json
from pathlib import Path

from oneshot_orchestrator.agents.output import Capped, Lines
from oneshot_orchestrator.contract import Done, Exit, Role, Work
from oneshot_orchestrator.overlay import files_tar
from oneshot_shared import needs
from oneshot_shared.errors import NotReady

_TOKEN_VARIABLE = "ONESHOT_RUN_KEY"  # noqa: S105 -- a variable's name
_CONFIG = """\
model = {model}
model_provider = "oneshot"
check_for_update_on_startup = false
web_search = "disabled"
allow_login_shell = false  # /etc/profile would put another PATH in the place of the task's
[model_providers.oneshot]
name = "oneshot"
base_url = {base_url}
wire_api = "responses"
env_key = "ONESHOT_RUN_KEY"
request_max_retries = 4
stream_max_retries = 5
[features]
plugins = false
shell_snapshot = false
unbounded_connection_retries = false
[otel]
metrics_exporter = "none"
[analytics]
enabled = false
[sandbox_workspace_write]
exclude_slash_tmp = true
[shell_environment_policy]
exclude = ["ONESHOT_RUN_KEY", "*PROXY*"]
ignore_default_excludes = false
"""


class Codex:
    """`codex exec --json` with a configuration of its own; its only credential is the run token."""

    needs_model = True
    needs_files = True

    async def work(self, work: Work) -> Done:
        """Run it and read its events as they come."""
        home = f"{work.sandbox.scratch}/codex-home"
        with files_tar({"config.toml": _config(work.model, work.gateway_url).encode()}) as tar:
            await work.sandbox.put(tar, home)
        env = {"CODEX_HOME": home, _TOKEN_VARIABLE: work.token}
        binary = _binary(work.sandbox.agent_files)
        mode = await _sandbox_mode(work, binary, env)
        argv = [binary, "exec", "--strict-config", "--skip-git-repo-check", "--json", *mode, "--", work.instruction]
        with (
            Capped(work.logs / "agent.jsonl") as events,
            Capped(work.logs / "agent.stderr.log") as err,
        ):
            progress = _Progress(events, work)
            ended = await work.sandbox.run(argv, role=Role.AGENT, env=env, timeout=work.timeout, out=progress, err=err)
        return Done(ended, progress.commands_succeeded, progress.error or err.last_words())


def _config(model: str, gateway_url: str) -> str:
    return _CONFIG.format(model=json.dumps(model), base_url=json.dumps(gateway_url))


def _binary(agent_files: str) -> str:
    """In a container the agent volume's; on this machine that of the package openai-codex-cli-bin."""
    if agent_files:
        return f"{agent_files}/codex_cli_bin/bin/codex"
    return str(needs.codex_path())


async def _sandbox_mode(work: Work, binary: str, env: dict[str, str]) -> list[str]:
    """A container is the sandbox; on this machine Codex's own one is used, which must then work."""
    unsandboxed = ["--dangerously-bypass-approvals-and-sandbox"]
    if work.sandbox.agent_files:
        return unsandboxed
    probe = await work.sandbox.run(
        [binary, "sandbox", "--", "true"], role=Role.AGENT, env=env, timeout=20, out=lambda _: None, err=lambda _: None
    )
    if probe == Exit(0):
        return ["--sandbox", "workspace-write"]
    if work.allow_unsandboxed:
        return unsandboxed
    raise NotReady(
        "Codex's own sandbox does not work on this machine, and a live model must not run without one; use --backend docker, "
        "or --allow-unsandboxed if this machine may be changed"
    )


class _Progress:
    """Reads Codex's JSON events: what it does now, and which commands succeeded."""

    def __init__(self, events: Capped, work: Work) -> None:
        self._events = events
        self._say = work.say
        self._lines = Lines(self._line)
        self.commands_succeeded = 0
        self.error = ""

    def __call__(self, chunk: bytes) -> None:
        self._events(chunk)
        if not self._events.full:
            self._lines(chunk)

    def _line(self, line: bytes) -> None:
        if not line.startswith(b"{"):  # whatever runs beside Codex may write there too, and much
            return
        with contextlib.suppress(ValueError, RecursionError):
            event = json.loads(line)
            if isinstance(event, dict):
                self._event(event)

    def _event(self, event: dict[str, object]) -> None:
        item = event.get("item")
        if event.get("type") in ("error", "turn.failed"):
            error = event.get("error")
            self.error = str(error.get("message") if isinstance(error, dict) else event.get("message") or error)[:2000]
        elif isinstance(item, dict):
            kind = item.get("type")
            if kind == "command_execution":
                self._say(str(item.get("command", ""))[:120])
                self.commands_succeeded += event.get("type") == "item.completed" and item.get("exit_code") == 0
            elif kind == "file_change":
                names = [Path(str(c.get("path"))).name for c in item.get("changes") or [] if isinstance(c, dict)]
                self._say(f"edits {', '.join(names)}"[:120])
                self.commands_succeeded += event.get("type") == "item.completed" and item.get("status") == "completed"
            elif kind in ("agent_message", "reasoning"):
                self._say(str(item.get("text", "")).strip().split("\n")[0][:120])
