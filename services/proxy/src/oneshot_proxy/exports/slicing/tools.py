"""OneShot's own tools in what a model said, whichever way Codex offers them. Pure.

Seen with 0.163.0: a `function_call` repo_start_task_v1 in the namespace mcp__oneshot, the same after a `tool_search_call`, or, in
code mode, `tools.mcp__oneshot__repo_start_task_v1(…)` in the script of a custom tool call `exec`.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from oneshot_proxy.cassette import Item
from oneshot_proxy.protocols.reading import mappings, string

START, END = "start_task", "end_task"
_OURS = re.compile(
    rf"(?:\w*__)?repo[._]({START}|{END}|check_readiness|autofix_readiness|task_status|abort_task)[._]v\d+"
)
_USE = re.compile(r"""\btools\s*(?:\??\.\s*(\w+)|(?:\?\.)?\[\s*["'`]([^"'`]+)["'`]\s*\])""")
_SCRIPT = "exec"
# what our tools give back in a script, as far as scripts read it; it begins with a name, as a bracket may go on with the line before
_STAND_IN = 'Object(async () => ({ content: [{ type: "text", text: "done" }], structuredContent: {}, isError: false }))'


@dataclass(frozen=True)
class Use:
    """Which of our tools an item calls, as START and END, in their order; `alone`: it does nothing else."""

    names: tuple[str, ...] = ()
    alone: bool = True


def use(item: Item) -> Use:
    """What an item of the model calls of ours; nothing for any other item."""
    kind, name = item.get("type"), string(item.get("name"))
    if kind in ("function_call", "mcp_call"):
        found = _OURS.fullmatch(name)
        return Use((found[1],) if found else ())
    if kind != "custom_tool_call" or name != _SCRIPT:
        return Use()
    used = [one or other for one, other in _USE.findall(string(item.get("input")))]
    ours = [found[1] for each in used if (found := _OURS.fullmatch(each))]
    return Use(tuple(ours), len(ours) == len(used))


def without(item: Item) -> Item | None:
    """An item without our tools: None where nothing of it is left, itself where it calls none, else a script with stand-ins."""
    found = use(item)
    if not found.names:
        return item
    return None if found.alone else item | {"input": _USE.sub(_stand_in, item["input"])}


def _stand_in(found: re.Match[str]) -> str:
    return _STAND_IN if _OURS.fullmatch(found[1] or found[2]) else found[0]


def searched_only_ours(item: Item) -> bool:
    """Whether an item is the result of a tool search that found our tools and no others."""
    found = mappings(item.get("tools"))
    return item.get("type") == "tool_search_output" and bool(found) and not list(others(found))


def others(tools: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The definitions of tools that are not ours; a namespace that holds ours alone is ours."""
    for tool in tools:
        inner = mappings(tool.get("tools"))
        named = [string(each.get("name")) for each in inner or [tool]]
        if not all(_OURS.fullmatch(name) for name in named):
            yield tool
