"""The user that solution code runs as, and what came of each command of his.

Standard library only, Python 3.9+: this file is part of every task (tests/grade_tester.py) and of every plan.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import secrets
import selectors
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import Any

TAIL_BYTES, ROWS_BYTES = 64 * 1024, 4 * 1024 * 1024  # three reports fit one message of 16 MiB
UNUSED_UIDS = range(61184, 65520)  # systemd's range for users that exist only for a while
STEERING = re.compile(r"PYTHON|PYTEST|LD_|COVERAGE|ONESHOT_|.*(KEY|TOKEN|SECRET|PASSWORD)", re.IGNORECASE)


@dataclass
class Ran:
    """What came of one command.

    `timed_out`: we ended it, at the deadline or because it reported too much. `rows`: what it wrote to its report pipe.
    `tail`: the end of what it printed.
    """

    exit_code: int = -1
    timed_out: bool = False
    rows: bytearray = field(default_factory=bytearray)
    tail: bytearray = field(default_factory=bytearray)


class Tester:
    """The user that solution code runs as: never root, where root starts us and that user can reach the tree."""

    def __init__(self, work: str, tree: str, python_path: list[str]) -> None:
        self.home = os.path.join(work, "home")
        os.makedirs(os.path.join(self.home, "tmp"))
        os.chmod(work, 0o755)  # the launcher and its configuration are read by the tests' user
        with open(os.path.join(self.home, ".gitconfig"), "w") as file:
            file.write("[safe]\n\tdirectory = *\n")
        self.identity = _identity(tree)
        self.tree = tree
        self.python = [sys.executable, "-I", "-B"]
        self.env = {name: value for name, value in os.environ.items() if not STEERING.match(name)}
        self.env.update(HOME=self.home, TMPDIR=os.path.join(self.home, "tmp"), PYTHONDONTWRITEBYTECODE="1")
        self.env["PYTHONPATH"] = os.pathsep.join(os.path.join(tree, name) for name in python_path)
        self.env["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        self.env.setdefault("LANG", "C.UTF-8")
        for folder in (self.home, self.env["TMPDIR"], os.path.join(self.home, ".gitconfig")) if self.identity else ():
            os.chown(folder, self.identity["user"], self.identity["group"])

    def run(self, argv: list[str], deadline: float, *, reporting: bool = False) -> Ran:
        """Run a command in the tree and leave nothing of it running; `reporting` gives it a pipe's number as last argument."""
        ran = Ran()
        report, write = os.pipe()
        try:
            process = subprocess.Popen(
                [*argv, *([str(write)] if reporting else [])],
                **self.identity,
                cwd=self.tree,
                env=self.env,
                pass_fds=[write] if reporting else [],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        finally:
            os.close(write)
        assert process.stdout
        with process.stdout, open(report, "rb") as rows:
            self._listen(process, {process.stdout.fileno(): ran.tail, rows.fileno(): ran.rows}, deadline)
            left = deadline - time.monotonic() if len(ran.rows) <= ROWS_BYTES else 0
            try:
                process.wait(max(left, 0))
            except subprocess.TimeoutExpired:
                ran.timed_out = True
            self.kill(process)
        ran.exit_code = process.wait()
        return ran

    def _listen(self, process: subprocess.Popen[bytes], sinks: dict[int, bytearray], deadline: float) -> None:
        ended = False
        with selectors.DefaultSelector() as selector:
            for fd in sinks:
                os.set_blocking(fd, False)
                selector.register(fd, selectors.EVENT_READ)
            tail, rows = sinks.values()
            while selector.get_map() and time.monotonic() < deadline and len(rows) <= ROWS_BYTES:
                for key, _ in (ready := selector.select(timeout=0.1)):
                    if chunk := os.read(key.fd, 65536):
                        sinks[key.fd].extend(chunk)
                    else:
                        selector.unregister(key.fd)
                del tail[:-TAIL_BYTES]
                if ended and not ready:
                    return  # something that outlived its parent holds the pipes, and has no more to say
                if not ended and process.poll() is not None:
                    ended = True
                    self.kill(process)

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """Kill the command's group and, as a user of its own, everything that this user runs."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        if self.identity:
            script = "import os; os.kill(-1, 9)"  # one call for all: nothing can fork faster
            command = [sys.executable, "-I", "-S", "-c", script]
            subprocess.run(command, **self.identity, env={}, stderr=subprocess.DEVNULL, check=False)


def _identity(tree: str) -> dict[str, Any]:
    """Keywords for subprocess that change the user to `tester`, or to one who has no process: he can be killed as a whole."""
    if os.geteuid() != 0:
        return {}
    busy = {os.geteuid()}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/status") as file:
            busy.add(int(next(line for line in file if line.startswith("Uid:")).split()[1]))
    with contextlib.suppress(KeyError):
        known = pwd.getpwnam("tester")
        if known.pw_uid not in busy:
            return _reachable({"user": known.pw_uid, "group": known.pw_gid, "extra_groups": []}, tree)
    uid = secrets.choice([uid for uid in UNUSED_UIDS if uid not in busy])
    return _reachable({"user": uid, "group": uid, "extra_groups": []}, tree)


def _reachable(identity: dict[str, Any], tree: str) -> dict[str, Any]:
    """The identity, or none where that user reaches neither the interpreter nor the tree (a checkout below /root)."""
    command = [sys.executable, "-I", "-c", "import os, sys; os.listdir(sys.argv[1])", tree]
    with contextlib.suppress(OSError):
        if subprocess.run(command, **identity, env={}, capture_output=True, check=False).returncode == 0:
            return identity
    return {}
