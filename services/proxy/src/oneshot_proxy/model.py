"""One model call, the same whatever wire API it came by: what decoding gives, and what exports, replay and alarms read."""

from dataclasses import dataclass
from typing import Any, Literal

from oneshot_proxy.usage import Usage

type Kind = Literal["message", "reasoning", "tool_call", "tool_result", "tools", "other"]


@dataclass(frozen=True)
class Item:
    """One entry of a conversation. `raw` is the wire's own object; the fields hold what all APIs share of it.

    `role` is system, developer, user, assistant or tool. `text` is the plain text: a message's, a reasoning's, a tool's
    output; images and files are in `raw` only. `arguments` is a tool call's input as the model wrote it, JSON where the API
    gives an object. `tools`: definitions that came inside of the conversation; such an item may answer a call (`call_id`).
    Messages of Chat Completions and Anthropic hold several entries: each is an item, `raw` the part, and where the message has
    only text, `raw` is the message.
    """

    kind: Kind
    role: str
    raw: dict[str, Any]
    text: str = ""
    name: str = ""
    namespace: str = ""
    call_id: str = ""
    arguments: str = ""
    tools: tuple[dict[str, Any], ...] = ()

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

    @property
    def definitions(self) -> tuple[dict[str, Any], ...]:
        """Every tool that the model could call: the request's, and those that came inside of the conversation."""
        return (*self.tools, *(tool for item in self.input for tool in item.tools))
