"""Keys and addresses of model providers, by the provider table. No value of a key is ever shown."""

import asyncio
import os

from oneshot.proxy.v1 import proxy_pb2, proxy_pb2_grpc
from oneshot_cli import clients
from oneshot_cli.doctor.check import Check, ok, refused, skip
from oneshot_cli.doctor.machine import SECONDS, Machine
from oneshot_cli.stack import Stack
from oneshot_shared import providers
from oneshot_shared.client import channel
from oneshot_shared.errors import BadInput, NotReady, sentence
from oneshot_shared.providers import PROVIDERS, Provider

_DEFAULT = "openai"


def values(machine: Machine) -> Check:
    """What is set can be sent: one bad value stops every command."""
    if machine.endpoint:
        return skip("provider settings", "the stack at the endpoint has its own")
    names = [name for provider in _given(machine) for name in (provider.base_url_variable, provider.key_variable)]
    try:
        for name in names:
            providers.check_value(name, machine.env.get(name, ""))
    except BadInput as error:
        return refused("provider settings", error)
    return ok("provider settings", ", ".join(name for name in names if machine.env.get(name)) or "none set")


def model_key(machine: Machine) -> Check:
    """A provider that a live model can be asked at."""
    if machine.endpoint:
        return _elsewhere(machine)
    usable, problems = [], {}
    for provider in _given(machine):
        try:
            providers.resolve(provider.name, {name: value.strip() for name, value in machine.env.items()})
        except NotReady as error:
            problems[provider.name] = error
        else:
            usable.append(provider)
    if _DEFAULT in problems or (problems and not usable):
        return refused("model key", problems.get(_DEFAULT) or next(iter(problems.values())))
    if problems:
        return refused("model key", next(iter(problems.values())), "warn")
    if not usable:
        return _unset(machine)
    used = usable[0].name
    how = "" if _DEFAULT in [provider.name for provider in usable] else f"; say `--provider {used}` with `oneshot run`"
    names = ", ".join(f"{p.name} ({p.key_variable if machine.env.get(p.key_variable) else 'no key'})" for p in usable)
    return ok("model key", f"{names}{how}")


def _elsewhere(machine: Machine) -> Check:
    """The keys of the stack at the endpoint, whose proxy is published beside it."""
    try:
        asyncio.run(clients.remote_info(machine.endpoint, SECONDS))
        address, token = clients.remote("proxy", machine.endpoint)
    except (BadInput, NotReady, OSError, RuntimeError):
        return skip("model key", "the stack at the endpoint, which would know, is not reached")
    try:
        asyncio.run(_asked(address, token))
    except NotReady as error:
        return refused("model key", error)
    except (OSError, RuntimeError) as error:
        found = f"not known from here: the proxy at {address} does not answer ({sentence(error)})"
        return Check("model key", "fail", found, "bring its port here too, or set ONESHOT_PORT_PROXY to where it is")
    return ok("model key", f"{_DEFAULT} (held by the proxy at {address})")


def _unset(machine: Machine) -> Check:
    """Nothing is set here; the stack may hold the key of another shell."""
    try:
        if machine.stack_alive:
            stack = Stack(machine.data)
            asyncio.run(_asked(stack.address("proxy"), stack.token))
            return ok("model key", f"{_DEFAULT} (held by the stack, from another shell)")
        providers.resolve(_DEFAULT, {})
    except (NotReady, OSError, RuntimeError) as error:
        return refused("model key", error)
    raise AssertionError(_DEFAULT)


async def _asked(address: str, token: str) -> None:
    """Let the proxy check a session and open none."""
    limits = proxy_pb2.Limits(wall_seconds=60, tokens=1)
    request = proxy_pb2.OpenSessionRequest(
        session_id=f"doctor-{os.getpid()}", model="any", provider=_DEFAULT, limits=limits, validate_only=True
    )
    async with channel(address, token) as opened:
        await proxy_pb2_grpc.ProxyServiceStub(opened).OpenSession(request, timeout=SECONDS)


def _given(machine: Machine) -> list[Provider]:
    """Providers of which anything is set."""
    return [p for p in PROVIDERS.values() if machine.env.get(p.key_variable) or machine.env.get(p.base_url_variable)]
