"""The six tools by the real MCP client, from pack to created task."""

import json

import pytest

from capture.harness import BASE, END
from capture.http.harness import Web, until
from oneshot.capture.v1 import capture_pb2 as pb
from oneshot_capture.http import tools
from orchestrator import trees


async def test_from_start_to_the_created_task(web: Web) -> None:
    sent = await web.trees()
    started = await web.call("start_task", title="Add numbers", base_tree=sent["base_tree"], labels=["calc"])
    assert started["state"] == "started"
    assert started["task_id"] in started["text"]
    rubric = [{"description": "It adds.", "weight": 3}, {"description": "It is small.", "weight": 1}]
    ending = {"task_id": started["task_id"], "end_tree": sent["end_tree"], "pack": sent["pack"], "summary": "Added."}
    ended = await web.call("end_task", **ending, rubric=rubric, tests=["tests/test_calc.py::test_add"])
    assert ended["state"] == "ended"
    folder = web.house.created / ended["folder"]
    assert f"data/tasks/created/{ended['folder']}" in ended["text"]
    assert trees.read(folder / "environment" / "repo") == BASE
    assert b"return a + b" in (folder / "solution" / "solution.patch").read_bytes()
    candidates = json.loads((folder / "oneshot" / "candidates.json").read_text())
    assert candidates == {"fail_to_pass": ["tests/test_calc.py::test_add"], "pass_to_pass": []}
    assert "weight = 0.75" in (folder / "oneshot" / "rubric.toml").read_text()
    again = await web.call("end_task", **ending, rubric=rubric, tests=["tests/test_calc.py::test_add"])
    assert again == ended
    assert (await web.call("task_status", task_id=started["task_id"])) == ended
    assert len(list(web.house.created.iterdir())) == 1


async def test_an_open_task_is_answered_again_and_an_aborted_one_is_not(web: Web) -> None:
    sent = await web.trees()
    first = await web.call("start_task", title="Add", base_tree=sent["base_tree"])
    assert await web.call("start_task", title="Add", base_tree=sent["base_tree"].upper()) == first
    other = await web.call("start_task", title="Add", base_tree=sent["end_tree"])
    assert other["task_id"] != first["task_id"]
    assert (await web.call("abort_task", task_id=first["task_id"]))["state"] == "aborted"
    assert (await web.call("start_task", title="Add", base_tree=sent["base_tree"]))["task_id"] != first["task_id"]


async def test_named_files_are_tests_where_their_names_do_not_say_so(web: Web) -> None:
    sent = await web.trees(BASE, {**END, b"checks/one.py": ("file", b"def test_one(): ...\n")})
    paths = []
    for title, named in (("usual", "tests/test_calc.py"), ("unusual", "checks/")):
        started = await web.call("start_task", title=title, base_tree=sent["base_tree"])
        ending = {"task_id": started["task_id"], "end_tree": sent["end_tree"], "pack": sent["pack"], "summary": "x"}
        ended = await web.call("end_task", **ending, tests=[{"path": named}])
        paths.append(sorted(trees.read(web.house.created / ended["folder"] / "tests" / "files")))
    assert paths == [[b"tests/test_calc.py"], [b"checks/one.py"]]


async def test_what_is_wrong_is_one_sentence_and_loses_nothing(web: Web) -> None:
    sent = await web.trees()
    assert "'base_tree' is missing" in await web.refused("start_task", title="Add")
    assert "is no object id" in await web.refused("start_task", title="Add", base_tree="HEAD")
    started = await web.call("start_task", title="Add", base_tree=sent["base_tree"])
    ending = {"task_id": started["task_id"], "end_tree": sent["end_tree"], "pack": sent["pack"], "summary": "x"}
    assert "no task 'other' was started" in await web.refused("end_task", **ending | {"task_id": "other"})
    no_pack = await web.refused("end_task", **ending | {"pack": "0" * 64})
    assert "there is no pack" in no_pack
    assert "PUT /packs" in no_pack
    assert "there is no pack" in await web.refused("end_task", **ending | {"pack": "../../token"})
    by_value = await web.refused("end_task", **ending, tests=[{"path": "tests/test_x.py", "content": "x"}])
    assert "write it into the end tree" in by_value
    assert "same tree" in await web.refused("end_task", **ending | {"end_tree": sent["base_tree"]})
    assert "is refused" in await web.refused("end_task", **ending | {"end_tree": "f" * 40})
    assert (await web.call("task_status", task_id=started["task_id"]))["state"] == "started"
    assert (await web.call("end_task", **ending))["state"] == "ended"


async def test_what_takes_long_goes_on(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "_WAIT_SECONDS", 0.0)
    sent = await web.trees()
    started = await web.call("start_task", title="Add", base_tree=sent["base_tree"])
    ending = {"task_id": started["task_id"], "end_tree": sent["end_tree"], "pack": sent["pack"], "summary": "x"}
    assert "is being written; its status will tell" in (await web.call("end_task", **ending))["text"]
    await until(lambda: web.house.capture.get(started["task_id"]).state == pb.TASK_STATE_ENDED)


async def test_readiness_is_what_a_pack_can_tell(web: Web) -> None:
    sent = await web.trees()
    told = await web.call("check_readiness", base_tree=sent["base_tree"], pack=sent["pack"])
    assert told["ready"] is True
    assert told["files"] == len(BASE)
    assert "run `oneshot mcp` there" in told["text"]
    assert "run `oneshot mcp` there" in (await web.call("check_readiness"))["text"]
    assert "nothing can be mended from here" in await web.refused("autofix_readiness")
