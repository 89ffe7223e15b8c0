"""A session for a person at a terminal: who, how much and what went wrong, then the conversation as it went on."""

import json
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from oneshot.proxy.v1 import proxy_pb2 as pb
from oneshot_cli import trace_rows, trace_tools
from oneshot_cli.show import plain

if TYPE_CHECKING:
    from rich.text import Text

_STYLES = {"system": "dim", "user": "bold cyan", "agent": "bold green"}
_SYSTEM_LINES, _MESSAGE_LINES, _RESULT_LINES = 1, 20, 8
# what an agent tells its model about the surroundings comes as the user's, in a tag
_CONTEXT = re.compile(r"<([a-z_]+)>.*</\1>\s*\Z", re.DOTALL)
_ENDS_WELL = (None, "", "completed", "stop", "end_turn", "tool_use", "tool_calls")
type Part = dict[str, Any]


@dataclass(frozen=True)
class Line:
    """One line of the view. `style` is rich's."""

    text: str = ""
    style: str = ""


def view(session: pb.Session, trajectory: Part, *, width: int, full: bool = False) -> Iterator["Text"]:
    """The lines that `oneshot trace show` prints. `trajectory` is the session's ATIF document; `full` shortens nothing."""
    from rich.text import Text

    for line in (*_header(session, trajectory), *_Conversation(width, full).lines(trajectory)):
        yield Text(plain(line.text), style=line.style, no_wrap=True, overflow="ignore")


def _header(session: pb.Session, trajectory: Part) -> Iterator[Line]:
    agent = trajectory.get("agent", {})
    known = agent.get("name", "unknown") != "unknown"
    who = f" of {agent['name']} {agent['version']}" if known else ""
    yield Line(f"{session.session_id}  {trace_rows.kind(session)} session{who}", "bold")
    where = f" from {session.upstream}" if session.upstream else ""
    facts = [("model", f"{session.model or agent.get('model_name') or 'unknown'}{where}"), ("time", _when(session))]
    facts.append(("used", _used(session)))
    facts += [("trouble", session.upstream_failure)] if session.upstream_failure else []
    facts += [("stopped", session.stopped_by)] if session.stopped_by else []
    facts += [("alarm", each) for each in session.alarms]
    facts += [("drift", each) for each in session.drift]
    for name, value in facts:
        style = {"model": "", "time": "", "used": "", "drift": "yellow"}.get(name, "bold red")
        yield Line(f"  {name:<8} {value}", style)


def _when(session: pb.Session) -> str:
    opened = datetime.fromisoformat(session.opened_at)
    begin = f"{opened:%Y-%m-%d %H:%M:%S} UTC"
    if session.open:
        return f"{begin}, still open"
    return f"{begin}, {(datetime.fromisoformat(session.closed_at) - opened).total_seconds():.1f} s"


def _used(session: pb.Session) -> str:
    usage = session.usage
    failed = session.calls - session.calls_succeeded
    calls = f"{session.calls} call{'s' * (session.calls != 1)}" + (f" ({failed} without success)" if failed else "")
    tokens = f"{usage.input_tokens:,} tokens in ({usage.cached_tokens:,} cached), {usage.output_tokens:,} out"
    reasoning = f" ({usage.reasoning_tokens:,} reasoning)" if usage.reasoning_tokens else ""
    return f"{calls}, {tokens}{reasoning}, cost {trace_rows.cost(usage)}"


