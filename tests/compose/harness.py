"""The composed stack under a project name and on ports of the test's own, and the command that uses it from outside."""

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
HELLO = ROOT / "data" / "tasks" / "prepared" / "hello-world"
BIN = Path(sys.executable).parent
SERVICES = ("proxy", "grader", "orchestrator", "capture")
CANARY = "sk-canary-2b7e151628aed2a6"
SOLVE = "printf '\\nhello world\\n' >> README.md"


@dataclass(frozen=True)
class Composed:
    """A project that is up. `home`: a folder for the caller's data."""

    project: str
    env: dict[str, str]
    home: Path

    @property
    def endpoint(self) -> str:
        """Where its orchestrator is published."""
        return f"localhost:{self.env['ONESHOT_PORT_ORCHESTRATOR']}"

    def compose(self, *arguments: str, timeout: float = 600) -> str:
        """Run docker compose on the project; returns its output."""
        command = [
            "docker",
            "compose",
            "--project-name",
            self.project,
            "--file",
            str(ROOT / "compose.yaml"),
            *arguments,
        ]
        ended = subprocess.run(
            command, env=self.env, cwd="/", capture_output=True, text=True, timeout=timeout, check=False
        )
        assert ended.returncode == 0, (arguments, ended.stdout[-2000:], ended.stderr[-4000:], self.logs())
        return ended.stdout

    def logs(self) -> str:
        """What the services wrote last."""
        command = ["docker", "compose", "-p", self.project, "-f", str(ROOT / "compose.yaml"), "logs", "--tail", "20"]
        return subprocess.run(command, env=self.env, capture_output=True, text=True, check=False).stdout

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `oneshot … --endpoint` as a person beside the stack would."""
        env = self.env | {"ONESHOT_DATA": str(self.home), "HOME": str(self.home)}
        command = [str(BIN / "oneshot"), *arguments, "--endpoint", self.endpoint]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=env, cwd=self.home, stdout=pipe, stderr=pipe, text=True)

    def run(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """Run the example task to its end; returns the exit code and the run."""
        with self.start("run", str(HELLO), "--json", *arguments) as process:
            try:
                out, err = process.communicate(timeout=150)
            finally:
                process.kill()
        assert out, (process.returncode, err, self.logs())
        return process.returncode, json.loads(out)

    def inspect(self, service: str) -> dict[str, Any]:
        """What the engine says about a service's container."""
        found: dict[str, Any] = json.loads(docker("inspect", f"{self.project}-{service}-1"))[0]
        return found

    def kill(self, service: str) -> None:
        """SIGKILL from the kernel's side: to the engine it is a crash, not a wish."""
        os.kill(int(self.inspect(service)["State"]["Pid"]), signal.SIGKILL)

    def healthy(self) -> bool:
        """Whether every service is."""
        return all(self.inspect(service)["State"].get("Health", {}).get("Status") == "healthy" for service in SERVICES)

    def ours(self) -> list[str]:
        """Containers and networks of the project and of its runs."""
        found = []
        for label in (f"com.docker.compose.project={self.project}", f"dev.oneshot.owner={self.project}"):
            found += docker("ps", "--all", "--filter", f"label={label}", "--format", "{{.Names}}").split()
            found += docker("network", "ls", "--filter", f"label={label}", "--format", "{{.Name}}").split()
        return found


def docker(*arguments: str) -> str:
    """Run the docker command."""
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True, timeout=60).stdout


def anonymous_volumes() -> set[str]:
    """Volumes without a name."""
    return {name for name in docker("volume", "ls", "-q").split() if len(name) == 64}


def until(true: Callable[[], object], seconds: float = 120) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.2)


def _free_ports(count: int) -> list[str]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [str(each.getsockname()[1]) for each in sockets]


@contextlib.contextmanager
def project() -> Iterator[Composed]:
    """A project of the test's own that is not up yet; whatever is left of it at the end is removed, volumes too."""
    home = Path(tempfile.mkdtemp(prefix="osb-compose-"))
    names = ("CAPTURE", "PROXY", "ORCHESTRATOR", "GRADER", "FORWARD", "CAPTURE_HTTP")
    ports = dict(zip(names, _free_ports(len(names)), strict=True))
    env = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/root")}
    env |= {f"ONESHOT_PORT_{name}": port for name, port in ports.items()}
    env |= {"OPENAI_API_KEY": CANARY, "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
    made = Composed(f"osb-test-{secrets.token_hex(4)}", env, home)
    try:
        yield made
    finally:
        made.compose("down", "--volumes")
        shutil.rmtree(home)
