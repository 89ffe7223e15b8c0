"""Codex's own session log as far as the wire shows it. Source: what Codex writes to CODEX_HOME/sessions/…/rollout-*.jsonl.

Lines are {"timestamp", "ordinal", "type", "payload"}: session_meta with the base instructions, turn_context, response_item,
compacted, token_usage_record, and event_msg task_started and token_count. Codex keeps a file for each conversation; here they
follow one another, each from its own session_meta on, the first being the session's. It never carries headers, costs, tool
definitions, parameters of requests, the bytes of answers, nor the events that they came in.
"""

import json
import re
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import IO, Any

from oneshot_proxy.exports import history
from oneshot_proxy.exports.atif import agent_of
from oneshot_proxy.exports.clean import clean
from oneshot_proxy.exports.contract import Losses
from oneshot_proxy.exports.history import Turn
from oneshot_proxy.exports.steps import effort, rfc3339
from oneshot_proxy.model import Item
from oneshot_proxy.records import CallRecord, SessionRecord
from oneshot_proxy.usage import Usage

_CWD = re.compile(r"<cwd>([^<]+)</cwd>")
_SPOOL, _PIECE = 1024 * 1024, 256 * 1024


async def export(session: SessionRecord, calls: AsyncIterator[CallRecord], losses: Losses) -> AsyncIterator[bytes]:
    """JSON lines. The first conversation goes out as it is read, the others wait in temporary files."""
    logs: dict[str, _Log] = {}
    waiting: dict[str, IO[bytes]] = {}
    others: list[CallRecord] = []
    try:
        async for turn in history.turns(calls, others):
            if turn.refused:
                losses.add("the calls that the proxy refused, and what tools gave back in them")
                continue
            log = logs.setdefault(turn.thread.id, _Log(session, turn))
            lines = b"".join(_encoded(line) for line in log.lines(turn))
            if len(logs) == 1 or log is next(iter(logs.values())):
                yield lines
            else:
                file = waiting.setdefault(turn.thread.id, tempfile.SpooledTemporaryFile(_SPOOL))  # noqa: SIM115 -- below
                file.write(lines)
            _count_losses(turn, losses)
        for file in waiting.values():
            file.seek(0)
            while piece := file.read(_PIECE):
                yield piece
    finally:
        for file in waiting.values():
            file.close()
    if others:
        losses.add(f"its {len(others)} call{'s' * (len(others) != 1)} to no model API")
    if waiting:
        losses.add(f"that its {len(logs)} conversations went on side by side: they follow one another")


def _encoded(line: dict[str, Any]) -> bytes:
    return json.dumps(clean(line), ensure_ascii=False).encode() + b"\n"


def _count_losses(turn: Turn, losses: Losses) -> None:
    if turn.failure:
        losses.add("its failed calls and their repetitions")
        if turn.record.usage.tokens:
            losses.add("what its failed calls used")
    if turn.record.undecoded or turn.call.unknown:
        losses.add(f"what was not understood in call {turn.record.seq}")
    if turn.call.wire_api != "responses":
        losses.add(
            f"its messages as the API {turn.call.wire_api!r} writes them: they are put as the Responses API does"
        )


