"""The proxy put together: store, sessions, gateway and servicer, started and stopped in the right order."""

import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from oneshot.proxy.v1 import proxy_pb2_grpc
from oneshot_proxy import hosts, redact
from oneshot_proxy.gateway import Gateway
from oneshot_proxy.leases import Leases
from oneshot_proxy.redact import Secrets
from oneshot_proxy.room import Room
from oneshot_proxy.servicer import ProxyServicer
from oneshot_proxy.sessions import Sessions
from oneshot_proxy.settings import ProxySettings
from oneshot_proxy.store import Store
from oneshot_shared.errors import NotReady
from oneshot_shared.server import Service


@dataclass(frozen=True)
class App:
    """A running proxy, ready to be served by oneshot_shared.server."""

    services: list[Service]
    busy: Callable[[], str]
    gateway: Gateway
    put_keys: Callable[[Mapping[str, str]], None]
    end_leases: Callable[[], None]
    """Before the server stops: their streams would keep it waiting."""


@asynccontextmanager
async def running(settings: ProxySettings) -> AsyncIterator[App]:
    """Run everything but the gRPC server; at the end nothing is left but the store's file.

    :raises BadInput: a setting is unusable. NotReady: the store or the gateway cannot start.
    """
    model_hosts = hosts.parse(settings.model_hosts)
    path = settings.data / "state" / "proxy.sqlite"
    try:
        store = Store(path)
    except (OSError, sqlite3.Error) as error:
        raise NotReady(f"the trace store {path} cannot be opened ({error}); free or move it") from None
    secrets = Secrets()
    sessions = Sessions(store, secrets, model_hosts, Room(settings.bodies_megabytes * 1024 * 1024))
    gateway, leases = Gateway(settings, sessions), Leases(sessions)
    with redact.cleaned_logs(sessions.log_patterns):
        try:
            await gateway.start()
            servicer = ProxyServicer(sessions, leases, gateway)
            add = proxy_pb2_grpc.add_ProxyServiceServicer_to_server
            yield App(
                [Service(add, servicer, "oneshot.proxy.v1.ProxyService")],
                sessions.busy,
                gateway,
                sessions.put_keys,
                leases.end,
            )
        finally:
            leases.end()
            try:
                await gateway.stop()
            finally:
                await store.close()
