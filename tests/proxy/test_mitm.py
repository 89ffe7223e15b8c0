"""mitmproxy with few addons still has every option that its proxy core reads, and refuses public clients."""

import re
from pathlib import Path

import mitmproxy
from mitmproxy.connection import Client
from mitmproxy.options import Options
from mitmproxy.proxy import server_hooks
from mitmproxy.proxy.mode_specs import ProxyMode

from oneshot_proxy import mitm


async def test_every_option_that_the_core_reads_is_there() -> None:
    core = Path(mitmproxy.__file__).parent
    sources = [*(core / "proxy").rglob("*.py"), core / "addons" / "next_layer.py", core / "addons" / "tlsconfig.py"]
    read = {name for source in sources for name in re.findall(r"\boptions\.([a-z]\w+)", source.read_text())}
    missing = read - set(mitm.master(Options()).options.keys()) - {"add_option", "py"}
    assert missing == {"proxyauth"}  # read by SOCKS5 only


async def test_a_client_with_a_public_address_is_refused() -> None:
    made = mitm.master(Options())
    for address, refused in (("127.0.0.1", False), ("172.18.0.3", False), ("8.8.8.8", True)):
        client = Client(
            peername=(address, 1), sockname=("127.0.0.1", 2), timestamp_start=0, proxy_mode=ProxyMode.parse("regular")
        )
        await made.addons.trigger_event(server_hooks.ClientConnectedHook(client))
        assert bool(client.error) is refused
