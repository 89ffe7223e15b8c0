"""An agent that began below the top, as one that begins at the top."""

import json

import pytest

from oneshot_proxy.cassette import Item
from oneshot_proxy.exports.slicing import place
from proxy.exports.slicing.scenes import ENVIRONMENT, bot, call, script, user

TOP, SUB = "/home/a&b/repo", "sub/deep"
ENV = ENVIRONMENT.format(f"/home/a&amp;b/repo/{SUB}")


def test_where_it_is() -> None:
    assert place.below([user(ENV)], TOP) == SUB
    for items, top in (([user(ENV)], "/home/a&b/rep"), ([user(ENV)], ""), ([], TOP), ([user(ENV)], f"{TOP}/{SUB}")):
        assert place.below(items, top) == ""


@pytest.mark.parametrize(
    ("item", "moved"),
    [
        (user(ENV), user(ENVIRONMENT.format("/home/a&amp;b/repo"))),
        (user(f"See {TOP}/{SUB}."), None),
        (bot(ENV), None),
        (call("1", cmd="ls"), call("1", cmd="ls", workdir=SUB)),
        (call("1", cmd="ls", workdir="x"), call("1", cmd="ls", workdir=f"{SUB}/x")),
        (call("1", cmd="ls", workdir="/x"), None),
        (call("1", "look", path="x"), None),
        (call("1") | {"arguments": "no"}, None),
        (
            script("*** Update File: a.py\n*** Move to: b.py\n*** Add File: /x", "1") | {"name": "apply_patch"},
            script(f"*** Update File: {SUB}/a.py\n*** Move to: {SUB}/b.py\n*** Add File: /x", "1")
            | {"name": "apply_patch"},
        ),
    ],
)
def test_each_kind_of_item(item: Item, moved: Item | None) -> None:
    assert place.at_top(item, TOP, SUB) == (moved or item)


def test_scripts() -> None:
    patched = script('await tools.apply_patch("*** Add File: a\\n+1")', "1")
    assert place.at_top(patched, TOP, SUB)["input"] == f'await tools.apply_patch("*** Add File: {SUB}/a\\n+1")'
    made = place.at_top(script('text(await tools.exec_command({cmd: "ls"}))', "1"), TOP, SUB)["input"]
    folder = json.dumps(f"{SUB}/")
    assert made == (
        "text(await Object((a) => tools.exec_command({ ...a, workdir: "
        f'a.workdir?.startsWith("/") ? a.workdir : {folder} + (a.workdir ?? "") }}))({{cmd: "ls"}}))'
    )
