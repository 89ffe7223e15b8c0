"""Folders on this machine: removed whatever is in them, and never left to a thread that goes on in them."""

import asyncio
import subprocess
from collections.abc import Callable
from pathlib import Path

from oneshot_shared import logs


def remove(folder: Path) -> None:
    """Remove a folder, however deep it is and whatever modes its content has. What resists is logged, and stays."""
    # not shutil.rmtree: it holds a descriptor open for each level
    for command in (["rm", "-rf"], ["chmod", "-R", "u+rwx"], ["rm", "-rf"]):
        ended = subprocess.run([*command, "--", str(folder)], capture_output=True, text=True, check=False)
        if not folder.exists():
            return
    logs.get().warning("folder not removed", folder=str(folder), error=ended.stderr[-500:])


async def on_thread[T](call: Callable[..., T], /, *arguments: object, **options: object) -> T:
    """A blocking call on a thread. Cancelled, it is waited for all the same: who comes next may use its folder."""
    made = asyncio.ensure_future(asyncio.to_thread(call, *arguments, **options))
    try:
        return await asyncio.shield(made)
    except asyncio.CancelledError:
        await asyncio.wait([made])
        made.exception()  # nobody else will ask for it
        raise
