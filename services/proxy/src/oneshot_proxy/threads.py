"""Which of a session's conversations a call belongs to, in the agent's own words, and which calls repeat a failed one. Pure.

Codex names its thread in `thread-id` and `x-codex-turn-metadata` (JSON), a sub-agent's also its parent's in
`x-codex-parent-thread-id` and its kind in `x-openai-subagent`; the body's `client_metadata` says the same. Seen with 0.163.0.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

from oneshot_proxy.protocols.reading import json_object, mapping, string
from oneshot_proxy.records import CallRecord

_METADATA = "x-codex-turn-metadata"


@dataclass(frozen=True)
class Thread:
    """One conversation; empty strings where the wire says nothing.

    `kind`: what made a sub-agent ("thread_spawn", "review"). `turn`: the id of the agent's turn. `request_kind`: "turn", or what
    else the call is for ("compaction"). `cwd`: the working tree; Codex names it in git repositories only.
    """

    id: str = ""
    parent: str = ""
    kind: str = ""
    turn: str = ""
    request_kind: str = ""
    cwd: str = ""


def thread_of(record: CallRecord) -> Thread:
    """The thread that a call names."""
    said = dict(record.request_headers)
    if not said.get("thread-id"):  # parsing a body of megabytes is worth it only then
        body = mapping((json_object(record.request) or {}).get("client_metadata"))
        said = {name.replace("_", "-"): string(value) for name, value in body.items()} | said
    more = _metadata(said)
    return Thread(
        id=string(said.get("thread-id") or more.get("thread_id") or said.get("session-id")),
        parent=string(said.get("x-codex-parent-thread-id") or more.get("parent_thread_id")),
        kind=string(more.get("subagent_kind") or said.get("x-openai-subagent")),
        turn=string(more.get("turn_id") or said.get("turn-id")),
        request_kind=string(more.get("request_kind")),
        cwd=string(next(iter(mapping(more.get("workspaces"))), "")),
    )


def _metadata(said: dict[str, str]) -> dict[str, Any]:
    return json_object(said.get(_METADATA, "").encode("utf-8", "replace")) or {}


class Retries:
    """Fed with a session's calls in their order."""

    def __init__(self) -> None:
        self._failed: dict[bytes, int] = {}

    def before(self, record: CallRecord) -> int:
        """How many calls asked exactly the same and failed since one succeeded: 0 for a first attempt."""
        asked = hashlib.sha256(record.request_line.encode() + b"\n" + record.request).digest()
        count = self._failed.pop(asked, 0)
        if record.error or not 200 <= record.status < 300:
            self._failed[asked] = count + 1
        return count
