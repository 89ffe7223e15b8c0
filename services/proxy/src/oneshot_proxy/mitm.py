"""mitmproxy with no more of its addons than a gateway needs.

mitmproxy offers each of a request's eight events to each of its thirty-odd addons, through two context managers an addon: half
of the time that `mitmdump` spends on a request. What is left out here records, replays, blocks, rewrites or shows flows at the
wish of a person at its console. See benchmarks/README.md.
"""

from mitmproxy.addons.block import Block
from mitmproxy.addons.core import Core
from mitmproxy.addons.disable_h2c import DisableH2C
from mitmproxy.addons.next_layer import NextLayer
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.addons.tlsconfig import TlsConfig
from mitmproxy.addons.update_alt_svc import UpdateAltSvc
from mitmproxy.master import Master
from mitmproxy.options import Options


def master(options: Options) -> Master:
    """A master that serves, without a console, a dumper and the check that ends the process by sys.exit inside of a task.

    Block refuses clients with public addresses; UpdateAltSvc keeps an upstream from leading agents past the gateway.
    """
    made = Master(options)
    made.addons.add(Core(), Block(), DisableH2C(), Proxyserver(), NextLayer(), TlsConfig(), UpdateAltSvc())  # type: ignore[no-untyped-call]
    return made
