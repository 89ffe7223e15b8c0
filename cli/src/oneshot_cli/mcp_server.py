"""`oneshot mcp`: the capture tools of this folder over stdio. Standard output is the protocol's; all else goes to standard error."""

import asyncio
import gc
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oneshot_shared.capture_core import CaptureTools

_RESUME_SECONDS = 3.0


def main() -> None:
    """Serve the tools of this folder until the client leaves."""
    gc.disable()  # a tenth of what the imports take, for which Codex waits before its first turn
    with quiet():
        from oneshot_cli.pairing.tools import Tools

        tools = Tools.here(os.environ)
    asyncio.run(_serve_and_resume(tools))


async def serve(tools: "CaptureTools") -> None:
    """Serve tools until the client leaves."""
    with quiet():
        from mcp.server.stdio import stdio_server

        from oneshot_shared.capture_tools import server

        made = server(tools)
    gc.enable()
    async with stdio_server() as (incoming, outgoing):  # which keeps fd 1 to itself from here on
        await made.run(incoming, outgoing, made.create_initialization_options())


async def _serve_and_resume(tools: "CaptureTools") -> None:
    resumed = asyncio.create_task(_resume())
    await serve(tools)
    resumed.cancel()


async def _resume() -> None:
    """Have delivered what earlier works owe, once the client has its first answers."""
    await asyncio.sleep(_RESUME_SECONDS)
    from oneshot_cli.pairing import delivery

    try:
        await asyncio.to_thread(delivery.resume, os.environ)
    except Exception:  # the next start, status or end tries again
        logging.getLogger(__name__).exception("what is owed was not sent")


@contextmanager
def quiet() -> Iterator[None]:
    """What anything prints meanwhile goes to standard error: half a line before the first message stops Codex until its timeout."""
    wire = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(wire, 1)
        os.close(wire)
