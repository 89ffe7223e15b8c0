"""Containers as sandboxes: how one is made. What every sandbox does is in contract/."""

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from oneshot_orchestrator.backends.docker import DockerBackend
from oneshot_orchestrator.backends.docker_sandbox import _escaped, _pieces
from oneshot_orchestrator.contract import Exit, Role
from orchestrator import harness
from orchestrator.backends import contract


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[contract.Bench]:
    settings = harness.settings(tmp_path)
    backend = DockerBackend(settings, tmp_path / "state")
    await backend.reap()
    async with contract.bench(backend, tmp_path, 0, list) as made:
        yield made
    assert harness.in_docker(settings.owner) == []
    await backend.close()


@pytest.mark.docker
async def test_a_sandbox_has_no_rights_and_no_more_than_its_share(bench: contract.Bench) -> None:
    async with bench.box() as box:
        assert (await box.says("grep Seccomp: /proc/self/status")).split() == ["Seccomp:", "2"]
        engine = bench.backend._engine  # type: ignore[attr-defined]
        details = await engine(engine.api.inspect_container, box.sandbox._id)  # type: ignore[attr-defined]
        host = details["HostConfig"]
        assert (host["Memory"], host["MemorySwap"]) == (2048 << 20, 2048 << 20)  # the task's own wish
        assert (host["NanoCpus"], host["PidsLimit"], host["NetworkMode"]) == (10**9, 1024, "none")
        assert host["Binds"] in (None, [])
        assert (await box.sh("mknod zero c 1 5")).exit != Exit(0)


@pytest.mark.docker
async def test_in_a_supervised_sandbox_what_is_put_is_the_supervisors(bench: contract.Bench) -> None:
    async with bench.box(supervised=True) as box:
        await box.put({"plan.json": b"{}"}, f"{box.sandbox.scratch}/verify")
        script = 'echo x >> "$1/verify/plan.json"; echo x > "$1/verify/more"; echo x > "$1/more"; ls "$1" "$1/verify"'
        ran = await box.sh(script, box.sandbox.scratch)
        assert ran.out.decode().split()[1::2] == ["verify", "plan.json"]
        assert (await box.run("sh", "-c", f"echo x > {box.sandbox.scratch}/more", role=Role.SUPERVISOR)).exit == Exit(0)


@pytest.mark.docker
async def test_a_tree_that_is_a_link_is_empty(bench: contract.Bench) -> None:
    bench.environment = dataclasses.replace(bench.environment, tree="/bin")
    async with bench.box() as box:
        assert await box.says("readlink /bin") == "usr/bin\n"
        assert await box.tree() == {}


def test_every_byte_of_a_path_is_escaped_for_printf() -> None:
    assert _escaped("src/a-b_c.1") == "src/a-b_c.1"
    assert _escaped("a b\\%\udcff") == "a\\0040b\\0134\\0045\\0377"


def test_words_come_in_pieces_that_fit() -> None:
    assert list(_pieces([])) == []
    assert [len(piece) for piece in _pieces(["x"] * 1001)] == [500, 500, 1]
    assert [len(piece) for piece in _pieces(["x" * 400_000] * 5)] == [2, 2, 1]
