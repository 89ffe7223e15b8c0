"""Work on large bodies, away from the event loop: the streams of others must not wait for all of it.

A thread helps between two steps of the work alone: code in C, such as a JSON parser, holds the interpreter for as long as one call
takes. So what goes into one call must be bounded by whoever makes it.
"""

import asyncio
from collections.abc import Callable

LARGE = 256 * 1024


async def run[**P, R](size: int, work: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R:
    """Do the work, on a thread where it is about many bytes. What the loop's own state depends on is checked afterwards."""
    if size < LARGE:
        return work(*arguments, **named)
    return await asyncio.to_thread(work, *arguments, **named)
