"""What a person sees of a session: whole screens, to be read."""

import copy
from typing import Any

from oneshot.proxy.v1 import proxy_pb2 as pb
from oneshot_cli import trace_show

SESSION = pb.Session(
    session_id="run-1",
    kind=pb.SESSION_KIND_RUN,
    model="gpt-5.5",
    upstream="openai",
    opened_at="2026-11-25T01:33:13.693Z",
    closed_at="2026-11-25T01:33:21.168Z",
    calls=4,
    calls_succeeded=2,
    stopped_by="token limit 50000 reached (51234)",
    alarms=["1 model call was not understood"],
    usage=pb.Usage(input_tokens=51000, cached_tokens=1200, output_tokens=234, reasoning_tokens=60, cost_usd=0.0141),
)
METRICS = {"prompt_tokens": 9321, "completion_tokens": 48, "cached_tokens": 400, "cost_usd": 0.0047}
HEAD = "Chunk ID: 5dbdc1\nWall time: 0.0 seconds\nProcess exited with code {}\nOriginal token count: 20\nOutput:\n"


def agent(seq: int, message: str = "", **fields: Any) -> dict[str, Any]:
    """An agent's step."""
    call = {"seq": seq, "seconds": 1.25, "first_token_seconds": 0.5, "finish": "completed"} | fields.pop("call", {})
    step = {
        "source": "agent",
        "message": message,
        "metrics": METRICS,
        "extra": {"call": call} | fields.pop("extra", {}),
    }
    return step | fields


def tool(name: str, arguments: dict[str, Any], content: str = "", **result: Any) -> dict[str, Any]:
    """A tool call and what it gave back."""
    call = {"tool_call_id": "c", "function_name": name, "arguments": arguments}
    return {"tool_calls": [call], "observation": {"results": [{"source_call_id": "c", "content": content} | result]}}


INNER = {
    "trajectory_id": "t2",
    "steps": [
        {"source": "user", "message": "Count the files."},
        agent(
            3, "There are 3.", metrics={**METRICS, "cost_usd": None}, call={"seconds": 0.21, "first_token_seconds": 0.2}
        ),
    ],
}
TRAJECTORY = {
    "agent": {"name": "codex", "version": "0.163.0"},
    "steps": [
        {"source": "system", "message": "You are Codex.\nBe kind.\nBe brief.", "extra": {"role": "developer"}},
        {"source": "user", "message": "<environment_context>\n  <cwd>/app</cwd>\n</environment_context>"},
        {"source": "user", "message": "Make the greeting end with\n'hello world'."},
        agent(
            1,
            "I look at the file first.",
            reasoning_content="The README may say how.",
            extra={"failed_calls": [{"seq": 0, "seconds": 0.02, "error": "openai answered 429: slow down"}]},
            **tool(
                "exec_command", {"cmd": "sed -n '1,20p' README.md"}, HEAD.format(2) + "\n".join(map(str, range(1, 31)))
            ),
        ),
        agent(
            2,
            **tool(
                "spawn_agent", {"message": "Count the files."}, "t2", subagent_trajectory_ref=[{"trajectory_id": "t2"}]
            ),
        ),
        agent(4, extra={"context_replaced": True}, **tool("exec_command", {"cmd": "true"}, HEAD.format(0))),
        agent(5, "Do", call={"error": "openai broke off its answer", "finish": ""}, metrics=None),
    ],
    "subagent_trajectories": [INNER],
    "extra": {"failed_calls": [{"seq": 6, "seconds": 0.001, "error": "token limit 50000 reached (51234)"}]},
}
SCREEN = """\
run-1  run session of codex 0.163.0
  model    gpt-5.5 from openai
  time     2026-11-25 01:33:13 UTC, 7.5 s
  used     4 calls (2 without success), 51,000 tokens in (1,200 cached), 234 out (60 reasoning), cost $0.0141
  stopped  token limit 50000 reached (51234)
  alarm    1 model call was not understood

● developer
  You are Codex.
  … 2 more lines (--full)

● context
  <environment_context>
  … 2 more lines (--full)

● user
  Make the greeting end with
  'hello world'.

✗ call 0 failed after 20 ms: openai answered 429: slow down
● agent  call 1 · 1.2 s (first after 500 ms) · 9,321 in (400 cached), 48 out · $0.0047
  The README may say how.
  I look at the file first.
  $ sed -n '1,20p' README.md
  │ exit code 2
  │ 1
  │ 2
  │ 3
  │ 4
  │ 5
  │ 6
  │ 7
  │ 8
  │ … 22 more lines (--full)

● agent  call 2 · 1.2 s (first after 500 ms) · 9,321 in (400 cached), 48 out · $0.0047
  spawn_agent(message="Count the files.")
  │ t2
  ┌ sub-agent t2
  │
  │ ● user
  │   Count the files.
  │
  │ ● agent  call 3 · 210 ms (first after 200 ms) · 9,321 in (400 cached), 48 out
  │   There are 3.
  └

── from here on the agent's context is compacted ──
● agent  call 4 · 1.2 s (first after 500 ms) · 9,321 in (400 cached), 48 out · $0.0047
  $ true
  │ (no output)

● agent  call 5 · 1.2 s (first after 500 ms)
  ✗ openai broke off its answer
  Do

✗ call 6 failed after 1 ms: token limit 50000 reached (51234)
"""


