"""The embedded stack's life, from its users' side: start it, join it, replace it, stop it, tidy up after a killed one."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

from oneshot_cli import clients, places
from oneshot_cli.stack import SERVICES, START_SECONDS, Ready, Stack, passed
from oneshot_shared import needs, tokens
from oneshot_shared.errors import NotReady

STOP_SECONDS = 60.0
_FREE_BYTES = 16 * 1024 * 1024
_PAUSE_SECONDS = 0.05


async def joined(stack: Stack, *, any_build: bool = False) -> None:
    """Make sure that a stack of this build and these settings runs, and hand the keys over.

    Settings are the stack's until it leaves: only one that this command's environment sets otherwise starts an idle stack
    again. `any_build` joins a busy one of another build. One that is busy with other settings is joined, and that is said.

    :raises NotReady: it does not start, or one of another build is at work.
    """
    async with stack.starting():
        ready = await _settled(stack)
        mine = Ready.now(stack.runtime)
        if ready and (ready.build != mine.build or ready.others(mine)):
            busy = await clients.busy(stack)
            if not busy:
                if ready.build == mine.build:
                    _say(f"the stack is started again, with this command's {', '.join(ready.others(mine))}")
                await stop(stack)
            elif ready.build != mine.build:
                if any_build:
                    return
                raise NotReady(
                    f"a stack of another version ({ready.build}) is at work on {stack.data} ({busy}); wait for it with "
                    "`oneshot runs watch`, or end it with `oneshot down --force`"
                )
            elif not any_build:
                names = ", ".join(ready.others(mine))
                _say(
                    f"the stack is at work ({busy}) with another {names} than this command's, which applies once it is idle"
                )
        if not stack.alive():
            await spawn(stack)
        await clients.put_keys(stack)


async def left(stack: Stack, *, force: bool) -> str:
    """Stop the stack where it runs, and remove what a killed one left. Returns what was done, as a sentence.

    :raises NotReady: it is at work or does not answer, and `force` is not set; it does not end; something cannot be removed.
    """
    async with stack.starting():
        was_up = stack.alive()
        if was_up:
            if not force and stack.ready():
                await _demand_idle(stack)
            await stop(stack)
        tidied = await _tidy(stack)
    if was_up:
        return "The stack is down."
    return f"No stack is up for {stack.data}" + ("; what a killed one had left is removed." if tidied else ".")


async def spawn(stack: Stack) -> None:
    """Start the supervisor and wait until every service answers. For who holds `starting`, where no stack is alive.

    :raises NotReady: the disk is full, or with the log's last line.
    """
    needs.free_bytes(stack.data, "the stack", _FREE_BYTES)
    stack.log.parent.mkdir(parents=True, exist_ok=True)
    stack.ready_file.unlink(missing_ok=True)
    stack.alive_lock.write_bytes(b"")  # the process of a stack that was killed: by now it may be anyone's
    tokens.ensure(places.runtime_folder(stack.data) / "token")
    begun, until = datetime.now(UTC), time.monotonic() + START_SECONDS
    with stack.log.open("ab") as log:
        process = subprocess.Popen(  # noqa: ASYNC220 -- it outlives this command, and its loop
            [sys.executable, "-m", "oneshot_cli.supervisor", str(stack.data)],
            env=passed(os.environ),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    while not stack.ready():
        if process.poll() is not None or time.monotonic() > until:
            process.kill()
            raise NotReady(f"the stack does not start: {_why(stack, begun)}; the logs are in {stack.log.parent}")
        await asyncio.sleep(_PAUSE_SECONDS)


async def stop(stack: Stack) -> None:
    """Ask the supervisor to leave, and wait. :raises NotReady: it does not."""
    until, told = time.monotonic() + STOP_SECONDS, 0
    while stack.alive():
        if not told and (told := stack.pid()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(told, signal.SIGTERM)
        if time.monotonic() > until:
            raise NotReady(f"the stack (process {told}) has not ended within {STOP_SECONDS:.0f} s; see {stack.log}")
        await asyncio.sleep(_PAUSE_SECONDS)


async def _settled(stack: Stack) -> Ready | None:
    """What a running stack says, once it has started; nothing once it has left. :raises NotReady: neither comes."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if (ready := stack.ready()) or not stack.alive():
            return ready
        await asyncio.sleep(_PAUSE_SECONDS)
    raise NotReady(f"a stack is starting or stopping and does not answer; try again, or see {stack.log}")


async def _demand_idle(stack: Stack) -> None:
    infos = await clients.infos(stack)
    if silent := [info.service for info in infos if info.busy == clients.SILENT]:
        raise NotReady(f"the stack does not answer ({', '.join(silent)}); stop it with `oneshot down --force`")
    if busy := ", ".join(info.busy for info in infos if info.busy):
        raise NotReady(f"the stack is at work ({busy}); wait for it, or cancel what runs with --force")


async def _tidy(stack: Stack) -> bool:
    """Remove what a stack that was killed left. Whether there was anything. :raises NotReady: it cannot be removed."""
    runtime = stack.runtime
    if found := stack.leftovers():
        await spawn(stack)  # every start removes what an earlier stack left: no second remover is needed
        await stop(stack)
    for socket in runtime.glob("*.sock"):
        socket.unlink(missing_ok=True)
    shutil.rmtree(runtime / "gateway", ignore_errors=True)
    stack.ready_file.unlink(missing_ok=True)
    if still := stack.leftovers():
        names = ", ".join(each.name for each in still)
        raise NotReady(f"what a killed stack left ({names}) cannot be removed now; {stack.log.parent} says why")
    return bool(found)


def _say(words: str) -> None:
    print(f"oneshot: {words}", file=sys.stderr)


def _why(stack: Stack, begun: datetime) -> str:
    """The last error that a service has logged since, else the supervisor's own."""
    for service in (*SERVICES, "stack"):
        log = stack.log.parent / f"{service}.log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        for line in reversed(lines[-20:]):
            with contextlib.suppress(ValueError, KeyError, TypeError):
                said = json.loads(line)
                if said["level"] == "error" and datetime.fromisoformat(said["timestamp"]) >= begun:
                    return f"{service}: {said['event']}"
    return "a service did not answer in time"
