"""The embedded stack's supervisor: starts the services, restarts one that falls, and leaves when all are idle."""

import asyncio
import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from oneshot_cli import clients, places
from oneshot_cli.stack import SERVICES, Stack
from oneshot_shared import logs, version
from oneshot_shared.errors import NotReady, sentence

_READY_SECONDS = 50.0
_STOP_SECONDS = 45.0
_LOG_BYTES = 10 * 1024 * 1024
_RESTARTS = 5
_IDLE_SECONDS = 600.0
_MAX_IDLE_SECONDS = 30 * 24 * 3600.0
_EARLIER_SECONDS = 40.0


class Supervisor:
    """One stack, from its start to its end."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._leaving = asyncio.Event()
        self._idle = idle_seconds()
        self._gateway = stack.runtime / "gateway"
        self._gateway_port = _free_port()

    async def run(self) -> None:
        """Start everything, wait for a reason to leave, stop everything."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._leaving.set)
        self._gateway.mkdir(mode=0o700, exist_ok=True)
        with (self._stack.runtime / "services.lock").open("a") as lock:
            await _until_earlier_services_ended(lock.fileno())
            await self._serve(lock.fileno())

    async def _serve(self, lock: int) -> None:
        keepers = [asyncio.create_task(self._keep(service, lock)) for service in SERVICES]
        try:
            await self._until_all_serve(keepers)
            ready = {"pid": os.getpid(), "build": version.build()}
            self._stack.ready_file.write_text(json.dumps(ready))
            idle = asyncio.create_task(self._leave_when_idle())
            leaving = asyncio.create_task(self._leaving.wait())
            await asyncio.wait([idle, leaving, *keepers], return_when=asyncio.FIRST_COMPLETED)
            idle.cancel()
        finally:
            self._stack.ready_file.unlink(missing_ok=True)
            self._leaving.set()
            await asyncio.wait(keepers)
            shutil.rmtree(self._gateway, ignore_errors=True)

    async def _keep(self, service: str, lock: int) -> None:
        """Run a service until the stack leaves; start it again when it falls, a few times."""
        for _ in range(_RESTARTS):
            process = await self._start(service, lock)
            ended = asyncio.create_task(process.wait())
            leaving = asyncio.create_task(self._leaving.wait())
            await asyncio.wait([ended, leaving], return_when=asyncio.FIRST_COMPLETED)
            if self._leaving.is_set():
                await _stop(process, ended)
                return
            leaving.cancel()
            logs.get().error(f"{service} ended with exit code {process.returncode}", service_name=service)
            if process.returncode == 2:
                return
            await asyncio.sleep(0.5)

    async def _start(self, service: str, lock: int) -> asyncio.subprocess.Process:
        log = self._stack.log.parent / f"{service}.log"
        if log.exists() and log.stat().st_size > _LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
        with log.open("ab") as output:
            return await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                f"oneshot_{service}.main",
                env=os.environ | self._environment(service),
                stdin=subprocess.PIPE,  # its end ends the service, should this process be killed
                stdout=output,
                stderr=output,
                start_new_session=True,
                pass_fds=(lock,),
            )

    def _environment(self, service: str) -> dict[str, str]:
        prefix = f"ONESHOT_{service.upper()}_"
        values = {
            "LISTEN": self._stack.address(service),
            "TOKEN_FILE": str(self._stack.token_file),
            "DATA": str(self._stack.data),
            "EXIT_ON_STDIN_EOF": "1",
        }
        if service == "proxy":
            values["GATEWAY_SOCKET"] = str(self._gateway / "gateway.sock")
            values["GATEWAY_PORT"] = str(self._gateway_port)
        if service == "orchestrator":
            values |= {name.upper(): self._stack.address(name) for name in ("proxy", "grader")}
            values["OWNER"] = places.owner(self._stack.data)
            if sys.platform == "linux":
                values["RELAY_SOURCE"] = str(self._gateway)
            else:  # Docker Desktop: a unix socket does not reach into its machine, but its host name leads to our loopback
                values["RELAY_UPSTREAM"] = f"host.docker.internal:{self._gateway_port}"
        return {f"{prefix}{name}": value for name, value in values.items()}

    async def _until_all_serve(self, keepers: list[asyncio.Task[None]]) -> None:
        try:
            async with asyncio.timeout(_READY_SECONDS):
                await asyncio.gather(*(self._until_serving(service, keepers) for service in SERVICES))
        except TimeoutError:
            raise NotReady(f"a service did not answer within {_READY_SECONDS:.0f} s") from None

    async def _until_serving(self, service: str, keepers: list[asyncio.Task[None]]) -> None:
        async with grpc.aio.insecure_channel(self._stack.address(service)) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            while True:
                if any(keeper.done() for keeper in keepers) or self._leaving.is_set():
                    raise NotReady("a service ended while it was starting; its log says why")
                with contextlib.suppress(grpc.aio.AioRpcError):
                    answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=1)
                    if answer.status == health_pb2.HealthCheckResponse.SERVING:
                        return
                await asyncio.sleep(0.02)

    async def _leave_when_idle(self) -> None:
        while True:
            await asyncio.sleep(min(5.0, max(0.2, self._idle / 4)))
            if await self._all_idle():
                with contextlib.suppress(NotReady), self._stack.starting(timeout=0):  # nobody is joining
                    if await self._all_idle():
                        logs.get().info("idle: leaving")
                        self._stack.ready_file.unlink(missing_ok=True)
                        return

    async def _all_idle(self) -> bool:
        try:
            infos = await clients.infos(self._stack)
        except (ConnectionError, TimeoutError):
            return False
        return all(info.idle_seconds >= self._idle for info in infos)


def idle_seconds() -> float:
    given = os.environ.get("ONESHOT_IDLE_SECONDS") or str(_IDLE_SECONDS)
    with contextlib.suppress(ValueError):
        if 0 < (seconds := float(given)) <= _MAX_IDLE_SECONDS:
            return seconds
    raise NotReady(
        f"ONESHOT_IDLE_SECONDS is {given!r}; set it to seconds above 0, or leave it out for {_IDLE_SECONDS:.0f}"
    )


async def _until_earlier_services_ended(lock: int) -> None:
    """Take the lock that every service inherits: those of a supervisor that was killed still own sockets and stores."""
    for _ in range(int(_EARLIER_SECONDS / 0.05)):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        await asyncio.sleep(0.05)
    raise NotReady("the services of a stack that was killed are still ending; try again in a minute")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _stop(process: asyncio.subprocess.Process, ended: "asyncio.Task[int]") -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
        if not (await asyncio.wait([ended], timeout=_STOP_SECONDS))[0]:
            process.kill()
    await ended


def main(data: str, runtime: str) -> int:
    """Hold the stack's lock for as long as this process lives."""
    logs.configure("stack")
    stack = Stack(Path(data), Path(runtime))
    with (stack.runtime / "alive.lock").open("a") as lock:
        for _ in range(100):
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            time.sleep(0.01)  # a command that only asked whether the stack is alive holds it for an instant
        else:
            logs.get().error(f"another stack already serves {data}")
            return 2
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        try:
            asyncio.run(Supervisor(stack).run())
        except NotReady as error:
            logs.get().error(sentence(error))
            return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
