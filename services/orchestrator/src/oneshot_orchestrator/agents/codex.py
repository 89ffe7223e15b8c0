"""The Codex CLI, headless. Configuration and its reasons: facts/codex.md §0 of the project's notes, checked by the end-to-end test."""

import contextlib
import json
from pathlib import Path

from oneshot.proxy.v1 import proxy_pb2
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
        usage = progress.usage if ended == Exit(0) and not events.full else None
        return Done(
            ended, progress.commands_succeeded, progress.error or err.last_words(), usage, broke_off=progress.failing
        )


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
    """Reads Codex's JSON events: what it does now, which commands succeeded, and what it says that it used.

    `usage` is `turn.completed`'s: the sum over every call of the thread that ended with `response.completed`, compactions included.
    Attempts that were tried again are not in it, nor is what a sub-agent used, which no event tells; a turn that failed has none.
    `failing`: the last that Codex said is an error. A command of the agent's cannot say that for it: Codex's standard output is a
    pipe that only this side and Codex itself can open.
    """

    def __init__(self, events: Capped, work: Work) -> None:
        self._events = events
        self._say = work.say
        self._lines = Lines(self._line)
        self.commands_succeeded = 0
        self.error = ""
        self.failing = False
        self.usage: proxy_pb2.Usage | None = None
        self._alone = True

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
        self.failing = event.get("type") in ("error", "turn.failed")
        self.usage = _usage(event.get("usage")) if event.get("type") == "turn.completed" and self._alone else None
        if self.failing:
            error = event.get("error")
            self.error = str(error.get("message") if isinstance(error, dict) else event.get("message") or error)[:2000]
        elif isinstance(item, dict):
            kind = item.get("type")
            self._alone = self._alone and kind != "collab_tool_call"
            if kind == "command_execution":
                self._say(str(item.get("command", ""))[:120])
                self.commands_succeeded += event.get("type") == "item.completed" and item.get("exit_code") == 0
            elif kind == "file_change":
                names = [Path(str(c.get("path"))).name for c in item.get("changes") or [] if isinstance(c, dict)]
                self._say(f"edits {', '.join(names)}"[:120])
                self.commands_succeeded += event.get("type") == "item.completed" and item.get("status") == "completed"
            elif kind in ("agent_message", "reasoning"):
                self._say(str(item.get("text", "")).strip().split("\n")[0][:120])


def _usage(given: object) -> proxy_pb2.Usage | None:
    """Codex's words for the counts; None where one is missing or is no count."""
    if not isinstance(given, dict):
        return None
    names = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_output_tokens")
    counts = [given.get(name) for name in names]
    if not all(type(count) is int and 0 <= count < 2**63 for count in counts):
        return None
    return proxy_pb2.Usage(
        input_tokens=counts[0], cached_tokens=counts[1], output_tokens=counts[2], reasoning_tokens=counts[3]
    )
