"""What a sandbox sees of the world: its gateway, and nothing of its neighbours."""

import asyncio
import contextlib
import json
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

from oneshot_orchestrator.contract import Exit
from orchestrator import trees
from orchestrator.backends.contract.bench import GATEWAY, Bench, Box, own, shared

STATUS = "grep -E '^(CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs):' /proc/self/status"
READ = "import socket, sys; print(socket.create_connection((sys.argv[1], int(sys.argv[2])), 5).recv(99).decode())"
REACH = """
import json, socket, sys
from concurrent.futures import ThreadPoolExecutor
def answers(host):
    try:
        socket.create_connection((host, int(sys.argv[1])), 1.5).close()
    except OSError:
        return False
    return True
try:
    mine = socket.gethostbyname(socket.gethostname())
except OSError:
    mine = "127.0.0.1"
near, last = mine.rsplit(".", 1)
hosts = {*sys.argv[2:], *(f"{near}.{int(last) // 8 * 8 + number}" for number in range(8))} - {mine}
with ThreadPoolExecutor(40) as threads:
    print(json.dumps([host for host, yes in zip(hosts, threads.map(answers, hosts)) if yes]))
"""


async def _reached(bench: Bench, box: Box) -> list[str]:
    """At which of our machine's addresses, and of those in the slot's own network, our listener answers."""
    hosts = {"127.0.0.1", "172.17.0.1", *_addresses()}
    answered: list[str] = json.loads(await box.python(REACH, str(bench.port), *sorted(hosts)))
    return answered


def _addresses() -> Iterator[str]:
    """This machine's own, in networks that lead somewhere."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
        probe.connect(("192.0.2.1", 9))  # nothing is sent: this only asks from which address it would be
        yield probe.getsockname()[0]


@own
async def a_slot_leads_to_the_gateway(bench: Bench) -> None:
    slot = await bench.backend.open_slot(0)
    url = urlsplit(slot.gateway_url(bench.port))
    async with bench.box(slot=slot) as box:
        assert (await box.python(READ, str(url.hostname), str(url.port))).strip() == GATEWAY.decode()


@own
async def a_slot_leads_nowhere_else(bench: Bench) -> None:
    async with bench.box(slot=await bench.backend.open_slot(0)) as box:
        assert await _reached(bench, box) == []


@shared
async def without_a_slot_there_is_no_network(box: Box) -> None:
    assert (await box.says("ls /sys/class/net")).split() == ["lo"]
    assert await _reached(box.bench, box) == []


@shared
async def no_process_has_any_rights(box: Box) -> None:
    found = {
        name: int(value, 16) for name, value in (line.split(":") for line in (await box.says(STATUS)).splitlines())
    }
    assert found == {"CapInh": 0, "CapPrm": 0, "CapEff": 0, "CapBnd": 0, "CapAmb": 0, "NoNewPrivs": 1}


@own
async def the_agents_program_is_there_and_cannot_be_changed(bench: Bench) -> None:
    async with bench.box(agent_files=True) as box:
        assert box.sandbox.agent_files
        assert (await box.says('"$1"/codex_cli_bin/bin/codex --version', box.sandbox.agent_files)).startswith("codex")
        for script in (
            'echo x > "$1/new"',
            'echo x >> "$1/codex_cli_bin/bin/codex"',
            'rm -f "$1/codex_cli_bin/bin/codex"',
            'chmod 777 "$1"',
        ):
            assert (await box.sh(script, box.sandbox.agent_files)).exit != Exit(0)


@shared
async def an_agents_program_is_only_where_it_is_asked_for(box: Box) -> None:
    if box.sandbox.agent_files:
        assert (await box.sh('ls "$1"', box.sandbox.agent_files)).exit != Exit(0)


@own
async def what_one_writes_is_not_at_the_others_place(bench: Bench) -> None:
    script = 'for place in "$PWD" "$1" "$HOME" "${TMPDIR:-/tmp}"; do $2 "$place/of-one-alone"; done'
    async with bench.box() as one, bench.box() as other:
        await one.says(script, one.sandbox.scratch, "touch")
        assert len((await one.sh(script, one.sandbox.scratch, "ls")).out.splitlines()) == 4
        assert (await other.sh(script, other.sandbox.scratch, "ls")).out == b""


@own
async def no_path_leads_into_another_sandbox(bench: Bench) -> None:
    async with bench.box() as one, bench.box() as other:
        await one.says('touch of-one-alone "$1/of-one-alone"', one.sandbox.scratch)
        for place in (one.sandbox.tree, one.sandbox.scratch):
            assert (await other.sh('ls "$1/of-one-alone"', place)).exit != Exit(0)


@own
async def no_process_of_another_sandbox_is_seen(bench: Bench) -> None:
    async with bench.box() as one, bench.box() as other:
        word = f"seen-by-nobody-{bench.port}"
        running = asyncio.create_task(one.sh("sleep 30 # $0", timeout=25, WORD=word))
        await asyncio.sleep(0.5)
        found = await other.python(
            "import pathlib, sys\nfor each in pathlib.Path('/proc').glob('[0-9]*/environ'):\n"
            "    try:\n        print(sys.argv[1][::-1].encode() in each.read_bytes())\n    except OSError: pass",
            word[::-1],
        )
        await one.sandbox.stop()
        await running
        assert "True" not in found


@own
async def a_sandbox_is_pristine_whatever_the_one_before_did(bench: Bench) -> None:
    async with bench.box("same-id") as box:
        await box.sh(
            'echo x >> README.md; rm -rf src .git; touch new "$1/new" "$HOME/new"; chmod 0 .', box.sandbox.scratch
        )
    async with bench.box("same-id") as box:
        assert await box.tree() == trees.read(bench.environment.folder / "base")
        assert await box.says("git status --porcelain") == ""
        assert await box.says('ls -A "$1"', box.sandbox.scratch) == ""
        assert (await box.sh('ls "$HOME/new"')).exit != Exit(0)
