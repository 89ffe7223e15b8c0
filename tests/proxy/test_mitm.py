"""mitmproxy with few addons still has every option that its proxy core reads, and refuses public clients."""

import re
from pathlib import Path

import mitmproxy
from mitmproxy.connection import Client
from mitmproxy.exceptions import AddonHalt
from mitmproxy.hooks import RunningHook
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


async def test_events_go_to_each_addon_in_order_past_one_that_fails() -> None:
    class Failing:
        def running(self) -> None:
            seen.append("failing")
            raise ValueError("broken")

    class Waiting:
        async def running(self) -> None:
            seen.append("waiting")

    class Halting:
        def running(self) -> None:
            seen.append("halting")
            raise AddonHalt

    seen: list[str] = []
    made = mitm.master(Options())
    await made.addons.trigger_event(RunningHook())
    waiting = Waiting()
    made.addons.add(Failing(), waiting)
    await made.addons.trigger_event(RunningHook())
    assert seen == ["failing", "waiting"]
    made.addons.remove(waiting)
    made.addons.add(Halting(), Waiting())
    await made.addons.trigger_event(RunningHook())
    assert seen[2:] == ["failing", "halting"]
