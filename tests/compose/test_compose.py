"""compose.yaml from outside: the stack comes up by one command, does what the embedded one does, heals, and leaves nothing."""

import io
import json
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from cli.harness import await_line
from compose.harness import CANARY, HELLO, ROOT, SERVICES, SOLVE, Composed, anonymous_volumes, docker, project, until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]
SLOW = ("--agent", "command", "--command", f"{SOLVE}; sleep 8", "--backend", "docker")


def _diff(folder: Path) -> list[str]:
    return (folder / "artifacts" / "diff.patch").read_text().splitlines()


def test_the_same_verdict_and_diff_as_the_embedded_stack_and_the_results_are_here(composed: Composed) -> None:
    code, run = composed.run("--replay")
    assert (code, run["grade"]["verdict"], run["replayed"]) == (0, "VERDICT_PASS", "hello-world")
    assert run["request"]["backend"] == "docker", "nothing was said, and it has no other"
    folder = Path(run["folder"])
    assert folder == composed.home / "runs" / run["run_id"]
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert {
        "run.json",
        "evaluation_results.json",
        "scoring_results.md",
        "logs/agent.jsonl",
        "trace/trajectory.json",
    } <= names

    env = composed.env | {"ONESHOT_DATA": str(composed.home / "embedded"), "HOME": str(composed.home)}
    oneshot = Path(sys.executable).parent / "oneshot"
    try:
        command = [str(oneshot), "run", str(HELLO), "--replay", "--backend", "docker", "--json"]
        embedded = json.loads(subprocess.run(command, env=env, capture_output=True, timeout=120, check=True).stdout)
    finally:
        subprocess.run([str(oneshot), "down", "--force"], env=env, capture_output=True, timeout=90, check=True)
    same = ("verdict", "reason", "tests", "criteria", "total")
    assert {name: run["grade"].get(name) for name in same} == {name: embedded["grade"].get(name) for name in same}
    assert _diff(folder) == _diff(Path(embedded["folder"]))
    assert "+hello world" in _diff(folder)


def test_the_example_client(composed: Composed) -> None:
    assert len((ROOT / "examples" / "submit_run.py").read_text().splitlines()) < 40
    token = composed.home / "token"
    token.write_text(composed.compose("exec", "-T", "orchestrator", "cat", "/run/oneshot-token/token"))
    command = [sys.executable, str(ROOT / "examples" / "submit_run.py"), str(HELLO), "oracle", composed.endpoint]
    env = composed.env | {"ONESHOT_TOKEN_FILE": str(token)}
    ended = subprocess.run(
        command, env=env, cwd=composed.home, capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 0, ended.stderr
    last = ended.stdout.splitlines()[-1]
    expected = r"VERDICT_PASS All 6 expected tests passed, and the \d+ canaries failed\. Files: (data/runs/example-[0-9a-f]{8})"
    found = re.fullmatch(expected, last)
    assert found, ended.stdout
    assert "+hello world" in _diff(composed.home / found[1])
    assert "STEP_VERIFY" in ended.stdout


def _has_no_rights(found: dict[str, Any]) -> None:
    host = found["HostConfig"]
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert not host["Privileged"]
    assert host["ReadonlyRootfs"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert 0 < host["Memory"] <= 2 * 2**30
    assert host["PidsLimit"] == 512
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-file": "3", "max-size": "10m"}}
    assert "oneshot_shared.health" in found["Config"]["Healthcheck"]["Test"]
    assert all(each["HostIp"] == "127.0.0.1" for ports in host["PortBindings"].values() for each in ports)


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_is_shut_in(composed: Composed, service: str) -> None:
    found = composed.inspect(service)
    _has_no_rights(found)
    binds = [mount["Source"] for mount in found["Mounts"] if mount["Type"] == "bind"]
    if service == "orchestrator":
        assert (found["Config"]["User"], binds) == ("0:10001", ["/var/run/docker.sock"])
    else:
        assert (found["Config"]["User"], binds) == ("10001:10001", [])
    status = docker("exec", f"{composed.project}-{service}-1", "cat", "/proc/1/status")
    assert re.findall(r"^Cap(?:Prm|Eff|Bnd|Amb):\t(\w+)$", status, re.MULTILINE) == ["0" * 16] * 4
    packages = docker(
        "exec", f"{composed.project}-{service}-1", "ls", "/opt/oneshot/lib/python3.13/site-packages"
    ).split()
    assert [name for name in packages if re.fullmatch(r"oneshot_(proxy|grader|orchestrator|capture|cli)", name)] == [
        f"oneshot_{service}"
    ]


PROBE = """
import socket
from concurrent.futures import ThreadPoolExecutor
def probe(place):
    try:
        socket.create_connection(place, 1).close()
    except OSError:
        return []
    return [place]
with ThreadPoolExecutor(64) as pool:  # a name that nobody answers for takes its time
    print('reached', sum(pool.map(probe, {places}), []))
"""


def test_a_sandbox_reaches_the_relay_and_nothing_else_of_the_stack(composed: Composed) -> None:
    ports = {"capture": 50051, "proxy": 50052, "orchestrator": 50053, "grader": 50054}
    networks = [composed.inspect(service)["NetworkSettings"]["Networks"] for service in ports]
    addresses = [next(iter(found.values())) for found in networks]
    hosts = [*ports, *(each["IPAddress"] for each in addresses), addresses[0]["Gateway"], "host.docker.internal"]
    places = [(host, port) for host in hosts for port in (8080, 18080, 50055, *ports.values())]
    command = f'python3 -c "{PROBE.format(places=places)}"; ls -d /run/oneshot* /var/run/docker.sock'
    code, run = composed.run("--agent", "command", "--command", command)
    assert (code, run["grade"]["verdict"]) == (1, "VERDICT_FAIL")
    log = (Path(run["folder"]) / "logs" / "agent.stdout.log").read_text()
    assert log.splitlines() == ["reached [('proxy', 8080)]"]


TUNNEL = """
import base64, os, socket, urllib.parse
place = urllib.parse.urlsplit(os.environ['HTTPS_PROXY'])
credentials = base64.b64encode(f'{place.username}:{place.password}'.encode()).decode()
with socket.create_connection((place.hostname, place.port)) as sock:
    sock.sendall(f'CONNECT localhost:50052 HTTP/1.1\\r\\nproxy-authorization: Basic {credentials}\\r\\n\\r\\n'.encode())
    print(sock.recv(99).split(b'\\r\\n')[0].decode())
"""


def test_a_persons_command_reaches_the_forward_proxy_by_its_published_port(composed: Composed) -> None:
    (composed.home / "tunnel.py").write_text(TUNNEL)
    with composed.start("trace", "record", "python3", "tunnel.py") as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "HTTP/1.1 200 Connection established\n"), err
    assert "Recorded 0 calls" in err


def test_what_compose_would_do_is_what_is_written() -> None:
    """`up` builds what has changed, whatever image of the same name is there."""
    command = ["docker", "compose", "--file", str(ROOT / "compose.yaml"), "config", "--format", "json"]
    config = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)
    assert {name: service["pull_policy"] for name, service in config["services"].items()} == {
        "init": "never", **dict.fromkeys(SERVICES, "build"),
    }  # fmt: skip


