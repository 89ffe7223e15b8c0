"""A live session around a command: opened, held while the command works, closed, and summed up.

Recording never stands in the command's way: what goes wrong with it once the session is open is said at the end.
"""

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from oneshot.proxy.v1 import proxy_pb2 as pb
from oneshot_cli import recording_env, tethered
from oneshot_shared.errors import BadInput, sentence

if TYPE_CHECKING:
    from oneshot.proxy.v1.proxy_pb2_grpc import ProxyServiceAsyncStub

_PAUSE_SECONDS = 1.0
_PREFIX = "oneshot-record-"
_HELD_SECONDS = 5.0
_FORWARDED = (signal.SIGTERM, signal.SIGHUP)


@dataclass
class Recording:
    """A live session that is held. `record` is the newest that is known of it, the last one once it is closed."""

    session_id: str
    variables: Mapping[str, str]
    """What a command needs to be recorded; the address of the recorder holds the token: it is for the environment, never for a
    file, a log or arguments."""
    record: pb.Session = field(default_factory=pb.Session)
    lost: str = ""
    """Why the session could not be held or closed, as a sentence."""
    gone: bool = False
    """Whether it was closed before we closed it."""


@asynccontextmanager
async def recording(
    stub: "ProxyServiceAsyncStub", endpoint: str = "", environment: Mapping[str, str] = os.environ
) -> AsyncIterator[Recording]:
    """Open a live session, hold it, close it.

    :raises OSError, BadInput, NotReady: it cannot be opened; nothing was started yet.
    """
    name = f"live-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    opened = await stub.OpenSession(pb.OpenSessionRequest(session_id=name, kind=pb.SESSION_KIND_LIVE))
    proxy = f"http://{name}:{opened.token}@{proxy_place(endpoint, environment, opened.forward_port)}"
    _sweep(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-") as folder:  # 0700
        trusted = recording_env.written(Path(folder), opened.ca_certificate, environment)
        found = Recording(name, recording_env.routes(proxy, environment) | trusted)
        held = asyncio.Event()
        lease = asyncio.create_task(_hold(stub, found, held))
        try:
            with contextlib.suppress(TimeoutError):  # who is killed before it is held would leave it open
                await asyncio.wait_for(held.wait(), _HELD_SECONDS)
            yield found
        finally:
            await _close(stub, found)
            lease.cancel()
            await asyncio.gather(lease, return_exceptions=True)


def _sweep(temporary: Path) -> None:
    """Remove the folders of recordings that were killed."""
    for folder in temporary.glob(f"{_PREFIX}*-*"):
        pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
        try:
            os.kill(int(pid), 0)
        except (ProcessLookupError, ValueError):
            shutil.rmtree(folder, ignore_errors=True)
        except OSError:  # somebody else's
            continue


def proxy_place(endpoint: str, environment: Mapping[str, str], port: int) -> str:
    """Host and port of the forward proxy, which is where its stack is."""
    host = (endpoint or environment.get("ONESHOT_ENDPOINT", "")).partition(":")[0] or "127.0.0.1"
    return f"{host}:{environment.get('ONESHOT_PORT_FORWARD') or port}"


async def _hold(stub: "ProxyServiceAsyncStub", found: Recording, held: asyncio.Event) -> None:
    """Hold the lease, through a lost connection too. `held`: it is, or was lost already."""
    while True:
        try:
            async for response in stub.HoldSession(pb.HoldSessionRequest(session_id=found.session_id)):
                found.record = response.session
                held.set()
        except FileNotFoundError as error:
            found.lost, found.gone = sentence(error), True
            held.set()
            return
        except (OSError, RuntimeError) as error:
            found.lost = sentence(error)
        else:
            found.lost = ""
        await asyncio.sleep(_PAUSE_SECONDS)


async def _close(stub: "ProxyServiceAsyncStub", found: Recording) -> None:
    try:
        found.record = (await stub.CloseSession(pb.CloseSessionRequest(session_id=found.session_id))).session
        found.lost = found.lost if found.gone else ""
    except (OSError, RuntimeError) as error:
        found.lost = sentence(error)


def check(command: Sequence[str]) -> None:
    """:raises BadInput: there is no such program."""
    if shutil.which(command[0]) is None:
        raise BadInput(f"there is no program {command[0]!r} on the PATH; give one after --, as in -- codex")


async def run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command in the foreground, as a shell would; its exit code, 128 + n after signal n.

    A terminal's Ctrl-C reaches the command by itself, and it alone decides what to do about it.
    """
    loop = asyncio.get_running_loop()
    process = await asyncio.create_subprocess_exec(*tethered.words(command), env=environment)
    forwarded = _FORWARDED if sys.stdin.isatty() else (*_FORWARDED, signal.SIGINT)
    loop.add_signal_handler(signal.SIGINT, lambda: None)
    for number in forwarded:
        loop.add_signal_handler(number, _send, process, number)
    try:
        code = await process.wait()
    finally:
        for number in {*forwarded, signal.SIGINT}:
            loop.remove_signal_handler(number)
    return 128 - code if code < 0 else code


def _send(process: asyncio.subprocess.Process, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(number)


async def wait() -> None:
    """Until somebody ends it: Ctrl-C, or SIGTERM."""
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    await told.wait()


def summary(found: Recording) -> str:
    """What was recorded, in a few lines."""
    record = found.record
    usage = record.usage
    cost = f"{usage.cost_usd:.4f} USD" if usage.HasField("cost_usd") else "cost unknown"
    tokens = f"{usage.input_tokens + usage.output_tokens:,} tokens ({usage.input_tokens:,} in, of them "
    tokens += f"{usage.cached_tokens:,} cached; {usage.output_tokens:,} out)"
    lines = [
        f"Recorded {record.calls} call{'s' * (record.calls != 1)}, {tokens}, {cost}: oneshot trace show {found.session_id}"
    ]
    lines += [f"Alarm: {alarm}" for alarm in record.alarms]
    if record.upstream_failure and record.upstream_failure not in "".join(record.alarms):
        lines.append(f"Alarm: {record.upstream_failure}")
    if record.stopped_by:
        lines.append(f"Stopped: {record.stopped_by}")
    if found.lost:
        lines.append(f"Alarm: the recording may have ended early ({found.lost})")
    return "\n".join(f"oneshot: {line}" for line in lines)
