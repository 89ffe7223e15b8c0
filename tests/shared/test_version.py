"""The build's name changes with the code."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import oneshot_shared
from oneshot_shared import version


def _build(root: Path) -> str:
    program = "from oneshot_shared import version; print(version.build())"
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(root)}, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_names_version_and_digest() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+\+[0-9a-f]{12}", version.build())
    assert version.build() == version.build()


def test_an_edited_file_is_another_build(tmp_path: Path) -> None:
    shutil.copytree(Path(oneshot_shared.__file__).parent, tmp_path / "oneshot_shared")
    first = _build(tmp_path)
    assert _build(tmp_path) == first
    with (tmp_path / "oneshot_shared" / "errors.py").open("a") as file:
        file.write("# edited\n")
    assert _build(tmp_path) != first
