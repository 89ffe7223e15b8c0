"""Our tools in what a model said."""

import json
import subprocess

import pytest

from oneshot_proxy.exports.slicing import tools
from oneshot_proxy.exports.slicing.tools import Use
from proxy.exports.slicing.scenes import bot, call, ours, script

RUN = 'text(await tools.exec_command({cmd: "ls"}))'


@pytest.mark.parametrize(
    ("item", "use"),
    [
        (ours("start_task", "1"), Use(("start_task",))),
        (call("1", "repo.end_task.v1"), Use(("end_task",))),
        (call("1", "mcp__oneshot__repo_task_status_v1"), Use(("task_status",))),
        (call("1"), Use()),
        (call("1", "repo_start_task_v1_more"), Use()),
        (bot("repo_start_task_v1"), Use()),
        (script("text(await tools.mcp__oneshot__repo_start_task_v1({title: 'a'}))", "1"), Use(("start_task",))),
        (script('text(await tools["mcp__oneshot__repo_abort_task_v1"]({}))', "1"), Use(("abort_task",))),
        (script(f"{RUN}; await tools.mcp__oneshot__repo_end_task_v1({{}})", "1"), Use(("end_task",), False)),
        (script(RUN, "1"), Use()),
        (script("text(repo_start_task_v1)", "1") | {"name": "apply_patch"}, Use()),
        ({"type": "custom_tool_call"}, Use()),
        ({}, Use()),
    ],
)
def test_use(item: dict[str, object], use: Use) -> None:
    assert tools.use(item) == use if use.names else not tools.use(item).names
    assert (tools.without(item) is None) == (bool(use.names) and use.alone)
    assert use.names or tools.without(item) is item


def test_a_script_that_does_more_goes_on_without_ours() -> None:
    text = """text("begun")
    const started = await tools.mcp__oneshot__repo_start_task_v1({title: "a (b", notes: `})`})
    text(started.content[0].text); await tools.exec_command({cmd: "ls"})
    const ended = await tools["mcp__oneshot__repo_end_task_v1"]({summary: "c"})
    if (ended.isError) throw new Error("no"); text(String(ended.structuredContent.folder))"""
    left = tools.without(script(text, "1"))
    assert left
    assert "repo_" not in left["input"]
    frame = "const tools = {exec_command: async () => ({})}; const said = []; const text = (each) => said.push(each);"
    program = f"(async () => {{ {frame} {left['input']}; console.log(JSON.stringify(said)) }})()"
    done = subprocess.run(["node", "-e", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == ["begun", "done", "undefined"]


def test_searches() -> None:
    ours_alone = {"type": "namespace", "name": "mcp__oneshot", "tools": [{"name": "repo_start_task_v1"}]}
    more = {"type": "namespace", "name": "mcp__x", "tools": [{"name": "repo_start_task_v1"}, {"name": "look"}]}
    found = {"type": "tool_search_output", "call_id": "1", "tools": [ours_alone]}
    assert tools.searched_only_ours(found)
    assert not tools.searched_only_ours(found | {"tools": []})
    assert not tools.searched_only_ours(found | {"tools": [ours_alone, more]})
    assert not tools.searched_only_ours(call("1"))
    flat = {"type": "function", "name": "repo_end_task_v1"}
    assert list(tools.others([ours_alone, more, flat, {"type": "web_search"}])) == [more, {"type": "web_search"}]
