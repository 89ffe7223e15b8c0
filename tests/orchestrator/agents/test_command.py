"""Any command as an agent, with the gateway as its model API."""

import json
from pathlib import Path

from orchestrator.harness import FAIL, MODEL, PASS, SOLVE, Stack

ASK = """
import json, os, urllib.request
body = json.dumps({"model": "gpt-5.5", "input": [{"type": "message", "role": "user", "content": "hi"}], "stream": True})
headers = {"Authorization": "Bearer " + os.environ["OPENAI_API_KEY"], "Content-Type": "application/json"}
request = urllib.request.Request(os.environ["OPENAI_BASE_URL"] + "/responses", body.encode(), headers)
print(urllib.request.urlopen(request, timeout=10).read().decode())
"""


async def test_its_exit_code_is_recorded_and_its_tree_is_graded(stack: Stack, hello: Path) -> None:
    run = await stack.run(hello, "command", command=f"{SOLVE}; echo out; echo err >&2; exit 9")
    assert run.grade.verdict == PASS
    assert (stack.file("logs/agent.stdout.log"), stack.file("logs/agent.stderr.log")) == ("out\n", "err\n")


async def test_without_a_model_it_gets_no_key(stack: Stack, hello: Path) -> None:
    await stack.run(hello, "command", command="env | grep -c OPENAI; true")
    assert stack.file("logs/agent.stdout.log") == "0\n"


async def test_with_a_model_it_finds_the_gateway(stack: Stack, hello: Path, backend: str) -> None:
    command = f"cat > /tmp/ask.py <<'EOF'{ASK}EOF\npython3 /tmp/ask.py"
    run = await stack.run(hello, "command", backend, command=command, model=MODEL, replay="hello-world")
    assert run.grade.verdict == FAIL
    assert "response.completed" in stack.file("logs/agent.stdout.log"), stack.file("logs/agent.stderr.log")
    call = json.loads(stack.file("trace/calls.jsonl").splitlines()[0])
    assert call["request_line"] == "POST /v1/responses"
    assert (run.usage.input_tokens, run.replayed) == (9321, "hello-world")
