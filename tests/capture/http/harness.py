"""The tools as a client reaches them: HTTP on a real port, the MCP client of the SDK, and packs of a real repository."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from capture import harness
from capture.harness import BASE, END, TOKEN, House
from oneshot_capture.http.serving import serving
from oneshot_capture.settings import CaptureSettings
from orchestrator.trees import Tree


@dataclass
class Web:
    """A served capture service with its HTTP side."""

    house: House
    url: str
    busy: Callable[[], str]
    http: httpx2.AsyncClient

    @property
    def kept(self) -> list[Path]:
        """The packs that the service holds, and what is left of others."""
        return list((self.house.data / "state" / "capture-packs").iterdir())

    async def put(self, pack: bytes) -> str:
        """Send a pack; its digest."""
        answer = await self.http.put(f"{self.url}/packs", content=pack)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["pack"])

    async def trees(self, base: Tree = BASE, end: Tree = END) -> dict[str, str]:
        """Send two trees; their ids, and the pack's digest."""
        repository = self.house.repository
        oids = {"base_tree": await repository.tree(base), "end_tree": await repository.tree(end)}
        return oids | {"pack": await self.put(await repository.pack(*oids.values()))}

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[ClientSession]:
        """A session of the SDK's client."""
        async with (
            streamable_http_client(f"{self.url}/mcp", http_client=self.http) as (read, write, *_),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            yield session

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """What a tool answers, as fields, with its `text`. :raises AssertionError: it failed."""
        async with self.session() as session:
            answer = await session.call_tool(f"repo.{tool}.v1", arguments)
        text = answer.content[0].text  # type: ignore[union-attr]
        assert not answer.is_error, text
        return {**(answer.structured_content or {}), "text": text}

    async def refused(self, tool: str, **arguments: Any) -> str:
        """The sentence with which a tool refuses."""
        async with self.session() as session:
            answer = await session.call_tool(f"repo.{tool}.v1", arguments)
        assert answer.is_error
        return str(answer.content[0].text)  # type: ignore[union-attr]


@contextlib.asynccontextmanager
async def web(folder: Path, **settings: Any) -> AsyncIterator[Web]:
    """The service with its data in a folder, on a free port."""
    async with harness.house(folder) as house:
        token = folder / "token"
        token.write_text(TOKEN)
        made = CaptureSettings(
            **{"token_file": token, "data": house.data, "http_listen": "127.0.0.1:0", "pack_mb": 1, **settings}
        )
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=30, trust_env=False) as http,
            serving(made, house.capture) as (url, busy),
        ):
            yield Web(house, url, busy, http)


async def until(true: Callable[[], object], seconds: float = 20) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 -- a state of the server's
            await asyncio.sleep(0.02)
