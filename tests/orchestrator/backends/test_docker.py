"""A docker run: what its agent is, sees and reaches."""

import asyncio
import base64
import json
from pathlib import Path

import pytest

from fakes.model_server import ModelServer, items
from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
from oneshot_orchestrator.backends.docker import _ids
from oneshot_shared.errors import BadInput
from orchestrator import harness
from orchestrator.agents.test_codex import OPENAI, command, no_key_on_disk, output_of
from orchestrator.backends.wire import tapped
from orchestrator.harness import CANARY, INVALID, PASS, SOLVE, TASK, Stack

REACH = """
import json, socket, subprocess
from concurrent.futures import ThreadPoolExecutor
def answers(host, port, seconds):
    with socket.socket() as s:
        s.settimeout(seconds)
        try:
            s.connect((host, port))
        except OSError:
            return False
        return True
relay = socket.gethostbyname("proxy")
net, last = relay.rsplit(".", 1)
own = subprocess.run(["hostname", "-i"], capture_output=True, text=True).stdout.split()
others = {f"{net}.{int(last) // 8 * 8 + n}" for n in range(8)} | {"172.17.0.1", *HOSTS}
def resolves(name):
    try:
        return [name + " is " + socket.gethostbyname(name)]
    except OSError:
        return []
with ThreadPoolExecutor(100) as threads:
    tried = [(h, p) for h in others - {relay, *own} for p in (PORT, 22, 53, 2375)]
    answered = list(threads.map(lambda each: answers(*each, 2), tried))
    names = list(threads.map(resolves, ("host.docker.internal", "gateway.docker.internal", "example.com")))
found = {"others": [each for each, yes in zip(tried, answered) if yes] + sum(names, [])}
found["relay"] = [port for port in range(1, 65536) if answers(relay, port, 0.2)]
found["peers"] = sorted(open("/sys/class/net/" + n + "/operstate").read().strip() for _, n in socket.if_nameindex() if n != "lo")
print(json.dumps(found))
"""
SEARCH = """
import json, os
needle = bytes.fromhex("NEEDLE")
read, found = 0, []
def look(path):
    global read
    try:
        with open(path, "rb") as file:
            rest = b""
            while chunk := file.read(1 << 20):
                read += len(chunk)
                if needle in rest + chunk:
                    return found.append(path)
                rest = chunk[-100:]
    except OSError:
        pass
for top, folders, files in os.walk("/"):
    if top == "/":
        folders[:] = [f for f in folders if f not in ("proc", "sys", "dev")]
    for name in files:
        path = os.path.join(top, name)
        if os.path.isfile(path) and not os.path.islink(path):
            look(path)
for pid in filter(str.isdigit, os.listdir("/proc")):
    for name in ("environ", "cmdline", "status"):
        look("/proc/" + pid + "/" + name)
print(json.dumps({"read": read, "found": found, "tokens": sum("ONESHOT_RUN_KEY" in e for e in os.environ)}))
"""

pytestmark = [pytest.mark.docker, *harness.LIVE]


def python(source: str) -> str:
    """A shell command that runs a script which no file and no argument shows."""
    return f"echo {base64.b64encode(source.encode()).decode()} | base64 -d | python3 -"


async def test_the_relays_one_port_is_all_that_answers(stack: Stack, hello: Path) -> None:
    saw: list[object] = []

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        saw.append(writer.get_extra_info("peername")[0])
        writer.close()

    async with await asyncio.start_server(answer, "0.0.0.0", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)  # it does answer
        assert await reader.read() == b""
        writer.close()
        hosts = (await asyncio.create_subprocess_exec("hostname", "-I", stdout=-1)).communicate()
        source = REACH.replace("HOSTS", repr((await hosts)[0].decode().split())).replace("PORT", str(port))
        run = await stack.run(hello, "command", "docker", command=f"{SOLVE}; {python(source)}")
    assert run.grade.verdict == PASS, stack.file("logs/agent.stderr.log")
    found = json.loads(stack.file("logs/agent.stdout.log"))
    assert found == {"relay": [8080], "others": [], "peers": ["up"]}
    assert saw == ["127.0.0.1"]