@dataclass(frozen=True)
class _Conversation:
    """Draws trajectories; a sub-agent's is drawn inside of the one that started it."""

    width: int
    full: bool
    margin: str = ""

    def lines(self, trajectory: Part) -> Iterator[Line]:
        inside = {each["trajectory_id"]: each for each in trajectory.get("subagent_trajectories") or ()}
        for step in trajectory.get("steps", ()):
            yield Line(self.margin.rstrip())
            yield from self._step(step)
            for result in (step.get("observation") or {}).get("results", ()):
                yield from self._result(result)
                for reference in result.get("subagent_trajectory_ref") or ():
                    if found := inside.pop(reference.get("trajectory_id"), None):
                        yield from self._inner("sub-agent", found)
        for call in (trajectory.get("extra") or {}).get("failed_calls", ()):
            yield Line(self.margin.rstrip())
            yield from self._failed(call)
        for found in inside.values():
            yield from self._inner("another conversation", found)

    def _inner(self, words: str, trajectory: Part) -> Iterator[Line]:
        yield Line(f"{self.margin}  ┌ {words} {trajectory['trajectory_id']}", "magenta")
        yield from _Conversation(self.width, self.full, self.margin + "  │ ").lines(trajectory)
        yield Line(f"{self.margin}  └", "magenta")

    def _step(self, step: Part) -> Iterator[Line]:
        extra = step.get("extra") or {}
        for call in extra.get("failed_calls", ()):
            yield from self._failed(call)
        if extra.get("context_replaced"):
            yield Line(f"{self.margin}── from here on the agent's context is compacted ──", "yellow")
        source = "system" if _CONTEXT.match(step["message"]) else step["source"]
        role = extra.get("request_kind") or extra.get("role") or (source if source == step["source"] else "context")
        if source != "agent":
            lines = _SYSTEM_LINES if source == "system" else _MESSAGE_LINES
            yield Line(f"{self.margin}● {role}", _STYLES[source])
            yield from self._text(step["message"], lines, "dim" if source == "system" else "")
            return
        copied = "said before this recording" if step.get("is_copied_context") else ""
        yield Line(f"{self.margin}● {role}  {_facts(step) or copied}".rstrip(), _STYLES[source])
        if error := (extra.get("call") or {}).get("error"):
            yield Line(f"{self.margin}  ✗ {error}", "red")
        yield from self._text(step.get("reasoning_content") or "", _MESSAGE_LINES, "italic dim")
        yield from self._text(step["message"], 0, "")
        for call in step.get("tool_calls") or ():
            yield from self._text(trace_tools.call(call), _MESSAGE_LINES, "yellow")

    def _result(self, result: Part) -> Iterator[Line]:
        text, code = trace_tools.result(str(result.get("content") or ""))
        if code:
            yield Line(f"{self.margin}  │ exit code {code}", "red")
        if "content" not in result or (code and not text.strip()):
            return
        yield from self._text(text or "(no output)", _RESULT_LINES, "dim", "  │ ")

    def _failed(self, call: Part) -> Iterator[Line]:
        after = f" after {_time(call['seconds'])}" if "seconds" in call else ""
        yield Line(f"{self.margin}✗ call {call['seq']} failed{after}: {call['error']}", "red")
        if partial := call.get("partial"):
            yield from self._text(f"thrown away: {json.dumps(partial, ensure_ascii=False)}", 2, "dim")

    def _text(self, text: str, most: int, style: str, indent: str = "  ") -> Iterator[Line]:
        """Text in lines of the terminal's width; at most so many unless `full`, 0 = all of them."""
        start = self.margin + indent
        room = max(20, self.width - len(start))
        lines = [part for line in text.strip("\n").split("\n") for part in _wrapped(line, room)] if text else []
        hidden = 0 if self.full or not most or len(lines) <= most + 1 else len(lines) - most
        for line in lines[: len(lines) - hidden]:
            yield Line(f"{start}{line}".rstrip(), style)
        if hidden:
            yield Line(f"{start}… {hidden:,} more lines (--full)", "dim")


def _wrapped(line: str, room: int) -> list[str]:
    """Long lines are cut at spaces where there are some; those at a cut go, those at the line's beginning stay."""
    if len(line) <= room:
        return [line]
    first, *more = textwrap.wrap(line, room, replace_whitespace=False, drop_whitespace=False, break_on_hyphens=False)
    return [first, *(part for each in more if (part := each.lstrip(" ")))]


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _facts(step: Part) -> str:
    """A call in a few words."""
    call, metrics = (step.get("extra") or {}).get("call"), step.get("metrics")
    if not call:
        return ""
    first = call.get("first_token_seconds") or call.get("first_byte_seconds")
    words = [f"call {call['seq']}", _time(call["seconds"]) + (f" (first after {_time(first)})" if first else "")]
    if metrics:
        cached = f" ({metrics['cached_tokens']:,} cached)" if metrics["cached_tokens"] else ""
        words.append(f"{metrics['prompt_tokens']:,} in{cached}, {metrics['completion_tokens']:,} out")
        words += [f"${metrics['cost_usd']:.4f}"] if metrics.get("cost_usd") is not None else []
    words += [call["finish"]] if call.get("finish") not in _ENDS_WELL else []
    return " · ".join(words)
