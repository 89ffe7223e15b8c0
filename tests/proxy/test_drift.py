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
        (
            'Output: {"chunk_id":"4ee524","wall_time_seconds":0.0052,"original_token_count":9,"output":"x"}',
            'Output: {"chunk_id":"a","wall_time_seconds":4.1e-6,"original_token_count":12,"output":"x"}',
        ),
        ("Process running with session ID 93011", "Process running with session ID 7"),
        ("1 passed in 0.03s", "1 passed in 2.1s"),
        ("at 2026-11-25T01:39:14.2Z", "at 2027-01-02 03:04:05"),
        ("-rw-r--r-- 1 u u 5 Nov 25 01:39 a", "-rw-r--r-- 1 u u 5 Dec  1  2025 a"),
        ("id 01a2105b-5fc5-7420-8708-64049e10faa3", "id 11111111-2222-3333-4444-555555555555"),
        ("Wed Nov 25 02:58:47 UTC 2026", "Thu Dec  3 14:05:01 CET 2026"),
        ("Wed Nov 25 02:58:47 AM UTC 2026", "Thu Dec 31 11:05:01 PM UTC 2026"),
        ("Date:   Wed Nov 25 02:58:47 2026 +0000", "Date:   Thu Dec 3 14:05:01 2026 +0100"),
        ("Wed, 25 Nov 2026 02:58:47 +0000", "Thu, 3 Dec 2026 14:05:01 +0100"),
        ("2026-11-25 02:58:47 +0000", "2026-12-03 14:05:01 +0100"),
        ("took 0:00:01.234", "took 0:10:31.5"),
        ("at 10:33 AM", "at 9:05 PM"),
        ("up since 10:33:59,", "up since 23:01:00,"),
        ("Done in 1,234 ms", "Done in 98 ms"),
        ("real\t0m3.895s", "real\t1m0.002s"),
        ("Finished in 1m 02s", "Finished in 59.1s"),
        ("wrote /tmp/tmpab12/x", "wrote /tmp/tmpq_9zr3/x"),
        ("wrote /tmp/tmp.aB3dE5fG7h", "wrote /tmp/tmp.0123456789"),
        ("/tmp/pytest-of-root/pytest-0/a", "/tmp/pytest-of-me/pytest-12/a"),
        ("<A object at 0x7f12ab>", "<A object at 0x7f7b6a01d440>"),
        ("[main 1a2b3c4] words", "[main 5d6e7f80] words"),
        ("[main (root-commit) 1a2b3c4] words", "[main (root-commit) 5d6e7f8] words"),
        ("HEAD is now at 1a2b3c4 words", "HEAD is now at 5d6e7f8 words"),
        ("serving, PID: 4711", "serving, PID: 12"),
        ("pid=4711", "pid=12"),
        ("[1] 4711", "[1] 12"),
        (" The writable roots are `/a/tmp`, `/a/tree`.", " The writable roots are `/b/tmp`, `/b/tree`."),
    ],
)
def test_what_always_differs_does_not_count(one: str, other: str) -> None:
    assert given(one).sha256 == given(other).sha256


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1 passed", "2 passed"),
        ("a.py:10:33:02", "a.py:10:33:03"),
        ("[main] words", "[next] words"),
        ("[main 1a2b3c4] words", "[next 1a2b3c4] words"),
        ("/tmp/mine", "/tmp/yours"),
        ("May 5 of them", "May 6 of them"),
        ("0xff", "0xfe"),
        ("Nov 25 01:39 TEST", "Nov 25 01:39 REST"),
        ("3 slots", "4 slots"),
    ],
)
def test_what_says_something_counts(one: str, other: str) -> None:
    assert given(one).sha256 != given(other).sha256


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
