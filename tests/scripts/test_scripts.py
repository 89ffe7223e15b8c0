"""The original's entry points and the set-up scripts, run as a person runs them."""

import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.model_server import ModelServer, items

ROOT = Path(__file__).parents[2]
TASK = ROOT / "data" / "tasks" / "prepared" / "hello-world"
CANARY = "sk-canary-5f1c0ffee5f1c0ffee"


@pytest.fixture
def home() -> Iterator[Path]:
    """A data folder and sockets of this test's own, with a short path; the stack is down at the end."""
    with tempfile.TemporaryDirectory(prefix="os-") as folder:
        yield Path(folder)
        subprocess.run([ROOT / ".venv/bin/oneshot", "down", "--force"], env=_env(Path(folder)), check=True)


def _env(home: Path, **more: str) -> dict[str, str]:
    return os.environ | {"ONESHOT_DATA": str(home / "data"), "ONESHOT_RUNTIME": str(home)} | more


def _outputs() -> list[list[dict[str, object]]]:
    lines = (TASK / "oneshot" / "cassettes" / "hello-world.jsonl").read_text().splitlines()
    return [json.loads(line)["output"] for line in lines[1:]]


@pytest.mark.parametrize("backend", ["local", pytest.param("docker", marks=pytest.mark.docker)])
async def test_run_codex_box_runs_a_live_model_with_the_key_only_upstream(home: Path, backend: str) -> None:
    async with ModelServer([items(*output) for output in _outputs()]) as server:
        env = _env(
            home,
            OPENAI_BASE_URL=server.base_url,
            OPENAI_API_KEY=CANARY,
            OPENAI_MODEL="gpt-5.5",
            RUN_ID="box-1",
            SANDBOX_BACKEND=backend,
        )
        process = await asyncio.create_subprocess_exec(
            ROOT / "scripts" / "run_codex_box.sh",
            TASK,
            "120",
            "60000",
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode == 0, (out + err).decode()
    assert "[results] Verdict: PASS" in out.decode()
    assert out.decode().rstrip().endswith("container" if backend == "docker" else "sandbox")
    assert {request.headers["authorization"] for request in server.requests} == {f"Bearer {CANARY}"}
    run = home / "data" / "runs" / "box-1"
    assert json.loads((run / "run.json").read_text())["request"]["limits"]["tokens"] == "60000"
    assert len((run / "trace" / "calls.jsonl").read_text().splitlines()) == len(server.requests) == len(_outputs())
    for file in home.rglob("*"):
        if file.is_file():
            assert CANARY.encode() not in file.read_bytes(), f"the key is in {file}"


def test_run_codex_box_without_a_task_shows_its_usage() -> None:
    script = ROOT / "scripts" / "run_codex_box.sh"
    ended = subprocess.run([script], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith("usage: scripts/run_codex_box.sh TASK")


def test_start_synth_workers_starts_the_stack_and_says_how_to_record(home: Path) -> None:
    script = ROOT / "scripts" / "start_synth_workers.sh"
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    env = _env(home, ONESHOT_PROXY_FORWARD_PORT=port)
    ended = subprocess.run([script], env=env, capture_output=True, text=True, check=True)
    assert f"forward proxy is on 127.0.0.1:{port}" in ended.stdout
    lines = ended.stdout.splitlines()
    for name in ("HTTPS_PROXY", "https_proxy"):
        assert f"#   export {name}=http://SESSION:TOKEN@127.0.0.1:{port}" in lines
    authorities = {line.partition("=")[2] for line in lines if "_CA_CERT" in line}
    assert "BEGIN CERTIFICATE" in Path(authorities.pop()).read_text()
    assert not authorities
    commands = [line for line in lines[2:] if line and not line.startswith("#")]
    assert commands == [f"{ROOT}/.venv/bin/oneshot trace record{more}" for more in (" -- codex", "")]
    plain = subprocess.run(
        [ROOT / ".venv/bin/oneshot", "up"], env=_env(home), capture_output=True, text=True, check=True
    )
    assert f"127.0.0.1:{port}, " in plain.stdout, "the commands that it prints leave the port as it is"


def test_start_synth_workers_prints_the_address_of_a_stack_that_is_at_work(home: Path) -> None:
    record = [ROOT / ".venv/bin/oneshot", "trace", "record", "--", "sleep", "300"]
    with subprocess.Popen(record, env=_env(home), stderr=subprocess.DEVNULL) as busy:
        while not [*(home / "data").glob("state/ready.json")]:
            assert busy.poll() is None
        script = ROOT / "scripts" / "start_synth_workers.sh"
        ended = subprocess.run([script], env=_env(home), capture_output=True, text=True, check=True)
        busy.terminate()
    (port,) = set(re.findall(r"127\.0\.0\.1:(\d+)", ended.stdout))
    assert port != "18080"
    assert "with another ONESHOT_PROXY_FORWARD_PORT than this command's" in ended.stderr


def test_start_synth_workers_shows_its_usage() -> None:
    script = ROOT / "scripts" / "start_synth_workers.sh"
    ended = subprocess.run([script, "--help"], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith("usage: scripts/start_synth_workers.sh [--trust]")


def test_docker_debian_names_the_images_it_can_make() -> None:
    script = ROOT / "scripts" / "docker-debian.sh"
    ended = subprocess.run([script, "ubuntu:1"], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "no recipe for the image ubuntu:1; known:" in ended.stderr
    assert "python:3.13-slim-trixie" in ended.stderr


def test_uv_is_found_or_installed() -> None:
    found = subprocess.run([ROOT / "scripts" / "uv.sh"], capture_output=True, text=True, check=True).stdout.strip()
    assert subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout.startswith("uv ")


def test_the_stubs_are_those_of_the_protos(tmp_path: Path) -> None:
    for name in ("protos", "scripts", "shared"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    env = os.environ | {"PATH": f"{ROOT / '.venv/bin'}:{os.environ['PATH']}"}
    subprocess.run([tmp_path / "scripts" / "generate_stubs.sh"], env=env, check=True, capture_output=True)
    fresh = {f.relative_to(tmp_path): f.read_bytes() for f in (tmp_path / "shared/src/oneshot").rglob("*_pb2*.py*")}
    here = {
        f.relative_to(ROOT): f.read_bytes()
        for f in (ROOT / "shared/src/oneshot").rglob("*_pb2*.py*")
        if f.suffix in (".py", ".pyi")
    }
    assert {k: v for k, v in fresh.items() if k.suffix in (".py", ".pyi")} == here


def test_setup_codex_mcp_adds_the_tools_and_takes_them_away(tmp_path: Path) -> None:
    script = ROOT / "scripts" / "create_tasks" / "setup_codex_mcp.sh"
    config = tmp_path / "config.toml"
    env = os.environ | {"CODEX_HOME": str(tmp_path)}
    for arguments, there in ((), True), (("--remove",), False):
        subprocess.run([script, *arguments], env=env, check=True)
        assert config.exists() is there
    done = subprocess.run([script, "--what"], env=env, check=False, capture_output=True, text=True)
    assert (done.returncode, "usage: scripts/create_tasks/setup_codex_mcp.sh" in done.stderr) == (2, True)
