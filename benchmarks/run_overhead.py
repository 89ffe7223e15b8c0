"""What OneShot adds to the containers of a run: from SubmitRun to the run's end, on a warm stack of its own.

Ours: the agent `oracle` on the backend docker, on the example task. `run_overhead_1` is one run, `run_overhead_8` eight runs in
two slots. The floor is the same work by plain docker CLI, in floor.sh: a container for the agent and one for the verification,
each started, copied into, worked in, copied out of and removed; for eight runs two shells side by side, four runs each. Both
have the same image, users, limits, capabilities and networks (the agent on an internal network that was made before, as our
slots' are; the verification on none), and run the same runner with the same hidden tests and canaries.

Not equal, in the floor's favour: what it copies in is ready-made, it does not compare the tree with its base, scores nothing,
keeps no journal and writes no results. In ours: it runs `git apply` in the container where we lay the files, and copies the
report out where we read it from standard output; the two were measured to be about a twentieth of the floor.
"""

import asyncio
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import measure
from oneshot.grader.v1 import grader_pb2
from oneshot.orchestrator.v1 import orchestrator_pb2 as pb
from oneshot_cli import clients, lifecycle, places
from oneshot_cli.doctor.machine import Machine
from oneshot_cli.stack import Stack
from oneshot_grader.plan import plan
from oneshot_orchestrator import git
from oneshot_orchestrator.backends import docker_images
from oneshot_orchestrator.overlay import verification_tar
from oneshot_shared import archive, task
from oneshot_shared.errors import NotReady
from oneshot_shared.transfer import outgoing

if TYPE_CHECKING:
    from oneshot.orchestrator.v1.orchestrator_pb2_grpc import OrchestratorServiceAsyncStub

REPEAT = 10
SIDE_BY_SIDE, MANY = 2, 8


@dataclass(frozen=True)
class Ours:
    """Runs on a stack."""

    stub: "OrchestratorServiceAsyncStub"
    digest: str

    async def runs(self, times: int) -> None:
        """So many runs, submitted at once. :raises NotReady: one did not pass."""
        await asyncio.gather(*(self._run() for _ in range(times)))

    async def _run(self) -> None:
        run_id = f"bench-{secrets.token_hex(6)}"
        agent = pb.Agent(name="oracle")
        wish = pb.SubmitRunRequest(run_id=run_id, task_digest=self.digest, agent=agent, backend="docker", attached=True)
        await self.stub.SubmitRun(wish)
        async for update in self.stub.WatchRun(pb.WatchRunRequest(run_id=run_id)):
            if update.HasField("run") and update.run.grade.verdict != grader_pb2.VERDICT_PASS:
                raise NotReady(f"the reference run did not pass: {update.run.grade.reason}; see `oneshot doctor`")


@asynccontextmanager
async def warm(found: task.Task, folder: Path) -> AsyncIterator[Ours]:
    """A stack in a folder of its own; at the end nothing is left of it."""
    os.environ |= {"ONESHOT_DATA": str(folder / "data"), places.RUNTIME_VARIABLE: str(folder)}
    os.environ["ONESHOT_ORCHESTRATOR_SLOTS"] = str(SIDE_BY_SIDE)
    os.environ.pop("ONESHOT_ENDPOINT", None)

    async def upload() -> AsyncIterator[pb.PutTaskRequest]:
        async for chunk, sha256 in outgoing(archive.pack(found.path)):
            yield pb.PutTaskRequest(slug=found.slug, chunk=chunk, sha256=sha256)

    try:
        async with clients.orchestrator() as stub:
            yield Ours(stub, (await stub.PutTask(upload())).digest)
    finally:
        await lifecycle.left(Stack.here(), force=True)


class Floor:
    """The docker CLI's way. Everything that it makes has its label."""

    def __init__(self, image: str, tree: str, work: Path) -> None:
        self._name = f"oneshot-bench-{work.parent.name}"
        self._label = f"dev.oneshot.bench={work.parent.name}"
        self._env = os.environ | {"IMAGE": image, "TREE": tree, "WORK": str(work), "LABEL": self._label}

    async def runs(self, shells: int, times: int) -> None:
        """So many runs, one after the other, in each of some shells side by side."""
        await asyncio.gather(*(self._shell(f"{self._name}-{number}", times) for number in range(shells)))

    async def _shell(self, name: str, times: int) -> None:
        command = str(Path(__file__).with_name("floor.sh")), str(times), name, name
        process = await asyncio.create_subprocess_exec(
            *command,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,  # a terminal's Ctrl-C must not end docker half-way
        )
        try:
            _, errors = await process.communicate()
        except asyncio.CancelledError:
            process.terminate()
            await process.wait()
            raise
        if process.returncode:
            raise NotReady(f"the floor's docker commands failed: {errors.decode(errors='replace').strip()}")

    @asynccontextmanager
    async def ready(self) -> AsyncIterator["Floor"]:
        """Its networks are there; at the end nothing is left."""
        try:
            for number in range(SIDE_BY_SIDE):
                _docker("network", "create", "--internal", "--label", self._label, f"{self._name}-{number}")
            yield self
        finally:
            mine = ("--filter", f"label={self._label}")
            _docker("rm", "--force", "--volumes", *_docker("ps", "--all", "--quiet", *mine))
            _docker("network", "rm", *_docker("network", "ls", "--quiet", *mine))


def _docker(*arguments: str) -> list[str]:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False, start_new_session=True)
    return done.stdout.split()


async def prepare(found: task.Task, work: Path) -> None:
    """What the floor copies in: `solution/` with the reference patch, `verify/` with all that a verification needs."""
    (work / "solution").mkdir(parents=True)
    shutil.copy(found.reference_patch, work / "solution")
    shutil.copytree(found.path / "environment" / "repo", work / "environment" / "base")
    await git.record_base(work / "environment")
    trees = git.Trees(work / "environment", work / "trees")
    changes = await trees.changes(await trees.of_patch(found.reference_patch))
    tests = found.path / "tests"
    planned = plan((tests / "expected.json").read_bytes(), seed=0, isolate=True)
    (work / "verify").mkdir()
    with verification_tar(tests, dict(planned.files), changes) as tar:
        archive.unpack(tar, work / "verify")


async def measured(repeat: int) -> list[measure.Measurement]:
    """One run, and eight. :raises NotReady: no Docker."""
    if missing := Machine().without_docker:
        raise NotReady(f"{missing}, and this benchmark is about containers; start Docker, see `oneshot doctor`")
    found = task.load(places.find_task("hello-world"))
    image = docker_images.image_name("env", found.path / "environment")
    with tempfile.TemporaryDirectory(prefix="osb-") as folder:
        work = Path(folder) / "floor"
        await prepare(found, work)
        floor = Floor(image, found.config.environment.workdir, work)
        async with warm(found, Path(folder)) as ours, floor.ready():
            await ours.runs(SIDE_BY_SIDE)  # builds the image where it is missing, and opens the slots
            await floor.runs(SIDE_BY_SIDE, 1)
            one = partial(ours.runs, 1), partial(floor.runs, 1, 1)
            many = partial(ours.runs, MANY), partial(floor.runs, SIDE_BY_SIDE, MANY // SIDE_BY_SIDE)
            return [
                await measure.interleaved("run_overhead_1", *one, repeat),
                await measure.interleaved(f"run_overhead_{MANY}", *many, repeat),
            ]


if __name__ == "__main__":
    measure.main(__doc__, REPEAT, measured)