async def test_a_live_models_key_is_upstream_and_nowhere_else(stack: Stack, hello: Path) -> None:
    search = command(python(SEARCH.replace("NEEDLE", CANARY.encode().hex())), "s")
    rights = command("id -u; grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status", "r")
    first, *rest = harness.cassette()
    async with ModelServer([items(*output) for output in [first, [rights], [search], *rest]]) as server:
        await stack.keys(server.base_url)
        run = await stack.codex(hello, "docker", **OPENAI)
        said, status = output_of(server, "s"), output_of(server, "r").split()
    assert run.grade.verdict == PASS, run.grade
    found = json.loads(said[said.index('{"read"') : said.rindex("}") + 1])
    assert (found["found"], found["tokens"]) == ([], 0)
    assert found["read"] > 300_000_000  # Python, git and Codex itself among it
    assert "10001" in status
    for name, value in (("CapEff:", "0" * 16), ("CapBnd:", "0" * 16), ("NoNewPrivs:", "1"), ("Seccomp:", "2")):
        assert status[status.index(name) + 1] == value
    assert {request.headers["authorization"] for request in server.requests} == {f"Bearer {CANARY}"}
    assert len(server.requests) == len(rest) + 3
    no_key_on_disk(stack.data)
    assert harness.in_docker(stack.settings.owner, slots=False) == []


async def test_at_its_disk_limit_the_agent_is_stopped_and_its_work_is_graded(stack: Stack, tmp_path: Path) -> None:
    task = harness.task(tmp_path / "t", toml=("storage_mb = 4096", "storage_mb = 50"))
    command = f"{SOLVE}; for n in 1 2 3; do head -c 30M /dev/zero > /tmp/$n; done; sleep 60"
    run = await stack.run(task, "command", "docker", command=command)
    assert (run.grade.verdict, run.stopped_by.split(";")[0]) == (PASS, "disk limit of the sandbox reached")


async def test_a_sandbox_that_cannot_be_removed_costs_no_run(
    tmp_path: Path, hello: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tapped(monkeypatch) as wire:
        async with harness.stack(tmp_path / "data", slots=1) as stack:
            await stack.submit(hello, "command", "docker", command=f"{SOLVE}; sleep 2")
            await stack.at(pb.STEP_AGENT)
            wire.failing = b"DELETE"
            assert (await stack.end()).grade.verdict == PASS
            assert len(harness.in_docker(stack.settings.owner, slots=False)) >= 2
            wire.failing = b""
            assert (await stack.run(hello, "oracle", "docker", run_id="run-2")).grade.verdict == PASS
            assert harness.in_docker(stack.settings.owner, slots=False) == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('user = "agent"', 'user = "root"', "the agent of task 'hello' would run as root; make a user in environment"),
        ('user = "agent"', 'user = "nobdy"', "would run as 'nobdy', whom the image does not know"),
        ('workdir = "/app"', 'workdir = "/nowhere"', "the image has no /nowhere; set [environment] workdir"),
    ],
)
async def test_an_environment_of_no_use_is_the_tasks_fault(
    stack: Stack, tmp_path: Path, old: str, new: str, words: str
) -> None:
    run = await stack.run(harness.task(tmp_path / "t", toml=(old, new)), "nop", "docker")
    assert (run.grade.verdict, run.grade.blame) == (INVALID, TASK)
    assert words in run.grade.reason


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ("ln -s app /link", "/link in the image is a link to app; set"),
        ("touch /link", "/link in the image is no folder;"),
    ],
)
async def test_a_working_tree_that_is_no_folder_is_the_tasks_fault(
    stack: Stack, tmp_path: Path, made: str, words: str
) -> None:
    task = harness.task(tmp_path / "t", toml=('workdir = "/app"', 'workdir = "/link"'))
    dockerfile = task / "environment" / "Dockerfile"
    lines = dockerfile.read_text().splitlines()
    user = next(number for number, line in enumerate(lines) if line.startswith("USER"))
    dockerfile.write_text("\n".join([*lines[:user], f"RUN {made}", *lines[user:]]) + "\n")
    run = await stack.run(task, "command", "docker", command=SOLVE)
    assert (run.grade.verdict, run.grade.blame) == (INVALID, TASK)
    assert words in run.grade.reason


@pytest.mark.parametrize(
    ("user", "ids"), [("agent", (10001, 7)), ("10001", (10001, 7)), ("4711", (4711, 4711)), ("agent:x", (10001, 7))]
)
def test_ids(user: str, ids: tuple[int, int]) -> None:
    assert _ids("root:x:0:0::/root:/bin/sh\nagent:x:10001:7::/:/bin/sh\nodd\n", user, "hello") == ids


@pytest.mark.parametrize("user", ["", "root", "0", "0:0"])
def test_root_is_refused(user: str) -> None:
    with pytest.raises(BadInput, match="would run as root"):
        _ids("root:x:0:0::/root:/bin/sh\n", user, "hello")
