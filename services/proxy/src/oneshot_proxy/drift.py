"""What a request holds that no model said, compared with what a recorded one held: differences are drift, never errors. Pure.

What differs from run to run by itself is taken out first: chunk ids, wall times, durations, dates, ids and the working directory.
"""

import hashlib
import html
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from oneshot_proxy.cassette import Entry, Given, Item, is_emitted, text_of

_KEPT = 400
_SHOWN = 80
_UUID = r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"
_HANDLE = re.compile(rf"session[ _]id\W{{1,4}}(\d+)|({_UUID})", re.IGNORECASE)
_CWD = re.compile(r"<environment_context>.*?<cwd>([^<]+)</cwd>", re.DOTALL)
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_DAY = r"(?:\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? )?"
_CLOCK = (
    r"\d\d?:\d\d(?::\d\d(?:[.,]\d+)?(?: [AP]M)?(?: (?:UTC|GMT|[A-Z]{1,3}T)\b)?| [AP]M\b)?(?: \d{4}\b)?(?: [+-]\d{4}\b)?"
)
_VOLATILE = (
    (re.compile(r"^Chunk ID: \w+$", re.MULTILINE), "Chunk ID"),
    (re.compile(r"^Wall time: .*$", re.MULTILINE), "Wall time"),
    (re.compile(r"^Original token count: \d+$", re.MULTILINE), "Original token count"),
    (re.compile(r'"chunk_id": ?"\w+"'), '"chunk_id"'),  # the same in code mode
    (re.compile(r'"wall_time_seconds": ?[\d.e-]+'), '"wall_time_seconds"'),
    (re.compile(r'"original_token_count": ?\d+'), '"original_token_count"'),
    (re.compile(r"(session[ _]id\W{1,4})\d+", re.IGNORECASE), r"\1N"),
    (re.compile(_UUID, re.IGNORECASE), "ID"),
    # dates and times: ISO's, those of `date`, `ls -l`, git and mail, a clock's
    (re.compile(r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z| ?[+-]\d\d:?\d\d)?)?"), "DATE"),
    (re.compile(rf"{_DAY}\b{_MONTH} [ \d]?\d +(?:{_CLOCK}|\d{{4}}\b)"), "DATE"),
    (re.compile(rf"{_DAY}\b\d?\d {_MONTH} \d{{4}}(?: {_CLOCK})?"), "DATE"),
    (re.compile(r"(?<![\w.:])\d{1,3}:\d\d:\d\d(?:[.,]\d+)?(?: [AP]M\b)?(?![\w:])"), "TIME"),
    (re.compile(r"(?<![\w.:])\d\d?:\d\d ?[AP]M\b"), "TIME"),
    # durations
    (re.compile(r"\b(?:\d+h ?)?(?:\d+m ?)?\d[\d,]*(?:\.\d+)? ?(?:[nmuµ]s|s|secs?|seconds?)\b"), "N s"),
    # names that the machine chose: temporary files, addresses, commits (which hold their time), processes
    (re.compile(r"/tmp/tmp\.?\w+|/tmp/pytest-of-\w+/pytest-\d+"), "TMP"),  # noqa: S108 -- looked for, not used
    (re.compile(r"\b0x[0-9a-f]{6,16}\b", re.IGNORECASE), "ADDRESS"),
    (re.compile(r"(?m)(^commit |HEAD is now at |^\[[^\s\]]+ (?:\(root-commit\) )?)[0-9a-f]{7,40}\b"), r"\1COMMIT"),
    (re.compile(r"(\bpid\W{1,3})\d+|^(\[\d+\] )\d+$", re.IGNORECASE | re.MULTILINE), r"\1\2PID"),
    # Codex's own home and temporary folder
    (re.compile(r"^- `r\d+` = `[^`]*`$", re.MULTILINE), "skills"),
    (re.compile(r"^ ?The writable roots? (?:is|are) .*$", re.MULTILINE), "writable roots"),
)


def cwd_of(items: list[Item]) -> str:
    """The agent's working directory as Codex names it in its first messages; empty where nothing names one, or it is the root."""
    for item in items:
        if item.get("role") == "user" and (found := _CWD.search(text_of(item.get("content")))):
            path = html.unescape(found[1].strip()).rstrip("/")
            return path if path.startswith("/") else ""
    return ""


def path_pattern(path: str) -> re.Pattern[str]:
    """Finds a path, and not one that only begins or ends like it."""
    return re.compile(rf"(?<![\w.-]){re.escape(path)}(?![\w-]|\.\w)")


