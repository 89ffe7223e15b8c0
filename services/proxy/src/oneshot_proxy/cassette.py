"""Cassettes: recorded or hand-written model answers, found again by what the model itself had said before.

JSON lines. The first is the header, each further one an answer:

    {"format": "oneshot-cassette/1", "wire_api": "responses", "model": "gpt-5.5", "origin": "written by hand"}
    {"output": [{"type": "function_call", "name": "exec_command", "call_id": "call_1", "arguments": "{}"}], "usage": {...}}
    {"after": "<hex sha256>", "status": 200, "output": [...], "usage": {...}}

`output` holds the items as the model emitted them, `usage` the Responses API's object. `after` is the digest of the sequence
of model-emitted items that stand in the request's `input`: what tools answered, ids, dates and paths differ from run to run
and do not count, nor does reasoning, which not every agent sends back. Left out, it is computed from the outputs of all lines
above: a linear conversation can be written by hand.
Of several lines with one `after` each is used once: the one that was recorded after the most similar words, else in their
order. An `error` object with a `status` from 400 on, in place of `output`, is answered as the API would answer it, and `body`
({"content_type", "text"}) is an answer that is none of the API's. Empty lines are skipped.

A recorded cassette says more. In the header: `cwd`, the words that stand for the agent's working directory in `output`;
`stopped_by`, the limit at which the recorded session ended: whoever asks on is refused with it. In an answer:

    "response"  what its response object has other than a completed one: status, error, incomplete_details
    "headers"   what of the answer's headers agents act upon: retry-after and its kin
    "ends"      "cut": the connection broke after `output`, before any answer where `status` is 0; "left": the agent left, so
                that nothing more comes until it leaves again
    "timing"    {"first_token", "seconds"}: seconds from the request to the first token and to the end
    "given"     what no model said and no answer after other words had: {"of": "output of call_1", "sha256", "text", "handles"}, with the
                digest and the beginning of its text without what always differs (see oneshot_proxy.drift), and ids in it
                that the model uses later, which a replay puts in terms of its own
    "instructions", "tools"   digests of the request's, where they differ from those of the line above
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from oneshot_shared.errors import BadInput, nearest

_NAMED = ("type", "name", "namespace", "call_id", "arguments", "input")
type Item = dict[str, Any]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Header(_Strict):
    """The first line. `model` is the one that the answers came from; a session must ask for the same."""

    format: Literal["oneshot-cassette/1"]
    wire_api: Literal["responses"]
    model: str = Field(min_length=1)
    origin: str = ""
    cwd: str = ""
    stopped_by: str = ""


class Timing(_Strict):
    """Seconds from the request to the first token, and to the end."""

    first_token: float = Field(ge=0)
    seconds: float = Field(ge=0)


class Body(_Strict):
    """An answer that is none of the API's."""

    content_type: str
    text: str


class Given(_Strict):
    """Something in a request that no model said; `of` names it."""

    of: str
    sha256: str
    text: str = ""
    handles: tuple[str, ...] = ()


class Entry(_Strict):
    """One answer."""

    after: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    status: int = Field(default=200, ge=0, le=599)
    output: list[Item] = []
    usage: Item = {}
    error: Item | None = None
    body: Body | None = None
    response: Item = {}
    headers: dict[str, str] = {}
    ends: Literal["whole", "cut", "left"] = "whole"
    timing: Timing | None = None
    given: tuple[Given, ...] = ()
    instructions: str | None = None
    tools: dict[str, str] | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> "Entry":
        if (self.status >= 400) != (self.error is not None or self.body is not None):
            raise ValueError("an `error` object, or a `body`, goes with a status from 400 on, and only with it")
        if self.status < 200 and (self.status or self.output or self.ends == "whole"):
            raise ValueError("a status is 200 to 599; 0 is for an answer that never came, with `ends` cut or left")
        if any(not isinstance(item.get("type"), str) for item in self.output):
            raise ValueError("every item of `output` needs a `type`")
        if any(not _is_parts(item.get("content")) for item in self.output if item["type"] == "message"):
            raise ValueError('a message needs `content` such as [{"type": "output_text", "text": "Done."}]')
        if any(
            not isinstance(self.usage.get(key, 0), int) for key in ("input_tokens", "output_tokens", "total_tokens")
        ):
            raise ValueError("the counts in `usage` must be whole numbers")
        return self


def _is_parts(content: object) -> bool:
    parts = content if isinstance(content, list) else [None]
    return all(
        isinstance(part, dict) and (part.get("type") != "output_text" or isinstance(part.get("text"), str))
        for part in parts
    )


@dataclass(frozen=True)
class Cassette:
    """A cassette; `entries` all have their `after`."""

    name: str
    header: Header
    entries: tuple[Entry, ...]


def emitted(items: list[Item]) -> list[Item]:
    """The identities of the items that a model emitted, in order: assistant messages and calls.

    An identity holds type, name, namespace, call_id, arguments or input, and text, where present. Reasoning has none: some
    agents send it back, others do not, and its content is encrypted or left out.
    """
    return [_identity(item) for item in items if is_emitted(item) and item.get("type") != "reasoning"]


def is_emitted(item: Item) -> bool:
    """Whether the model made an item of a conversation."""
    kind = item.get("type", "message")
    return item.get("role") == "assistant" if kind == "message" else kind == "reasoning" or str(kind).endswith("_call")


def _identity(item: Item) -> Item:
    named = {key: item[key] for key in _NAMED if item.get(key) is not None}
    text = text_of(item.get("content"))
    return {"type": "message"} | named | ({"text": text} if text else {})


def text_of(content: object) -> str:
    """The plain text of a string or of content parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(str(part.get("text") or part.get("refusal") or "") for part in parts if isinstance(part, dict))


def digest(identities: list[Item]) -> str:
    """Hex SHA-256 over the canonical JSON (sorted keys, no spaces, UTF-8) of a sequence of identities."""
    text = json.dumps(identities, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def parse(name: str, content: bytes) -> Cassette:
    """Read a cassette. :raises BadInput: with the line and what is wrong in it."""
    lines = [(number, line) for number, line in enumerate(content.split(b"\n"), 1) if line.strip()]
    if len(lines) < 2:
        raise BadInput(f"cassette {name!r} has {len(lines)} lines; it needs a header and at least one answer")
    header = _read(Header, name, *lines[0])
    entries: list[Entry] = []
    said: list[Item] = []
    for number, line in lines[1:]:
        entry = _read(Entry, name, number, line)
        entries.append(entry.model_copy(update={"after": entry.after or digest(said)}))
        said += emitted(entry.output)
    return Cassette(name, header, tuple(entries))


def _read[M: BaseModel](model: type[M], name: str, number: int, line: bytes) -> M:
    try:
        return model.model_validate(json.loads(line))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        known = list(model.model_fields)
        hint = f"{nearest(place, known)}; known: {', '.join(known)}" if first["type"] == "extra_forbidden" else ""
        words = first["msg"].removeprefix("Value error, ")
        raise BadInput(f"cassette {name!r}, line {number}: {place + ': ' if place else ''}{words}{hint}") from None
    except (ValueError, RecursionError) as error:
        raise BadInput(f"cassette {name!r}, line {number} is no JSON ({error}); mend that line") from None
