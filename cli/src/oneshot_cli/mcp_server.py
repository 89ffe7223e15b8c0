"""`oneshot mcp`: the capture tools of this folder over stdio. Standard output is the protocol's; all else goes to standard error."""

import asyncio
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oneshot_shared.capture_core import CaptureTools


def main() -> None:
    """Serve the tools of this folder until the client leaves."""
    gc.disable()  # a tenth of what the imports take, for which Codex waits before its first turn
    with _quiet():
        from oneshot_cli.pairing.tools import Tools

        tools = Tools(Path.cwd(), os.environ)
    asyncio.run(serve(tools))


async def serve(tools: "CaptureTools") -> None:
    """Serve tools until the client leaves."""
    with _quiet():
        from mcp.server.stdio import stdio_server

        from oneshot_shared.capture_tools import server

        made = server(tools)
    gc.enable()
    async with stdio_server() as (incoming, outgoing):  # which keeps fd 1 to itself from here on
        await made.run(incoming, outgoing, made.create_initialization_options())


@contextmanager
def _quiet() -> Iterator[None]:
    """What anything prints meanwhile goes to standard error: half a line before the first message stops Codex until its timeout."""
    wire = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(wire, 1)
        os.close(wire)