def test_a_key_of_the_environment_is_the_proxys_alone(composed: Composed) -> None:
    code, run = composed.run("--model", "gpt-5.5", "--cost-limit", "1")
    assert (code, run["grade"]["verdict"], run["grade"]["blame"]) == (3, "VERDICT_INVALID", "BLAME_INFRA")
    assert "no key" not in run["grade"]["reason"], "it had one, and the address leads nowhere"
    with_key = [service for service in SERVICES if CANARY in json.dumps(composed.inspect(service))]
    assert with_key == ["proxy"]
    assert CANARY not in composed.logs()
    for service, folder in (("proxy", "/data"), ("orchestrator", "/data")):
        content = subprocess.run(
            ["docker", "cp", f"{composed.project}-{service}-1:{folder}", "-"], capture_output=True, check=True
        ).stdout
        assert len(tarfile.open(fileobj=io.BytesIO(content)).getnames()) > 5  # noqa: SIM115
        assert CANARY.encode() not in content


def test_the_local_backend_is_not_offered(composed: Composed) -> None:
    process = composed.start("run", str(HELLO), "--agent", "nop", "--backend", "local")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err.splitlines()[-1] == "oneshot: backend 'local' is unknown; this stack has: docker"


def test_a_solution_that_is_larger_than_any_tmp_of_the_containers(composed: Composed) -> None:
    command = f"{SOLVE}; head -c 90M /dev/zero > big.bin"
    code, run = composed.run("--agent", "command", "--command", command)
    assert (code, run["grade"]["verdict"]) == (0, "VERDICT_PASS"), run["grade"]
    assert any(line.startswith("diff --git a/big.bin") for line in _diff(Path(run["folder"])))


@pytest.mark.parametrize("service", SERVICES)
def test_a_killed_service_heals_and_the_run_ends_rightly(composed: Composed, service: str) -> None:
    process = composed.start("run", str(HELLO), *SLOW)
    await_line(process, "agent at work")
    composed.kill(service)
    out, err = process.communicate(timeout=180)
    verdict = next((line for line in out.splitlines() if "Verdict" in line), "")
    if service == "orchestrator":
        assert verdict.startswith("[results] Verdict: INVALID (infra): the orchestrator was stopped"), (out, err)
        assert process.returncode == 3
    else:
        assert verdict == "[results] Verdict: PASS", (out, err)
        assert process.returncode == 0
    until(composed.healthy)
    assert composed.inspect(service)["RestartCount"] == 1
    assert composed.run("--agent", "oracle")[0] == 0


def test_a_proxy_that_is_killed_under_a_model_run_makes_it_invalid(composed: Composed) -> None:
    """The cassette's session is gone with the proxy: what the agent then leaves undone is not its fault."""
    process = composed.start("run", str(HELLO), "--replay")
    await_line(process, "agent at work")
    composed.kill("proxy")
    out, err = process.communicate(timeout=180)
    verdict = next((line for line in out.splitlines() if "Verdict" in line), "")
    assert re.match(r"\[results\] Verdict: (PASS|INVALID \(infra\): .*)", verdict), (out, err)
    until(composed.healthy)
    assert composed.run("--replay")[0] == 0


def test_down_in_the_middle_of_a_run_leaves_nothing() -> None:
    before = anonymous_volumes()
    with project() as made:
        made.compose("up", "--detach", "--wait")
        process = made.start("run", str(HELLO), "--agent", "command", "--command", "sleep 300")
        await_line(process, "agent at work")
        assert any("slot-0-relay" in name for name in made.ours())
        assert any(name.endswith("-agent") for name in made.ours())
        made.compose("down")
        assert made.ours() == []
        process.communicate(timeout=120)
        assert process.returncode in (3, 130)
        made.compose("up", "--detach", "--wait")
        listed = made.start("runs", "list").communicate(timeout=60)[0]
        assert re.search(r"cancelled", listed), listed
        assert made.run("--agent", "oracle")[0] == 0
    assert made.ours() == []
    assert anonymous_volumes() <= before
    assert f"{made.project}_gateway" not in docker("volume", "ls", "-q")
