"""Codex's own log as a trajectory: of the real Codex, and of lines that make no sense."""

import asyncio
import contextlib
import json
import os
from pathlib import Path
from typing import Any

import atif
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.codex import CODEX, at_gateway
from fakes.model_server import USAGE, ModelServer, call, items, message, say
from oneshot.capture.v1 import capture_pb2 as pb
from oneshot_capture import rollout
from oneshot_shared.errors import BadInput

REASONING = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "I look first."}]}


def line(payload: dict[str, Any], kind: str = "response_item", **more: Any) -> bytes:
    return (
        json.dumps({"timestamp": "2026-11-25T04:00:00.000Z", "type": kind, "payload": payload, **more}).encode() + b"\n"
    )


def said(role: str, text: str) -> bytes:
    return line({"type": "message", "role": role, "content": [{"type": "text", "text": text}]})


def called(call_id: str, name: str = "exec_command", arguments: str = '{"cmd": "ls"}', **more: Any) -> bytes:
    return line({"type": "function_call", "name": name, "call_id": call_id, "arguments": arguments, **more})


def gave(call_id: str, output: object = "out") -> bytes:
    return line({"type": "function_call_output", "call_id": call_id, "output": output})


def counted(total: int, last: int) -> bytes:
    usage = {
        name: {"input_tokens": n, "output_tokens": n}
        for name, n in (("total_token_usage", total), ("last_token_usage", last))
    }
    return line({"type": "token_count", "info": usage}, "event_msg")


def converted(folder: Path, *lines: bytes, **ending: str) -> dict[str, Any]:
    (folder / "log").write_bytes(b"".join(lines))
    (folder / "out").unlink(missing_ok=True)
    rollout.convert(folder / "log", folder / "out", pb.Ending(**ending))
    made: dict[str, Any] = json.loads((folder / "out").read_bytes())
    atif.Trajectory.model_validate(made)
    return made


