"""Tool calls as a person would write them."""

from typing import Any

import pytest

from oneshot_cli import trace_tools


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("exec_command", {"cmd": "ls -la"}, "$ ls -la"),
        (
            "exec_command",
            {"cmd": "for i in 1 2\ndo echo $i; done", "workdir": "/x"},
            '$ for i in 1 2\n  do echo $i; done  # workdir="/x"',
        ),
        ("shell", {"command": ["bash", "-lc", "echo a b"]}, "$ echo a b"),
        ("shell", {"command": ["git", "commit", "-m", "two words"]}, "$ git commit -m 'two words'"),
        ("apply_patch", {"input": "*** Begin Patch\n+a"}, "apply_patch()\n*** Begin Patch\n+a"),
        ("Write", {"file_path": "/a", "content": "x\ny"}, 'Write(file_path="/a")\nx\ny'),
        ("wait_agent", {"targets": ["é"], "timeout_ms": 5}, 'wait_agent(targets=["é"], timeout_ms=5)'),
        ("list", {}, "list()"),
        ("exec_command", {"cmd": 3}, "exec_command(cmd=3)"),
    ],
)
def test_a_call(name: str, arguments: dict[str, Any], text: str) -> None:
    assert trace_tools.call({"function_name": name, "arguments": arguments}) == text


HEAD = "Chunk ID: 5dbdc1\nWall time: 0.0 seconds\n"


@pytest.mark.parametrize(
    ("text", "said", "code"),
    [
        (f"{HEAD}Process exited with code 0\nOriginal token count: 2\nOutput:\nseen\n", "seen\n", ""),
        (f"{HEAD}Process exited with code 127\nOutput:\n", "", "127"),
        (f"{HEAD}Process running with session ID 7\nOutput:\npart", "part", ""),
        ("Exit code: 0\nWall time: 0.3 seconds\nOutput:\nSuccess.", "Success.", ""),
        ("Output:\nof another tool", "Output:\nof another tool", ""),
        ("", "", ""),
    ],
)
def test_a_result(text: str, said: str, code: str) -> None:
    assert trace_tools.result(text) == (said, code)
