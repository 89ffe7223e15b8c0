"""Codex's own record, cut to a work and cleaned. The lines are as Codex 0.163 wrote them."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneshot_cli.pairing import rollout
from oneshot_cli.pairing.works import Ending, Work

THREAD = "01a210ff-3632-7781-9ead-691da0dbafda"
START, END = "call_A", "call_B"
SECRET = "correct-horse-battery"


def line(second: int, kind: str, **payload: Any) -> dict[str, Any]:
    return {"timestamp": f"2026-11-25T04:38:{second:02}.000Z", "type": kind, "payload": payload}


def said(second: int, role: str, text: str) -> dict[str, Any]:
    return line(second, "response_item", type="message", role=role, content=[{"type": "input_text", "text": text}])


def plain(second: int, call: str, tool: str) -> dict[str, Any]:
    more = {
        "id": f"fc_{call}",
        "name": f"repo_{tool}_v1",
        "namespace": "mcp__oneshot",
        "arguments": "{}",
        "call_id": call,
    }
    return line(second, "response_item", type="function_call", **more)


def in_code(second: int, call: str, tool: str) -> dict[str, Any]:
    source = f"const r = await tools.mcp__oneshot__repo_{tool}_v1({{}}); text(JSON.stringify(r));"
    return line(
        second, "response_item", type="custom_tool_call", id=f"ct_{call}", call_id=call, name="exec", input=source
    )


SURFACES = {"plain": plain, "code": in_code}


def record(surface: str) -> list[dict[str, Any]]:
    call = SURFACES[surface]
    return [
        line(0, "session_meta", id=THREAD, cwd="/r", base_instructions={"text": "You are Codex."}),
        line(0, "event_msg", type="task_started"),
        said(1, "user", "<environment_context>\n  <cwd>/r</cwd>"),
        line(1, "turn_context", model="gpt-5.5"),
        said(2, "user", "Earlier talk."),
        said(3, "assistant", "Earlier answer."),
        line(4, "turn_context", model="gpt-6-sol"),
        said(5, "user", "Mend add."),
        line(6, "response_item", type="tool_search_call", call_id="call_T", arguments={"query": "start task"}),
        call(7, START, "start_task"),
        line(8, "response_item", type="function_call_output", call_id=START, output="Task x is started"),
        said(9, "user", "<turn_aborted> no"),
        said(9, "user", "Go on."),
        said(10, "assistant", "Done."),
        call(11, END, "end_task"),
        line(12, "response_item", type="function_call_output", call_id=END, output="Task x is ended"),
        said(13, "user", "Something else."),
    ]


def lay(home: Path, lines: list[dict[str, Any]], folder: str = "sessions/2026/11/25") -> Path:
    file = home / folder / f"rollout-2026-11-25T04-38-10-{THREAD}.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text("".join(json.dumps(each) + "\n" for each in lines))
    return file


def work(begin: str = START, end: str = END, thread: str = THREAD) -> Work:
    ended = Ending(
        said="", summary="", end_tree="b" * 40, call_id=end, thread_id=thread, ended_at="2026-11-25T04:38:11.500Z"
    )
    given_ = {"task_id": "x", "top": "/r", "title": "x", "where": {}, "base_tree": "a" * 40, "ending": ended}
    return Work(**given_, call_id=begin, thread_id=thread, started_at="2026-11-25T04:38:07.500Z")


def cut(home: Path, one: Work, hidden: tuple[str, ...] = (), **environment: str) -> list[dict[str, Any]]:
    out = home / "out.jsonl"
    assert rollout.write(one, {"CODEX_HOME": str(home), **environment}, hidden, out) == ""
    return [json.loads(each) for each in out.read_text().splitlines()]


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize(
    ("begin", "end"), [(START, END), ("", ""), ("exec-1", "exec-2"), (START, "exec-2"), ("item", "item")]
)
def test_the_works_part(tmp_path: Path, surface: str, begin: str, end: str) -> None:
    """By the calls' ids, by their items' (in code mode), and by time where neither is known."""
    lines = record(surface)
    lay(tmp_path, lines)
    if begin == "item":
        prefix = {"plain": "fc_", "code": "ct_"}[surface]
        begin, end = prefix + START, prefix + END
    found = cut(tmp_path, work(begin, end))
    assert found == [lines[0], lines[6], *lines[7:15]]


def test_an_archived_one(tmp_path: Path) -> None:
    lay(tmp_path, record("plain"), "archived_sessions")
    assert len(cut(tmp_path, work())) == 10


def test_ended_in_another_conversation(tmp_path: Path) -> None:
    """Its record begins with it: from its first words of a person to the end."""
    lines = [each for each in record("plain") if START not in json.dumps(each)]
    lay(tmp_path, lines)
    found = cut(tmp_path, work("call_of_another_thread"))
    assert found[-1]["payload"]["call_id"] == END
    assert "Something else." not in json.dumps(found)


def test_secrets_are_hidden(tmp_path: Path) -> None:
    lines = record("plain")
    key, login = 'a"long\\key-of-ours', "rt.refresh-token-of-a-login"
    texts = [f"{SECRET} and {key}", f"login {login}", "sk-proj-" + "a1" * 20, "short abc", "plain words"]
    lines[13] = said(10, "assistant", " ".join(texts))
    lay(tmp_path, lines)
    (tmp_path / "auth.json").write_text(json.dumps({"auth_mode": "chatgpt", "tokens": {"refresh_token": login}}))
    found = json.dumps(cut(tmp_path, work(), (key,), MY_TOKEN=SECRET, SHORT_KEY="abc", KEY_FILE="plain words"))
    for gone in (SECRET, "long", login, "a1a1a1"):
        assert gone not in found
    assert "short abc" in found
    assert "plain words" in found


def test_lines_that_are_none(tmp_path: Path) -> None:
    lines = record("plain")
    file = lay(tmp_path, lines)
    whole = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([*whole[:10], b"no json\n", b"[1]\n", b"\xff\n", *whole[10:15]])[:-20])
    found = cut(tmp_path, work(end=""))
    assert found == [lines[0], lines[6], *lines[7:14]]


@pytest.mark.parametrize(
    ("thread", "says"),
    [
        ("01a210ff-0000", "Codex's own record of the conversation '01a210ff-0000' is not in"),
        ("../../etc/passwd", "is not in"),
        ("*", "is not in"),
    ],
)
def test_none_is_a_remark(tmp_path: Path, thread: str, says: str) -> None:
    lay(tmp_path, record("plain"))
    assert says in rollout.write(work(thread=thread), {"CODEX_HOME": str(tmp_path)}, (), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_one_that_cannot_be_read_is_a_remark(tmp_path: Path) -> None:
    file = tmp_path / "sessions" / f"rollout-x-{THREAD}.jsonl"
    file.mkdir(parents=True)
    told = rollout.write(work(), {"CODEX_HOME": str(tmp_path)}, (), tmp_path / "out")
    assert told == f"Codex's own record could not be read (Is a directory: {file})"


def test_a_large_one_is_a_remark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollout, "MOST_BYTES", 1000)
    lay(tmp_path, record("plain"))
    told = rollout.write(work(), {"CODEX_HOME": str(tmp_path)}, (), tmp_path / "out")
    assert told == "Codex's own record of this work is larger than 0 MiB, so it was left out"
    assert [each.name for each in tmp_path.iterdir()] == ["sessions"]


@given(
    st.lists(st.one_of(st.binary(max_size=30), st.sampled_from([json.dumps(each).encode() for each in record("code")])))
)
def test_any_lines_are_cut(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    home = tmp_path_factory.mktemp("home")
    file = lay(home, [])
    file.write_bytes(b"\n".join(lines))
    assert all(isinstance(each, dict) for each in cut(home, work()))
