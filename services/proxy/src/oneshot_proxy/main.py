"""The program `oneshot-proxy`."""

from oneshot_proxy.app import running
from oneshot_proxy.settings import ProxySettings
from oneshot_shared import logs, server, settings

_NAME = "proxy"


async def serve() -> None:
    """Serve until told to stop."""
    loaded = settings.load(ProxySettings)
    logs.configure(_NAME, loaded.log_level)
    async with running(loaded) as app:
        await server.run(_NAME, loaded, app.services, app.busy)


def main() -> None:
    """Entry point."""
    server.main(_NAME, serve)


if __name__ == "__main__":
    main()
