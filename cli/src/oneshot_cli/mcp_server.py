"""`oneshot mcp`: the capture tools of this folder over stdio. Standard output is the protocol's; logs go to standard error."""

import asyncio
import gc
import os
from pathlib import Path


def main() -> None:
    """Serve until the client leaves. Codex waits for the answer to `initialize` before its first turn."""
    gc.disable()  # a tenth of what the SDK's import takes
    asyncio.run(_serve())


async def _serve() -> None:
    from mcp.server.stdio import stdio_server

    from oneshot_cli.pairing.tools import Tools
    from oneshot_shared.capture_tools import server

    made = server(Tools(Path.cwd(), os.environ))
    gc.enable()
    async with stdio_server() as (incoming, outgoing):
        await made.run(incoming, outgoing, made.create_initialization_options())
