"""The program `oneshot-proxy`."""

import gc
import os

from oneshot_proxy import pulse
from oneshot_proxy.app import running
from oneshot_proxy.settings import ProxySettings
from oneshot_shared import logs, providers, server, settings

_NAME = "proxy"


async def serve() -> None:
    """Serve until told to stop."""
    loaded = settings.load(ProxySettings)
    logs.configure(_NAME, loaded.log_level)
    async with running(loaded) as app:
        gc.freeze()  # a collection over all that a start makes would hold every stream up for a tenth of a second
        # compose hands keys over in the environment; the embedded stack's supervisor passes none on
        app.put_keys({name: os.environ[name] for name in providers.VARIABLES if name in os.environ})

        async def stop() -> None:
            app.end_leases()

        await server.run(_NAME, loaded, app.services, app.busy, stop)


def main() -> None:
    """Entry point."""
    server.main(_NAME, serve, pulse.loop)


if __name__ == "__main__":
    main()
