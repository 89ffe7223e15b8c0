"""Who may ask."""

import asyncio

import httpx2
import pytest

from capture.harness import TOKEN
from capture.http.harness import Web, until
from oneshot_capture.http import guard

GOOD = {"Authorization": f"Bearer {TOKEN}"}


@pytest.mark.parametrize("path", ["/mcp", "/packs", "/nowhere"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": TOKEN}, 401),
        ({"Authorization": b"Bearer \xe9"}, 401),
        (GOOD | {"Host": "evil.example"}, 421),
        (GOOD | {"Host": "127.0.0.1.evil.example:80"}, 421),
        (GOOD | {"Origin": "http://evil.example"}, 403),
        (GOOD | {"Origin": "null"}, 403),
        ({"Host": "evil.example"}, 421),
    ],
)
async def test_everybody_else_is_refused(web: Web, path: str, headers: dict[str, str], status: int) -> None:
    async with httpx2.AsyncClient(trust_env=False) as client:
        for method in ("GET", "POST", "PUT", "DELETE"):
            answer = await client.request(method, f"{web.url}{path}", headers=headers, content=b"PACK" * 1000)
            assert answer.status_code == status
            if status == 401:
                assert answer.headers["www-authenticate"] == "Bearer"
                assert "the bearer token is missing or wrong" in answer.json()["error"]
    assert web.kept == []
    assert web.busy() == ""


@pytest.mark.parametrize("host", ["localhost", "localhost:50055", "127.0.0.1:1", "[::1]:50055"])
async def test_loopback_names_at_any_port(web: Web, host: str) -> None:
    headers = {"Host": host, "Origin": f"http://{host}"}
    assert (await web.http.put(f"{web.url}/packs", content=b"PACK", headers=headers)).status_code == 200


def test_a_name_of_ours() -> None:
    allowed = guard.security(["bench.example.org"])
    assert {"bench.example.org", "bench.example.org:*"} < set(allowed.allowed_hosts)
    assert "https://bench.example.org:*" in allowed.allowed_origins


async def test_an_open_connection_is_no_work_and_a_call_is(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    assert web.busy() == ""
    more = asyncio.Event()

    async def slow():
        yield b"PACK"
        await more.wait()

    upload = asyncio.create_task(web.http.put(f"{web.url}/packs", content=slow()))
    await until(lambda: web.busy() == "1 HTTP requests")
    more.set()
    assert (await upload).status_code == 200
    assert web.busy() == "an HTTP client"
    monkeypatch.setattr(guard, "_QUIET_SECONDS", 0.1)
    async with web.session() as session:
        await session.list_tools()
        await asyncio.sleep(0.3)
        assert web.busy() == "", "it is connected, and that is all"
