"""The six tools by which an agent captures its work as a task: names, words, annotations, and the MCP server that offers them.

`mcp` is imported only inside functions: who reads names or arguments does not pay for it.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from oneshot_shared.capture_arguments import (
    AbortTask,
    Arguments,
    AutofixReadiness,
    CheckReadiness,
    EndTask,
    StartTask,
    TaskStatus,
)
from oneshot_shared.capture_core import Caller, CaptureTools, Told
from oneshot_shared.errors import BadInput, DataLoss, NotReady, printable, sentence

if TYPE_CHECKING:
    import mcp_types as types
    from mcp.server.context import ServerRequestContext
    from mcp.server.lowlevel import Server

NAME = "oneshot"
_SCRIPTED = "exec-"
INSTRUCTIONS = """\
OneShot Bench records work in this repository as an evaluation task, a benchmark for coding agents. repo.start_task.v1 saves where the
work begins; repo.end_task.v1 finishes it and saves the diff, the rubric and the fail->pass unit tests, so that another agent can be
asked to one-shot the same task. Call repo.start_task.v1 when the person asks to start, begin, record or capture a task, before the
first edit; call repo.end_task.v1 when they ask to end, finish or save it, or the work is done. repo.check_readiness.v1 and
repo.autofix_readiness.v1 tell and mend what makes the repository unfit as a base; repo.task_status.v1 tells what is recorded;
repo.abort_task.v1 gives the task up. The tools only read the repository: they never commit, stage or change a file. What they answer
is final: do not repeat a call that succeeded.""".replace("\n", " ")


@dataclass(frozen=True)
class Tool:
    """One tool. `method`: of `CaptureTools`. `reads`: it changes nothing at all."""

    name: str
    title: str
    description: str
    arguments: type[Arguments]
    reads: bool = False

    @property
    def method(self) -> str:
        """`start_task` of `repo.start_task.v1`."""
        return self.name.split(".")[1]


TOOLS = (
    Tool(
        "repo.start_task.v1",
        "Start a task",
        "Start (begin, record, capture) a one-shot evaluation task in this repository: saves its state now, uncommitted and untracked "
        "files too, as the base that other agents will start from. Call it when the person asks to start, begin or record a task, before "
        "the first edit. Write instructions that do not give the answer away: what is wanted and how it shows from outside, not which "
        "lines to change. One task is open at a time; the same title again is answered as before.",
        StartTask,
    ),
    Tool(
        "repo.end_task.v1",
        "End the task",
        "End (finish, save, complete) the open one-shot evaluation task: saves the diff since repo.start_task.v1 as the reference "
        "solution, with the rubric and the fail->pass unit tests that validate it. Call it when the work is done and verified, or the "
        "person asks to end, finish or save the task. Before it, write tests that fail without your change and pass with it, and name "
        "them here; give weighted criteria, each with how it is judged (decided_by tests or judge). Safe to repeat.",
        EndTask,
    ),
    Tool(
        "repo.check_readiness.v1",
        "Check readiness",
        "Check the readiness of this repository, whether it can be the base of a task: git identity, a merge, rebase or conflicts "
        "under way, submodules, large files and the like. Changes nothing. Call it before repo.start_task.v1 if in doubt, or when the "
        "person asks about readiness.",
        CheckReadiness,
        reads=True,
    ),
    Tool(
        "repo.autofix_readiness.v1",
        "Mend readiness",
        "Fix (mend, repair) the readiness problems of this repository that can be mended safely, and say what is left for the person to "
        "do. Never changes a file, the index, a branch or the git configuration. Call it after repo.check_readiness.v1 reported problems.",
        AutofixReadiness,
    ),
    Tool(
        "repo.task_status.v1",
        "Task status",
        "Tell the status of the task that is recorded in this repository: open, saved (with its folder), aborted, "
        "and what to do next. Changes nothing.",
        TaskStatus,
        reads=True,
    ),
    Tool(
        "repo.abort_task.v1",
        "Abort the task",
        "Abort (cancel, discard, give up) the open task: nothing is saved of it; the repository and the work in it "
        "stay as they are. Call it only when the person asks for it.",
        AbortTask,
    ),
)


def server(tools: CaptureTools, offered: tuple[Tool, ...] = TOOLS) -> "Server[Any]":
    """An MCP server that offers the tools; `offered`: with arguments of more fields, where a transport needs them."""
    import mcp_types as types
    from mcp.server.lowlevel import Server

    from oneshot_shared.version import VERSION

    async def listed(_context: "ServerRequestContext[Any]", _params: object) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[_listed(tool) for tool in offered])

    async def called(context: "ServerRequestContext[Any]", params: types.CallToolRequestParams) -> types.CallToolResult:
        told, failed = await answer(tools, offered, params.name, params.arguments or {}, _caller(context))
        content: list[types.ContentBlock] = [types.TextContent(type="text", text=told.text)]
        return types.CallToolResult(content=content, structured_content=dict(told.fields) or None, is_error=failed)

    return Server(NAME, version=VERSION, instructions=INSTRUCTIONS, on_list_tools=listed, on_call_tool=called)


async def answer(
    tools: CaptureTools, offered: tuple[Tool, ...], name: str, arguments: Mapping[str, Any], caller: Caller
) -> tuple[Told, bool]:
    """What a call is answered, and whether it failed. It never raises: to the model, an answer that does not come is a failure."""
    try:
        tool = _find(offered, name)
        told = await getattr(tools, tool.method)(caller, **_read(tool, arguments).given())
        return _sendable(told), False
    except (BadInput, NotReady, DataLoss, OSError) as error:
        return Told(sentence(error)), True
    except (Exception, SystemExit) as error:  # the SDK masks the one, and dies of the other
        logging.getLogger(__name__).exception("%s failed", name)
        why = f"{type(error).__name__}: {sentence(error)}"
        return Told(
            f"this is a fault in oneshot itself, not in your call ({why}); tell the person, and go on without"
        ), True


def _sendable(told: Told) -> Told:
    """With nothing in it that JSON or UTF-8 cannot carry, as file names and their paths do: half an answer is none."""
    return Told(
        printable(told.text), json.loads(printable(json.dumps(dict(told.fields), default=str, ensure_ascii=False)))
    )


def _find(offered: tuple[Tool, ...], name: str) -> Tool:
    for tool in offered:
        if tool.name == name:
            return tool
    raise BadInput(f"there is no tool {name!r}; the tools are {', '.join(tool.name for tool in offered)}")


def _read(tool: Tool, arguments: Mapping[str, Any]) -> Arguments:
    try:
        return tool.arguments.model_validate(dict(arguments))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        if first["type"] == "missing":
            field = tool.arguments.model_fields[name]
            raise BadInput(f"{tool.name}: {name!r} is missing; give it: {field.description}") from None
        given = repr(first["input"])
        given = given if len(given) <= 200 else f"{given[:199]}…"
        raise BadInput(
            f"{tool.name}: {name!r} is not understood ({given}): {first['msg'].removeprefix('Value error, ')}"
        ) from None


def _listed(tool: Tool) -> "types.Tool":
    import mcp_types as types

    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=schema(tool),
        annotations=types.ToolAnnotations(
            title=tool.title,
            read_only_hint=tool.reads,
            destructive_hint=False,
            idempotent_hint=True,
            open_world_hint=False,
        ),
    )


def schema(tool: Tool) -> dict[str, Any]:
    """The JSON schema of a tool's arguments, without what says nothing to a model."""
    made = tool.arguments.model_json_schema()
    for each in made.get("properties", {}).values():
        each.pop("title", None)
        each.pop("default", None)
    return {"type": "object", "properties": made.get("properties", {}), "required": made.get("required", [])}


def _caller(context: "ServerRequestContext[Any]") -> Caller:
    """What Codex says of itself. In code mode `callId` names a call inside the script, which no model ever sees, and `itemId` is the
    id of the model's item that holds the script (measured, Codex 0.163).
    """
    meta: Mapping[str, object] = dict(context.meta or {})

    def word(name: str) -> str:
        return value if isinstance(value := meta.get(name), str) else ""

    call_id = word("callId")
    return Caller(
        thread_id=word("threadId"), call_id=(word("itemId") or call_id) if call_id.startswith(_SCRIPTED) else call_id
    )
