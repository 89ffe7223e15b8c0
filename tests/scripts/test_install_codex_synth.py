"""scripts/install_codex_synth.sh: two links, and what is missing for a shell to find them."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAMS = ["codex-synth", "oneshot"]


def install(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    script = ROOT / "scripts" / "install_codex_synth.sh"
    return subprocess.run([script, *arguments], env=os.environ | env, capture_output=True, text=True, check=False)


def links(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_it_links_says_what_path_lacks_and_takes_the_links_away(tmp_path: Path) -> None:
    folder = tmp_path / ".local" / "bin"
    for _ in range(2):
        done = install(HOME=str(tmp_path))
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines() == [
            f"codex-synth and oneshot are in {folder}",
            "next: add them to PATH, in ~/.bashrc or ~/.zshrc, and open a new shell:",
            f'  export PATH="{folder}:$PATH"',
        ]
    assert links(folder) == PROGRAMS
    said = subprocess.run([folder / "oneshot", "--version"], capture_output=True, text=True, check=True)
    assert said.stdout.startswith("oneshot ")
    found = install(HOME=str(tmp_path), PATH=f"{os.environ['PATH']}:{folder}")
    assert found.stdout.splitlines()[1:] == ["next: codex-synth, in any repository"]
    gone = install("--uninstall", HOME=str(tmp_path))
    assert (gone.returncode, links(folder)) == (0, [])
    assert install("--uninstall", HOME=str(tmp_path)).returncode == 0


def test_a_folder_may_be_named_and_what_is_not_ours_stays(tmp_path: Path) -> None:
    (tmp_path / "oneshot").write_text("another's")
    done = install(str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.startswith(f"{tmp_path}/oneshot is there already and is not ours; ")
    install("--uninstall", str(tmp_path))
    assert links(tmp_path) == ["oneshot"]
    (tmp_path / "oneshot").unlink()
    (tmp_path / "oneshot").symlink_to("/somewhere/else/.venv/bin/oneshot")
    assert install(str(tmp_path)).returncode == 0, "another checkout's link gives way"
    assert (tmp_path / "oneshot").resolve() == (ROOT / ".venv" / "bin" / "oneshot").resolve()


def test_it_shows_its_usage() -> None:
    done = install("--help")
    assert done.returncode == 2
    assert done.stderr.startswith("usage: scripts/install_codex_synth.sh [--uninstall] [FOLDER]")
