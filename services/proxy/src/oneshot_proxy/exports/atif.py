"""ATIF 1.8, the field's format for trajectories. Source: https://www.harborframework.com/docs/agents/trajectory-format.

The session's longest conversation is the trajectory; sub-agents' are embedded in the one that started them, and the tool's result
that named a sub-agent refers to it. What ATIF has no field for stands under `extra`: each call's status, times and failed
attempts, and at the root what the session's record says. It never carries headers, the bytes of requests and answers, nor the
events that answers came in.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

from oneshot_proxy.exports import history
from oneshot_proxy.exports.clean import Room, clean
from oneshot_proxy.exports.contract import Losses
from oneshot_proxy.exports.steps import Steps, rfc3339
from oneshot_proxy.protocols.reading import string
from oneshot_proxy.records import CallRecord, SessionRecord
from oneshot_proxy.threads import Thread

VERSION = "ATIF-v1.8"
_DEEPEST = 16  # of documents in documents; readers of JSON stop at some depth
_PIECE = 256 * 1024
_PRODUCT = re.compile(r"([^\s/()]+)/([^\s()]+)")
_NAMES = {"codex": "codex", "claude-cli": "claude-code"}
type Document = dict[str, Any]


async def export(session: SessionRecord, calls: AsyncIterator[CallRecord], losses: Losses) -> AsyncIterator[bytes]:
    """One JSON document. What is held at a time is what the document holds, no call's body."""
    found: dict[str, Steps] = {}
    agent: Document = {}
    others: list[CallRecord] = []
    room = Room(losses)
    async for turn in history.turns(calls, others):
        steps = found.setdefault(turn.thread.id, Steps(turn.thread, losses, room))
        steps.take(turn)
        agent = agent or agent_of(turn.record)
        if turn.record.undecoded or turn.call.unknown:
            losses.add(f"what was not understood in call {turn.record.seq}")
    if others:
        losses.add(f"its {len(others)} call{'s' * (len(others) != 1)} to no model API")
    text = await asyncio.to_thread(_written, session, agent, found or {"": Steps(Thread(), losses, room)}, losses)
    for start in range(0, len(text), _PIECE):
        yield text[start : start + _PIECE]


def _written(session: SessionRecord, agent: Document, found: dict[str, Steps], losses: Losses) -> bytes:
    import atif

    made = _tree(session, agent, found)
    made["extra"]["not_carried"] = losses.sentences
    document = atif.Trajectory.model_validate(made)
    return document.model_dump_json(exclude_none=True, indent=2).encode()


def agent_of(record: CallRecord) -> Document:
    """Name and version by the User-Agent header; "unknown" where it says nothing."""
    header = string(dict(record.request_headers).get("user-agent", ""))
    match = _PRODUCT.match(header)
    name, version = match.groups() if match else (header or "unknown", "unknown")
    known = next((mine for prefix, mine in _NAMES.items() if name.startswith(prefix)), name)
    return {"name": known, "version": version} | ({"extra": {"user_agent": header}} if header else {})


def _tree(session: SessionRecord, agent: Document, found: dict[str, Steps]) -> Document:
    """Each conversation's document inside of its parent's; one that names no parent is the root's, which does not refer to it."""
    for steps in found.values():
        steps.end()
    root = _root(found)
    documents = {root: _document(session, agent, found[root])}
    depths = {root: 0}
    for thread_id, steps in found.items():  # a parent comes before its children, so there are no circles
        if thread_id == root:
            continue
        parent = steps.thread.parent
        above = parent if depths.get(parent, _DEEPEST) < _DEEPEST else root
        documents[thread_id] = _document(session, agent, steps)
        documents[above].setdefault("subagent_trajectories", []).append(documents[thread_id])
        depths[thread_id] = depths[above] + 1
        if above == parent:
            _refer(found[above], thread_id)
    notes = [*_session_notes(session), *(note for steps in found.values() for note in _failures(steps))]
    documents[root]["extra"] |= clean(_session(session))
    return documents[root] | {"notes": string("\n".join(notes)) or None}


def _root(found: dict[str, Steps]) -> str:
    """The longest conversation that nobody in the session started: an agent may ask for a title first."""
    alone = [thread_id for thread_id, steps in found.items() if steps.thread.parent not in found]
    return max(alone or found, key=lambda thread_id: len(found[thread_id].steps))


def _document(session: SessionRecord, agent: Document, steps: Steps) -> Document:
    usage = steps.usage
    mine = {"model_name": steps.model or session.model or None, "tool_definitions": list(steps.tools.values()) or None}
    about = {**agent.get("extra", {}), "kind": steps.thread.kind, "parameters": steps.parameters}
    return {
        "schema_version": VERSION,
        "session_id": session.session_id,
        "trajectory_id": steps.thread.id or session.session_id,
        "agent": {"name": "unknown", "version": "unknown"} | agent | mine | {"extra": about},
        "steps": steps.steps,
        "extra": {"failed_calls": steps.failed} if steps.failed else {},
        "final_metrics": {
            "total_prompt_tokens": usage.input_tokens,
            "total_completion_tokens": usage.output_tokens,
            "total_cached_tokens": usage.cached_tokens,
            "total_cost_usd": usage.cost_usd,
            "total_steps": len(steps.steps),
            "extra": {
                "reasoning_tokens": usage.reasoning_tokens,
                "cache_write_tokens": usage.cache_write_tokens,
            },
        },
    }


def _refer(above: Steps, thread_id: str) -> None:
    """At the result that names the sub-agent first; where none does, at the last step that called a tool."""
    reference = {"trajectory_id": thread_id}
    for text, result in above.observed:
        if thread_id in text:
            result.setdefault("subagent_trajectory_ref", []).append(reference)
            return
    callers = [step for step in above.steps if "tool_calls" in step]
    if callers:
        results = callers[-1].setdefault("observation", {"results": []})["results"]
        results.append({"subagent_trajectory_ref": [reference]})


def _session(session: SessionRecord) -> Document:
    said = {key: value for key, value in asdict(session).items() if value not in ("", (), None)}
    times = {name: rfc3339(said[name]) for name in ("opened_at", "closed_at", "expires_at") if said.get(name)}
    return {"session": {key: value for key, value in said.items() if not key.endswith("_at")} | times}


def _session_notes(session: SessionRecord) -> list[str]:
    said = [session.stopped_by and f"Stopped: {session.stopped_by}.", session.upstream_failure]
    return [note for note in (*said, *session.alarms) if note]


def _failures(steps: Steps) -> list[str]:
    """Calls that no later one made good."""
    return [f"Call {call['seq']} was not answered: {call['error']}" for call in steps.failed]
