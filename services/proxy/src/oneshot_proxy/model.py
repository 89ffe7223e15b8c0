"""One model call, the same whatever wire API it came by: what decoding gives, and what exports, replay and alarms read."""

from dataclasses import dataclass
from typing import Any, Literal

from oneshot_proxy.usage import Usage

type Kind = Literal["message", "reasoning", "tool_call", "tool_result", "tools", "other"]


@dataclass(frozen=True)
class Item:
    """One entry of a conversation. `raw` is the wire's own object; the fields hold what all APIs share of it.

    `role` is system, developer, user, assistant or tool. `text` is the plain text: a message's, a reasoning summary's, a tool's
    output. `arguments` is a tool call's input as the model wrote it. `tools`: definitions that came inside of the conversation.
    """

    kind: Kind
    role: str
    raw: dict[str, Any]
    text: str = ""
    name: str = ""
    namespace: str = ""
    call_id: str = ""
    arguments: str = ""

    @property
    def emitted(self) -> bool:
        """Whether the model made it."""
        return self.kind in ("reasoning", "tool_call") or (self.kind == "message" and self.role == "assistant")


@dataclass(frozen=True)
class ModelCall:
    """A decoded call. `input` is the request's whole conversation, `output` what the model added.

    `instructions` is the system prompt where the API has a field for it; `parameters` is the rest of the request. `finish` says how
    the answer ended, in the API's own word ("completed", "stop", "end_turn", "max_output_tokens"), empty where it was cut.
    `unknown` names what was not understood; its bytes are in the record.
    """

    wire_api: str
    model: str
    instructions: str
    tools: tuple[dict[str, Any], ...]
    parameters: dict[str, Any]
    input: tuple[Item, ...]
    output: tuple[Item, ...]
    usage: Usage | None
    response_id: str = ""
    finish: str = ""
    error: str = ""
    unknown: tuple[str, ...] = ()
