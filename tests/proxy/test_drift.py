"""What differs between a recorded request and its replay, and what does not count."""

from typing import Any

import pytest

from oneshot_proxy import drift
from oneshot_proxy.cassette import Entry, Given
from proxy.exports.test_cassette import ENVIRONMENT, exec_call, output, user


def given(text: str, cwd: str = "") -> Given:
    (found,) = drift.given([output("c1", text)], cwd, {})
    return found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Chunk ID: a1b2\nWall time: 0.5 seconds\nOutput:\nx", "Chunk ID: ffff\nWall time: 12.25 seconds\nOutput:\nx"),
        ("Process running with session ID 93011", "Process running with session ID 7"),
        ("1 passed in 0.03s", "1 passed in 2.1s"),
        ("at 2026-11-25T01:39:14.2Z", "at 2027-01-02 03:04:05"),
        ("-rw-r--r-- 1 u u 5 Nov 25 01:39 a", "-rw-r--r-- 1 u u 5 Dec  1  2025 a"),
        ("id 01a2105b-5fc5-7420-8708-64049e10faa3", "id 11111111-2222-3333-4444-555555555555"),
        (" The writable roots are `/a/tmp`, `/a/tree`.", " The writable roots are `/b/tmp`, `/b/tree`."),
    ],
)
def test_what_always_differs_does_not_count(one: str, other: str) -> None:
    assert given(one).sha256 == given(other).sha256


def test_a_working_directory_does_not_count_and_its_neighbours_do() -> None:
    assert given("/tmp/x/a.py", "/tmp/x").sha256 == given("/app/a.py", "/app").sha256
    assert given("/tmp/xy/a.py", "/tmp/x").sha256 != given("/appy/a.py", "/app").sha256


def test_the_working_directory_is_read_from_what_codex_says() -> None:
    assert drift.cwd_of([user("hi"), user(ENVIRONMENT.format("/tmp/a &amp; b"))]) == "/tmp/a & b"
    assert drift.cwd_of([user("hi"), user(ENVIRONMENT.format("/"))]) == ""
    assert drift.cwd_of([exec_call("<environment_context><cwd>/x</cwd>")]) == ""


def test_items_have_names() -> None:
    items = [user("a"), {"role": "developer", "content": "b"}, exec_call("ls"), output("c1", "x"), user("c")]
    tools = {"type": "additional_tools", "tools": [{"name": "t"}]}
    names = [each.of for each in drift.given([*items, tools], "", {})]
    assert names == [
        "user message 1",
        "developer message 1",
        "output of c1",
        "user message 2",
        "item additional_tools 1",
    ]


def sentences(entry: Entry, items: list[dict[str, Any]], body: dict[str, Any] | None = None) -> list[str]:
    mine = {each.of: each for each in drift.given(items, "", {})}
    return list(drift.sentences(entry, mine, body or {}, ""))


def test_differences_are_sentences() -> None:
    entry = Entry(given=(given("one two three"), given("gone").model_copy(update={"of": "output of c9"})))
    assert sentences(entry, [output("c1", "one two 3")]) == [
        "output of c1 differs: 'one two 3', recorded: 'one two three'",
        "output of c9 is missing; recorded: 'gone'",
    ]
    far = "x" * 1000
    assert sentences(Entry(given=(given(far + "a"),)), [output("c1", far + "b")]) == [
        "output of c1 differs after its first 400 characters"
    ]


def test_settings_are_compared() -> None:
    body = {"instructions": "Be kind.", "tools": [{"type": "function", "name": "a"}, {"type": "local_shell"}]}
    entry = Entry(instructions=drift.instructions(body, ""), tools=drift.tools(body))
    assert sentences(entry, [], body) == []
    other = {"instructions": "Be quick.", "tools": [{"type": "function", "name": "a", "strict": True}, {"name": "b"}]}
    assert sentences(entry, [], other) == [
        "the instructions differ from the recorded ones",
        "tool a differs",
        "tool b is new",
        "tool local_shell is missing",
    ]
