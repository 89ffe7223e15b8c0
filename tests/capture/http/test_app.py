"""PUT /packs and what else there is."""

import httpx2

from capture.http import harness
from capture.http.harness import Web
from oneshot_shared.capture_tools import TOOLS


async def test_a_pack_is_taken_and_its_digest_given_back(web: Web) -> None:
    answer = await web.http.put(f"{web.url}/packs", content=b"PACKabc")
    assert answer.status_code == 200
    assert [file.stem for file in web.kept] == [answer.json()["pack"]]


async def test_what_is_refused_is_a_sentence(web: Web) -> None:
    too_large = await web.http.put(f"{web.url}/packs", content=b"PACK" + b"x" * 2**20)
    assert too_large.status_code == 400
    assert "the pack is larger than 1048576 bytes, the allowed maximum" in too_large.json()["error"]
    assert (await web.http.put(f"{web.url}/packs", content=b"x")).status_code == 400
    assert web.kept == []


async def test_a_client_that_leaves_in_the_middle_leaves_nothing(web: Web) -> None:
    async def broken():
        yield b"PACK"
        raise ConnectionResetError

    for _ in range(6):
        try:
            await web.http.put(f"{web.url}/packs", content=broken())
        except (ConnectionResetError, httpx2.HTTPError):
            continue
    await harness.until(lambda: web.kept == [] and web.busy() != "1 HTTP requests")
    assert await web.put(b"PACK")


async def test_the_tools_are_those_of_a_persons_machine_with_the_trees(web: Web) -> None:
    async with web.session() as session:
        found = {tool.name: tool.input_schema for tool in (await session.list_tools()).tools}
    assert list(found) == [tool.name for tool in TOOLS]
    assert set(found["repo.start_task.v1"]["required"]) == {"title", "base_tree"}
    assert set(found["repo.end_task.v1"]["required"]) == {"summary", "end_tree", "pack", "task_id"}
    assert "git pack-objects" in found["repo.start_task.v1"]["properties"]["base_tree"]["description"]


async def test_other_paths_and_methods(web: Web) -> None:
    assert (await web.http.get(f"{web.url}/packs")).status_code == 405
    assert (await web.http.get(f"{web.url}/")).status_code == 404
    large = await web.http.post(f"{web.url}/mcp", json={"x": "y" * 5 * 2**20})
    assert large.status_code == 413
