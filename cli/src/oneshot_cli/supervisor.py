"""The embedded stack's supervisor: starts the services, restarts one that falls, and leaves when all are idle."""

import asyncio
import contextlib
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

from oneshot_cli import clients, locks, places
from oneshot_cli.stack import SERVICES, Ready, Stack
from oneshot_shared import logs
from oneshot_shared.errors import NotReady, sentence

_READY_SECONDS = 50.0
# one after the other: the sum stays below what `oneshot down` waits
STOP_SECONDS = {"orchestrator": 28.0, "proxy": 12.0}
OTHERS_STOP_SECONDS = 8.0
_LOG_BYTES = 10 * 1024 * 1024
_RESTARTS = 5
_IDLE_SECONDS = 600.0
_MAX_IDLE_SECONDS = 30 * 24 * 3600.0
_EARLIER_SECONDS = 40.0


class Supervisor:
    """One stack, from its start to its end."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._runtime = places.runtime_folder(stack.data)
        self._token = stack.token  # once: whatever becomes of its file, the services know this one
        self._told = asyncio.Event()
        self._stopping = {service: asyncio.Event() for service in SERVICES}
        self._idle = idle_seconds()
        self._gateway = self._runtime / "gateway"
        self._gateway_port, self._forward_port = _free_port(), _free_port()  # kept when the proxy has to start again

    async def run(self) -> None:
        """Start everything, wait for a reason to leave, stop everything."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._told.set)
        self._gateway.mkdir(mode=0o700, exist_ok=True)
        with locks.opened(self._stack.state / "services.lock") as lock:
            await _until_earlier_services_ended(lock.fileno())
            await self._serve(lock.fileno())

    async def _serve(self, lock: int) -> None:
        keepers = {service: asyncio.create_task(self._keep(service, lock)) for service in SERVICES}
        try:
            await self._until_all_serve(list(keepers.values()))
            self._stack.say_ready(Ready.now(self._runtime))
            logs.get().info("leaving", why=await self._reason_to_leave(keepers))
        finally:
            self._stack.ready_file.unlink(missing_ok=True)
            for service in reversed(SERVICES):
                self._stopping[service].set()
                await asyncio.wait([keepers[service]])
            shutil.rmtree(self._gateway, ignore_errors=True)

    async def _reason_to_leave(self, keepers: dict[str, asyncio.Task[None]]) -> str:
        idle, told = asyncio.create_task(self._until_idle()), asyncio.create_task(self._told.wait())
        done, _ = await asyncio.wait([idle, told, *keepers.values()], return_when=asyncio.FIRST_COMPLETED)
        idle.cancel()
        told.cancel()
        gone = [service for service, keeper in keepers.items() if keeper in done]
        return "told to" if told in done else "idle" if idle in done else f"{', '.join(gone)} does not stay up"

    async def _keep(self, service: str, lock: int) -> None:
        """Run a service until its turn to stop comes; start it again when it falls, a few times."""
        for _ in range(_RESTARTS):
            process = await self._start(service, lock)
            ended = asyncio.create_task(process.wait())
            stopping = asyncio.create_task(self._stopping[service].wait())
            await asyncio.wait([ended, stopping], return_when=asyncio.FIRST_COMPLETED)
            if self._stopping[service].is_set():
                await _stop(process, ended, STOP_SECONDS.get(service, OTHERS_STOP_SECONDS))
                return
            stopping.cancel()
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
            values["FORWARD_PORT"] = os.environ.get("ONESHOT_PROXY_FORWARD_PORT") or str(self._forward_port)
        if service == "capture":
            values["PROXY"] = self._stack.address("proxy")
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
                if any(keeper.done() for keeper in keepers) or self._told.is_set():
                    raise NotReady("a service ended while it was starting; its log says why")
                with contextlib.suppress(grpc.aio.AioRpcError):
                    answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=1)
                    if answer.status == health_pb2.HealthCheckResponse.SERVING:
                        return
                await asyncio.sleep(0.02)

    async def _until_idle(self) -> None:
        while True:
            await asyncio.sleep(min(5.0, max(0.2, self._idle / 4)))
            try:
                if await self._all_idle():
                    async with self._stack.starting(timeout=0):  # nobody is joining
                        if await self._all_idle():
                            self._stack.ready_file.unlink(missing_ok=True)
                            return
            except NotReady:
                continue
            except Exception as error:  # noqa: BLE001 -- whatever is wrong with asking must not end the runs
                logs.get().warning("nobody can tell whether the stack is idle; it stays", error=sentence(error))

    async def _all_idle(self) -> bool:
        infos = await clients.infos(self._stack, self._token)
        return all(not info.busy and info.idle_seconds >= self._idle for info in infos)


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
        if locks.take(lock):
            return
        await asyncio.sleep(0.05)
    raise NotReady("the services of a stack that was killed are still ending; try again in a minute")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _stop(process: asyncio.subprocess.Process, ended: "asyncio.Task[int]", seconds: float) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
        if not (await asyncio.wait([ended], timeout=seconds))[0]:
            process.kill()
    await ended


def main(data: str) -> int:
    """Hold the stack's lock for as long as this process lives."""
    logs.configure("stack")
    stack = Stack(Path(data))
    with locks.opened(stack.alive_lock) as lock:
        for _ in range(100):
            if locks.take(lock.fileno()):
                break
            time.sleep(0.01)  # a command that asks whether the stack is alive shares it for an instant
        else:
            logs.get().error(f"another stack already serves {data}")
            return 2
        # never closed by us: whoever waits for the lock finds no process any more
        os.dup(lock.fileno())
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        try:
            asyncio.run(Supervisor(stack).run())
        except NotReady as error:
            logs.get().error(sentence(error))
            return 2
        except Exception as error:  # noqa: BLE001 -- the boundary: whoever started it reads the log
            logs.get().error(sentence(error), exc_info=error)
            return 1
        finally:
            lock.truncate(0)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
