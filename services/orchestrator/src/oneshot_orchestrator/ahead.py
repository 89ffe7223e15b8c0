"""A context that is entered while its user still does something else."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import AbstractAsyncContextManager, asynccontextmanager


@asynccontextmanager
async def begun[T](context: AbstractAsyncContextManager[T]) -> AsyncIterator[Awaitable[T]]:
    """Begin to enter a context; yields what it gives, to be awaited once. At the end it is left, entered or half-way."""
    entering = asyncio.ensure_future(context.__aenter__())
    try:
        yield entering
    finally:
        await asyncio.shield(_left(context, entering))


async def _left[T](context: AbstractAsyncContextManager[T], entering: "asyncio.Task[T]") -> None:
    if not entering.cancelling():  # a second time would break off what the context does about the first
        entering.cancel()
    await asyncio.wait([entering])
    if not entering.cancelled() and entering.exception() is None:
        await context.__aexit__(None, None, None)
