"""What a run needs of its machine, and what is said where it is not there."""

import errno
import socket
import tomllib
from pathlib import Path

import pytest

from oneshot_shared import needs
from oneshot_shared.errors import NotReady

ROOT = Path(__file__).parents[2]


def _script(folder: Path, name: str, text: str) -> str:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return f"{folder}:/bin"


def test_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert needs.free_bytes(tmp_path) > needs.FREE_BYTES
    monkeypatch.setattr(needs, "FREE_BYTES", 1 << 60)
    with pytest.raises(NotReady, match=rf"MiB are free at {tmp_path}, and a run needs .*; free some space"):
        needs.free_bytes(tmp_path)


def test_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Path(needs.git()).name == "git"
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotReady, match="the git command is missing; install git"):
        needs.git()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (FileNotFoundError(errno.ENOENT, "No such file"), r"at unix:///s \(no socket\); start Docker"),
        (
            PermissionError(errno.EACCES, "Permission denied"),
            r"\(permission denied\); let your user in .*usermod -aG docker",
        ),
        (ConnectionError("it went away\nand more"), r"\(it went away\); start Docker"),
    ],
)
def test_no_engine(error: Exception, words: str) -> None:
    with pytest.raises(NotReady, match=words):
        raise needs.no_engine("unix:///s", error)


def test_backends() -> None:
    assert "did you mean 'docker'?); this stack has: docker, local" in str(
        needs.unknown_backend("dockr", ("docker", "local"))
    )


def test_buildx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotReady, match="the docker command is missing"):
        needs.buildx()
    monkeypatch.setenv("PATH", _script(tmp_path, "docker", "echo v0.13"))
    assert needs.buildx() == "v0.13"
    _script(tmp_path, "docker", "exit 1")
    with pytest.raises(NotReady, match="Docker Buildx is missing"):
        needs.buildx()
    _script(tmp_path, "docker", "sleep 60")
    with pytest.raises(NotReady, match=r"does not answer within 0.2 s; restart Docker"):
        needs.buildx(0.2)


def test_the_pin_is_one() -> None:
    assert needs.codex().is_file()
    extras = tomllib.loads((ROOT / "services" / "orchestrator" / "pyproject.toml").read_text())
    assert extras["project"]["optional-dependencies"]["local"] == [f"openai-codex-cli-bin=={needs.CODEX_VERSION}"]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo codex-cli 0.1.0", r"says 'codex-cli 0.1.0', and not [\d.]+; install it again with"),
        ("echo oh >&2; exit 1", r"does not run \(oh\); install it again with"),
    ],
)
def test_another_codex(script: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _script(tmp_path, "codex", script)
    monkeypatch.setattr("codex_cli_bin.bundled_codex_path", lambda: tmp_path / "codex")
    with pytest.raises(NotReady, match=words):
        needs.codex()


def test_no_codex(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "codex_cli_bin", None)
    with pytest.raises(NotReady, match=r"Codex is not installed beside oneshot; install it again with"):
        needs.codex_path()


def test_knocking_at_a_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        needs.knock(address, 5)
    with pytest.raises(OSError, match="refused"):
        needs.knock(address, 5)
    needs.knock("ssh://nobody@nowhere", 5)
