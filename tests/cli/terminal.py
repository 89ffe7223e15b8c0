"""A terminal that a test types into: tmux, with a server of its own."""

import contextlib
import os
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

from cli.harness import until


class Terminal:
    """One window of 120 by 50 characters, in which a shell runs a command and then says how it ended."""

    def __init__(self, command: str, cwd: Path, env: Mapping[str, str]) -> None:
        self._name = f"oneshot-test-{uuid.uuid4().hex[:12]}"
        self._env = {**env, "TERM": "xterm-256color"}
        shell = f'{command}; echo "ended with $?"; sleep 600'
        self._tmux("new-session", "-d", "-x", "120", "-y", "50", "-c", str(cwd), shell)

    def _tmux(self, *arguments: str) -> str:
        return subprocess.run(
            ["tmux", "-L", self._name, "-f", os.devnull, *arguments],
            env=self._env,
            check=True,
            capture_output=True,
            text=True,
            timeout=20,
        ).stdout

    def screen(self) -> str:
        """What is to be read, with what has scrolled away; without empty lines, lines that were wrapped made whole."""
        lines = self._tmux("capture-pane", "-p", "-J", "-S", "-500").splitlines()
        return "\n".join(line.rstrip() for line in lines if line.strip())

    def until(self, *words: str, seconds: float = 40) -> str:
        """Wait for words; returns the screen."""
        until(lambda: all(word in self.screen() for word in words), seconds, self.screen)
        return self.screen()

    def keys(self, *names: str) -> None:
        """Press keys, by tmux's names."""
        self._tmux("send-keys", *names)

    def press(self, key: str, words: str, then: str) -> str:
        """Press a key where words stand, again if they stay (an interface that is just being drawn may drop it), until others do."""
        self.until(words)
        for _ in range(20):
            if then not in (screen := self.screen()) and words in screen:
                self.keys(key)
            with contextlib.suppress(AssertionError):
                return self.until(then, seconds=2)
        return self.until(then)

    def type(self, text: str) -> None:
        """Type a line. What comes faster than fingers is taken for a paste, in which Enter is a new line."""
        self._tmux("send-keys", "-l", text)
        self.until(text)
        self.keys("Enter")

    def close(self) -> None:
        """Close the window: whatever runs in it is hung up."""
        with contextlib.suppress(subprocess.CalledProcessError):
            self._tmux("kill-server")


@contextlib.contextmanager
def terminal(command: str, cwd: Path, env: Mapping[str, str]) -> Iterator[Terminal]:
    """A terminal that is closed at the end."""
    made = Terminal(command, cwd, env)
    try:
        yield made
    finally:
        made.close()