@pytest.fixture
async def codex_log(tmp_path: Path) -> Path:
    """Of a session of three answers."""
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    shell = {"type": "function_call", "id": "fc_1", "name": "exec_command", "call_id": "call_1", "status": "completed"}
    first = items(REASONING, message("Let me see."), shell | {"arguments": json.dumps({"cmd": "echo seen"})})
    async with ModelServer([first, call("exec_command", {"cmd": "echo again"}), say("All done.")]) as server:
        (home / "config.toml").write_text(at_gateway(int(server.base_url.rsplit(":", 1)[1].split("/")[0])))
        env = {"PATH": os.environ["PATH"], "HOME": str(home), "CODEX_HOME": str(home), "ONESHOT_RUN_KEY": "k"}
        process = await asyncio.create_subprocess_exec(
            *(CODEX, "exec", "--skip-git-repo-check", "-s", "workspace-write", "-C", work, "Look around."),
            env=env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, output.decode()
    (log,) = home.glob("sessions/*/*/*/*.jsonl")
    return log


async def test_a_session_of_the_real_codex(codex_log: Path, tmp_path: Path) -> None:
    rollout.convert(codex_log, tmp_path / "out", pb.Ending())
    made = json.loads((tmp_path / "out").read_bytes())
    assert made["agent"]["name"] == "codex"
    assert made["agent"]["version"][0].isdigit()
    assert made["agent"]["model_name"] == "gpt-5.5"
    assert made["session_id"] in codex_log.name
    agents = [step for step in made["steps"] if step["source"] == "agent"]
    assert [step["message"] for step in agents] == ["Let me see.", "", "All done."]
    assert agents[0]["reasoning_content"] == "I look first."
    assert agents[0]["model_name"] == "gpt-5.5"
    assert [step["tool_calls"][0]["arguments"] for step in agents[:2]] == [{"cmd": "echo seen"}, {"cmd": "echo again"}]
    assert "seen" in agents[0]["observation"]["results"][0]["content"]
    assert "again" in agents[1]["observation"]["results"][0]["content"]
    once = {"prompt_tokens": USAGE["input_tokens"], "completion_tokens": USAGE["output_tokens"], "cached_tokens": 400}
    assert [step["metrics"] for step in agents] == [once] * 3
    sums = {f"total_{name}": 3 * count for name, count in once.items()}
    assert made["final_metrics"] == sums | {"total_steps": len(made["steps"])}
    assert [step["message"] for step in made["steps"] if step["source"] == "user"][-1] == "Look around."
    assert made["steps"][0]["source"] == "system", "the base instructions"


def test_the_calls_that_began_and_ended_the_task_are_left_out(tmp_path: Path) -> None:
    lines = [
        said("user", "Do it."),
        *(called("a", "repo_start_task_v1"), gave("a", "started"), called("b"), gave("b")),
        *(called("c", "other", id="item-1"), gave("c", "ended"), said("assistant", "Done.")),
    ]
    for ending in ({"begin_call_id": "a", "end_call_id": "c"}, {"end_call_id": "item-1"}):
        made = converted(tmp_path, *lines, **ending)
        assert [call["tool_call_id"] for step in made["steps"] for call in step.get("tool_calls", [])] == ["b"]
        assert "started" not in json.dumps(made)
        assert "ended" not in json.dumps(made)


def test_tokens_are_those_of_the_records_else_of_the_events(tmp_path: Path) -> None:
    events = [counted(5, 5), counted(5, 5), counted(7, 2)]
    made = converted(tmp_path, said("assistant", "a"), *events)
    assert made["final_metrics"]["total_prompt_tokens"] == 7
    record = line(
        {"usage": {"input_tokens": 11, "output_tokens": -1, "cached_input_tokens": "x"}}, "token_usage_record"
    )
    made = converted(tmp_path, said("assistant", "a"), *events, record)
    counts = ("total_prompt_tokens", "total_completion_tokens", "total_cached_tokens")
    assert [made["final_metrics"][name] for name in counts] == [11, 0, 0]


def test_freeform_tools_and_outputs_of_every_shape(tmp_path: Path) -> None:
    patch = {"type": "custom_tool_call", "name": "apply_patch", "call_id": "p", "input": "*** Begin Patch"}
    parts = [{"type": "input_text", "text": "one"}, {"type": "input_image", "image_url": "data:"}]
    made = converted(
        tmp_path,
        *(line(patch), line({"type": "custom_tool_call_output", "call_id": "p", "output": {"content": "ok"}})),
        *(called("q", arguments="[1]"), gave("q", parts), gave("unknown", "nobody asked")),
    )
    calls = [step["tool_calls"][0]["arguments"] for step in made["steps"]]
    assert calls == [{"input": "*** Begin Patch"}, {"input": "[1]"}]
    results = [step["observation"]["results"][0]["content"] for step in made["steps"]]
    assert results == ["ok", "one\n[input_image]"]


def test_texts_beyond_the_room_and_lines_beyond_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollout, "_ROOM", 100)
    monkeypatch.setattr(rollout, "_LINE_BYTES", 5000)
    made = converted(
        tmp_path,
        said("user", "x" * 3000),
        said("user", "short"),
        said("user", "y" * 9000),
        b"[]\n",
        said("user", "end"),
    )
    assert [len(step["message"]) for step in made["steps"]] == [2000 + len(" [and 1000 characters more]"), 5, 3]
    assert made["notes"].endswith("2 lines of it could not be read. 1 texts were shortened.")


def test_no_conversation(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="the agent's own record holds no conversation"):
        converted(tmp_path, b"", b"{}\n", line({}, "turn_context"))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.sampled_from(["message", "assistant", "function_call", "a"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "role", "content", "text", "call_id", "name", "output", "usage", "info", "arguments", "id"]
            ),
            inner,
            max_size=4,
        )
    ),
)
KINDS = ["session_meta", "turn_context", "response_item", "token_usage_record", "event_msg", None]


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.dictionaries(st.sampled_from(["type", "role", "content", "call_id", "output",
    "usage", "info", "name", "id", "model", "summary", "base_instructions", "cli_version"]), JSON))))  # fmt: skip
def test_whatever_stands_in_it_a_trajectory_is_made_or_refused(
    tmp_path_factory: pytest.TempPathFactory, made: list[tuple[Any, dict[str, Any]]]
) -> None:
    with contextlib.suppress(BadInput):
        converted(tmp_path_factory.mktemp("r"), *(line(payload, kind) for kind, payload in made))