@dataclass
class _Log:
    """One conversation's lines."""

    session: SessionRecord
    begun: Turn
    turn_id: str = ""
    ordinal: int = 0
    total: Usage = field(default_factory=Usage)
    of_turn: Usage = field(default_factory=Usage)

    def lines(self, turn: Turn) -> Iterator[dict[str, Any]]:
        """What a turn adds."""
        start, end = turn.record.started_at, turn.record.started_at + turn.record.seconds
        items = list(turn.new)
        if not self.ordinal:
            base = _base_instructions(items)
            yield self._line(start, "session_meta", self._meta(turn, base, items))
        if turn.thread.turn != self.turn_id or self.ordinal == 1:
            yield from self._context(turn)
        if turn.replaced:
            yield self._line(start, "compacted", _compacted(turn))
            items = []
        for item in items:
            yield self._line(start, "response_item", _wire(turn.call.wire_api, item))
        if not turn.failure:
            for item in turn.call.output:
                yield self._line(end, "response_item", _wire(turn.call.wire_api, item))
            if turn.call.usage is not None:
                yield from self._usage(turn, end)

    def _line(self, at: float, kind: str, payload: dict[str, Any]) -> dict[str, Any]:
        self.ordinal += 1
        return {"timestamp": rfc3339(at), "ordinal": self.ordinal - 1, "type": kind, "payload": payload}

    def _meta(self, turn: Turn, base: str, items: list[Item]) -> dict[str, Any]:
        headers = dict(turn.record.request_headers)
        thread = turn.thread
        return {
            "session_id": headers.get("session-id", thread.id),
            "id": thread.id,
            "timestamp": rfc3339(self.session.opened_at),
            "cwd": thread.cwd or _cwd(items),
            "originator": headers.get("originator", "unknown"),
            "cli_version": agent_of(turn.record)["version"],
            "source": "exec"
            if not thread.parent
            else {"subagent": {"thread_spawn": {"parent_thread_id": thread.parent}}},
            "thread_source": "subagent" if thread.parent else "user",
            "model_provider": self.session.upstream,
            "base_instructions": {"text": base},
        }

    def _context(self, turn: Turn) -> Iterator[dict[str, Any]]:
        self.turn_id, self.of_turn = turn.thread.turn, Usage()
        begun = {"type": "task_started", "turn_id": self.turn_id, "started_at": int(turn.record.started_at)}
        yield self._line(turn.record.started_at, "event_msg", begun)
        asked = {"turn_id": self.turn_id, "model": turn.call.model, "effort": effort(turn.call.parameters)}
        yield self._line(turn.record.started_at, "turn_context", asked)

    def _usage(self, turn: Turn, at: float) -> Iterator[dict[str, Any]]:
        self.total += turn.record.usage
        self.of_turn += turn.record.usage
        last, total = _tokens(turn.record.usage), _tokens(self.total)
        record = {
            "thread_id": turn.thread.id,
            "turn_id": turn.thread.turn,
            "response_id": turn.call.response_id,
            "usage": last,
            "turn_token_usage": _tokens(self.of_turn),
            "thread_token_usage": total,
        }
        yield self._line(at, "token_usage_record", record)
        info = {"total_token_usage": total, "last_token_usage": last}
        yield self._line(at, "event_msg", {"type": "token_count", "info": info, "rate_limits": None})


def _base_instructions(items: list[Item]) -> str:
    """The system prompt, taken out of the items: the log keeps it in session_meta only."""
    if items and items[0].kind == "message" and items[0].role in ("system", "developer"):
        return items.pop(0).text
    return ""


def _compacted(turn: Turn) -> dict[str, Any]:
    """What replaced the history; its first item, the base instructions, does not count as history."""
    context = list(turn.context)
    _base_instructions(context)
    said = [item.text for item in turn.new if item.kind == "message" and item.role == "user"]
    kept = [_wire(turn.call.wire_api, item) for item in context]
    return {"message": said[-1] if said else "", "replacement_history": kept}


def _cwd(items: list[Item]) -> str:
    found = next((match for item in items if (match := _CWD.search(item.text))), None)
    return found[1] if found else ""


def _tokens(usage: Usage) -> dict[str, int]:
    return {
        "input_tokens": usage.input_tokens,
        "cached_input_tokens": usage.cached_tokens,
        "output_tokens": usage.output_tokens,
        "reasoning_output_tokens": usage.reasoning_tokens,
        "total_tokens": usage.tokens,
    }


def _wire(api: str, item: Item) -> dict[str, Any]:
    """An item as the Responses API writes it: its own object where it came from there."""
    if api == "responses" and item.raw:
        return {"type": "message"} | item.raw
    if item.kind == "tool_call":
        call = {"name": item.name, "call_id": item.call_id, "arguments": item.arguments}
        return {"type": "function_call", **call}
    if item.kind == "tool_result":
        return {"type": "function_call_output", "call_id": item.call_id, "output": item.text}
    if item.kind == "reasoning":
        return {"type": "reasoning", "summary": [{"type": "summary_text", "text": item.text}]}
    kind = "output_text" if item.role == "assistant" else "input_text"
    return {"type": "message", "role": item.role, "content": [{"type": kind, "text": item.text}]}