def given(items: list[Item], cwd: str, memo: dict[bytes, Given]) -> list[Given]:
    """Everything in a request's input that no model said, by name, in order; names are unique.

    `memo` spares the work on what an earlier request of the same session had already.
    """
    found, counts = [], Counter[str]()
    for item in items:
        if not is_emitted(item):
            name = _name(item)
            counts[name] += 1
            numbered = name if name.startswith("output") and counts[name] == 1 else f"{name} {counts[name]}"
            text = _text(item)
            key = hashlib.blake2b(f"{numbered}\0{cwd}\0{text}".encode("utf-8", "surrogatepass")).digest()
            found.append(memo.get(key) or memo.setdefault(key, _given(numbered, text, cwd)))
    return found


def _name(item: Item) -> str:
    kind = str(item.get("type", "message"))
    if kind.endswith("_output"):
        return f"output of {item.get('call_id', kind)}"
    return f"{item.get('role', 'user')} message" if kind == "message" else f"item {kind}"


def _text(item: Item) -> str:
    content = item.get("output") if str(item.get("type")).endswith("_output") else item.get("content")
    if isinstance(content, str | list) and (text := text_of(content)):
        return text
    rest = {key: value for key, value in item.items() if key not in ("id", "status", "call_id", "role")}
    return json.dumps(rest, sort_keys=True, ensure_ascii=False)


def _given(of: str, text: str, cwd: str) -> Given:
    plain = normal(text, cwd)
    handles = tuple(each[1] or each[2] for each in _HANDLE.finditer(text))
    return Given(of=of, sha256=_digest(plain), text=_beginning(plain), handles=handles)


def normal(text: str, cwd: str) -> str:
    """A text without what differs from run to run."""
    if cwd:
        text = path_pattern(cwd).sub("CWD", text)
    for pattern, words in _VOLATILE:
        text = pattern.sub(words, text)
    return text


def _beginning(text: str) -> str:
    body = text.partition("Output:\n")[2] if text.startswith("Chunk ID") else text
    return " ".join(body.split())[:_KEPT].encode("utf-8", "replace").decode()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def instructions(body: Mapping[str, Any], cwd: str) -> str:
    """A digest of the request's instructions; empty where it has none."""
    words = body.get("instructions")
    return _digest(normal(words, cwd)) if isinstance(words, str) and words else ""


def tools(body: Mapping[str, Any]) -> dict[str, str]:
    """A digest of each tool's definition, by name, or by type where it has none."""
    listed = body.get("tools")
    named = [tool for tool in listed if isinstance(tool, dict)] if isinstance(listed, list) else []
    return {str(tool.get("name") or tool.get("type")): _digest(json.dumps(tool, sort_keys=True)) for tool in named}


def distance(entry: Entry, mine: Mapping[str, Given]) -> int:
    """How many of the things that an entry was recorded after are not in a request."""
    return sum(each.of not in mine or mine[each.of].sha256 != each.sha256 for each in entry.given)


def sentences(entry: Entry, mine: Mapping[str, Given], body: Mapping[str, Any], cwd: str) -> Iterator[str]:
    """Where a request differs from the one that an entry answered."""
    if entry.instructions is not None and entry.instructions != instructions(body, cwd):
        yield "the instructions differ from the recorded ones"
    if entry.tools is not None:
        yield from _tools(entry.tools, tools(body))
    for each in entry.given:
        own = mine.get(each.of)
        if own is None:
            yield f"{each.of} is missing; recorded: {each.text[:_SHOWN]!r}"
        elif own.sha256 != each.sha256:
            yield f"{each.of} differs{_difference(own.text, each.text)}"


def _difference(mine: str, recorded: str) -> str:
    """Where two texts part, as far as their beginnings show it."""
    if mine == recorded:
        return f" after its first {len(mine)} characters"
    pairs = enumerate(zip(mine, recorded, strict=False))
    common = next((index for index, (own, theirs) in pairs if own != theirs), min(len(mine), len(recorded)))
    start = max(0, common - _SHOWN // 4)
    window = slice(start, start + _SHOWN)
    return f": {mine[window]!r}, recorded: {recorded[window]!r}"


def _tools(recorded: Mapping[str, str], mine: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(recorded.keys() | mine.keys()):
        if recorded.get(name) != mine.get(name):
            how = "is missing" if name not in mine else "is new" if name not in recorded else "differs"
            yield f"tool {name} {how}"
