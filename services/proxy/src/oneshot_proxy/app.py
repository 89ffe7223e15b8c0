"""The proxy put together: store, sessions, gateway and servicer, started and stopped in the right order."""

import logging
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from oneshot.proxy.v1 import proxy_pb2_grpc
from oneshot_proxy.gateway import Gateway
from oneshot_proxy.redact import LogFilter, Secrets
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


@asynccontextmanager
async def running(settings: ProxySettings) -> AsyncIterator[App]:
    """Run everything but the gRPC server; at the end nothing is left but the store's file.

    :raises NotReady: the store or the gateway cannot start.
    """
    path = settings.data / "state" / "proxy.sqlite"
    try:
        store = Store(path)
    except (OSError, sqlite3.Error) as error:
        raise NotReady(f"the trace store {path} cannot be opened ({error}); free or move it") from None
    secrets = Secrets()
    log_filter = LogFilter(secrets)
    handlers = list(logging.getLogger().handlers)
    for handler in handlers:
        handler.addFilter(log_filter)
    sessions = Sessions(store, secrets)
    gateway = Gateway(settings, sessions)
    try:
        try:
            await gateway.start()
            servicer = ProxyServicer(sessions, gateway)
            add = proxy_pb2_grpc.add_ProxyServiceServicer_to_server
            yield App(
                [Service(add, servicer, "oneshot.proxy.v1.ProxyService")], sessions.busy, gateway, sessions.put_keys
            )
        finally:
            await gateway.stop()
    finally:
        await store.close()
        for handler in handlers:
            handler.removeFilter(log_filter)