def screen(trajectory: dict[str, Any] = TRAJECTORY, session: pb.Session = SESSION, **how: Any) -> str:
    lines = trace_show.view(session, trajectory, **({"width": 100} | how))
    return "".join(f"{line.plain}\n" for line in lines)


def test_a_session_with_everything() -> None:
    assert screen() == SCREEN


def test_full_shortens_nothing() -> None:
    text = screen(full=True)
    assert "--full" not in text
    assert "\n  │ 30\n" in text
    assert "\n  Be brief.\n" in text


def test_lines_fit_the_terminal() -> None:
    trajectory = copy.deepcopy(TRAJECTORY)
    trajectory["steps"] = [{"source": "user", "message": "word " * 60 + "\n    " + "x" * 90}]
    said = screen(trajectory, width=50).split("● user\n")[1].split("\n\n")[0].splitlines()
    assert max(map(len, said)) <= 50
    assert "".join(said).replace(" ", "") == "word" * 60 + "x" * 90


def test_an_open_session_without_an_agents_name() -> None:
    session = pb.Session(session_id="s", open=True, kind=pb.SESSION_KIND_LIVE, opened_at=SESSION.opened_at, calls=1)
    assert screen({"agent": {"name": "unknown", "version": "unknown"}, "steps": []}, session).splitlines() == [
        "s  live session",
        "  model    unknown",
        "  time     2026-11-25 01:33:13 UTC, still open",
        "  used     1 call (1 without success), 0 tokens in (0 cached), 0 out, cost unknown",
    ]


def test_what_an_agent_wrote_does_not_steer_the_terminal() -> None:
    text = screen({"steps": [{"source": "user", "message": "\x1b[2Jgone [bold]kept[/bold]"}]})
    assert "\x1b" not in text
    assert "�[2Jgone [bold]kept[/bold]" in text


def test_colours_say_who_speaks_and_what_failed() -> None:
    styles = {line.plain.strip(): str(line.style) for line in trace_show.view(SESSION, TRAJECTORY, width=100)}
    assert styles["● user"] == "bold cyan"
    assert styles["✗ call 0 failed after 20 ms: openai answered 429: slow down"] == "red"
    assert styles["│ exit code 2"] == "red"


def test_no_line_begins_with_the_space_at_which_it_was_cut() -> None:
    words = "  " + " ".join(["word"] * 40)
    step = {"source": "user", "message": words}
    lines = [str(line) for line in trace_show.view(SESSION, {"steps": [step]}, width=26, full=True)]
    said = lines[lines.index("● user") + 1 :]
    assert len(said) > 5
    assert said[0].startswith("    word")
    assert all(line.startswith("  word") for line in said[1:])
    assert " ".join(" ".join(said).split()) == words.strip()
