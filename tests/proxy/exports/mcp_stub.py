"""A stdio MCP server with the names of OneShot's tools. Run as a script; the first end of each task is refused.

argv: the ids that start_task gives, in their order.
"""

import json
import sys
from typing import Any

NAMES = ("start_task", "end_task", "check_readiness", "autofix_readiness", "task_status", "abort_task")


def tool(name: str) -> dict[str, Any]:
    annotations = {"readOnlyHint": False, "destructiveHint": False, "openWorldHint": False}
    schema = {"type": "object", "properties": {"title": {"type": "string"}, "summary": {"type": "string"}}}
    said = f"Record an evaluation task: {name.replace('_', ' ')}."
    return {"name": f"repo.{name}.v1", "description": said, "inputSchema": schema, "annotations": annotations}


def main(ids: list[str]) -> None:
    current, refused = "", False

    def result(name: str) -> tuple[str, bool]:
        nonlocal current, refused
        if "start_task" in name:
            current, refused = ids.pop(0), False
            return f"Task {current} is started.", False
        if "end_task" in name and not refused:
            refused = True
            return "no test is named; name one and end the task again", True
        return f"Task {current}: {name} is done.", False

    for line in sys.stdin:
        asked = json.loads(line)
        method, given = asked.get("method"), asked.get("params") or {}
        answer: dict[str, Any] = {}
        if method == "initialize":
            info = {"name": "oneshot", "version": "1"}
            answer = {"protocolVersion": given["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": info}
            answer["instructions"] = "Record an evaluation task: start, end."
        elif method == "tools/list":
            answer = {"tools": [tool(name) for name in NAMES]}
        elif method == "tools/call":
            text, failed = result(given["name"])
            answer = {"content": [{"type": "text", "text": text}], "isError": failed}
        if "id" in asked:
            print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": answer}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
