"""Whose words they are."""

import pytest

from oneshot_proxy.exports.slicing import words
from proxy.exports import sessions
from proxy.exports.slicing.scenes import ENVIRONMENT, REASONING, bot, call, user


@pytest.mark.parametrize("text", ["Add a feature.", "<environment_context> is what?", "<b>Bold</b>", "", "# AGENTS"])
def test_a_persons(text: str) -> None:
    assert words.persons(user(text))
    assert words.persons({"role": "user", "content": text})
    assert not words.is_context(user(text))


@pytest.mark.parametrize(
    "text",
    [
        ENVIRONMENT.format("/repo"),
        "<turn_aborted>\nThe user interrupted.\n</turn_aborted>",
        "# AGENTS.md instructions for /repo\n\n<INSTRUCTIONS>\nBe brief.\n</INSTRUCTIONS>",
        "Another language model started to solve this problem and produced a summary",
    ],
)
def test_an_agents_own(text: str) -> None:
    assert not words.persons(user(text))
    assert words.is_context(user(text))


def test_context() -> None:
    assert words.is_context({"type": "additional_tools", "tools": []})
    assert words.is_context({"role": "developer", "content": "a"})
    for item in (bot("a"), call("1"), REASONING, {"type": "function_call_output", "output": "a"}):
        assert not words.is_context(item)
        assert not words.persons(item)


def test_the_last_ones() -> None:
    said = [user("a"), bot("b"), user("a"), user("c"), user(ENVIRONMENT.format("/"))]
    assert (words.last(said), words.last(said, "a"), words.last(said, "d"), words.last([])) == (3, 2, -1, -1)


async def test_of_what_real_codex_sends_only_the_prompt_is_a_persons() -> None:
    for scene in (sessions.plain, sessions.compacted):
        recorded = await scene()
        lines, _ = await recorded.rollout()
        items = [line["payload"] for line in lines if line["type"] == "response_item"]
        assert [each["content"][0]["text"] for each in items if words.persons(each)] == ["Write out.txt."]
