"""Containers as sandboxes: what every sandbox must do, and that nothing in one has any rights."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from oneshot_orchestrator.backends.docker import DockerBackend
from oneshot_orchestrator.contract import SandboxSpec
from orchestrator import harness
from orchestrator.backends import checks

pytestmark = pytest.mark.docker

STATUS = "id -u; grep -E '^(CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs|Seccomp):' /proc/self/status"


@pytest.fixture
async def backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DockerBackend]:
    monkeypatch.setenv("OPENAI_API_KEY", harness.CANARY)
    settings = harness.settings(tmp_path)
    made = DockerBackend(settings, tmp_path / "state")
    await made.reap()
    yield made
    assert harness.in_docker(settings.owner) == []
    await made.close()


@pytest.mark.parametrize("check", checks.CHECKS, ids=lambda check: check.__name__)
async def test_check(backend: DockerBackend, tmp_path: Path, check: checks.Check) -> None:
    await checks.run(check, backend, tmp_path)


async def test_a_sandbox_has_no_rights_and_no_more_than_its_share(backend: DockerBackend, tmp_path: Path) -> None:
    bench = await checks.bench(backend, tmp_path)
    async with backend.sandbox(bench.environment, SandboxSpec("rights", "agent")) as sandbox:
        uid, *lines = (await bench.run(sandbox, "sh", "-c", STATUS))[1].splitlines()
        assert int(uid) != 0
        found = {name: int(value, 16) for name, value in (line.split(":") for line in lines)}
        assert found == {"CapInh": 0, "CapPrm": 0, "CapEff": 0, "CapBnd": 0, "CapAmb": 0, "NoNewPrivs": 1, "Seccomp": 2}
        details = await backend._engine(backend._engine.api.inspect_container, sandbox._id)  # type: ignore[attr-defined]
        host = details["HostConfig"]
        assert (host["Memory"], host["MemorySwap"]) == (2048 << 20, 2048 << 20)  # the task's own wish
        assert (host["NanoCpus"], host["PidsLimit"], host["NetworkMode"]) == (10**9, 1024, "none")
        assert host["Binds"] in (None, [])
        too_big = "head -c 5G /dev/zero > /tmp/big; echo $?; stat -c %s /tmp/big"
        code, size = (await bench.run(sandbox, "sh", "-c", too_big, timeout=60))[1].split()
        assert (code != "0", int(size)) == (True, 4096 << 20)


async def test_it_has_no_network_but_its_slots(backend: DockerBackend, tmp_path: Path) -> None:
    bench = await checks.bench(backend, tmp_path)
    async with backend.sandbox(bench.environment, SandboxSpec("net", "agent")) as sandbox:
        assert (await bench.run(sandbox, "ls", "/sys/class/net"))[1] == "lo\n"


async def test_a_supervisor_is_root_and_what_it_starts_for_the_agent_is_not(
    backend: DockerBackend, tmp_path: Path
) -> None:
    bench = await checks.bench(backend, tmp_path)
    async with backend.sandbox(bench.environment, SandboxSpec("sup", "verify", supervised=True)) as sandbox:
        out = bytearray()
        await sandbox.run(["id", "-u"], role=checks.Role.SUPERVISOR, env={}, timeout=9, out=out.extend, err=out.extend)
        assert out == b"0\n"
        assert (await bench.run(sandbox, "id", "-u"))[1] == "10001\n"
        with checks.files_tar({"plan.json": b"{}"}) as tar:
            await sandbox.put(tar, f"{sandbox.scratch}/verify")
        ended, _, _ = await bench.run(sandbox, "sh", "-c", f"echo x >> {sandbox.scratch}/verify/plan.json")
        assert ended.code != 0
