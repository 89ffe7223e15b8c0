"""The example task: what it holds fits together, and its image tells a solution from none."""

import io
import json
import subprocess
import tarfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from oneshot_grader import grade_verdict
from oneshot_grader.plan import plan, runner_files
from oneshot_shared import archive, task
from oneshot_shared.placeholders import fill

TASK = Path(__file__).parents[2] / "data/tasks/prepared/hello-world"
CAPABILITIES = ("SETUID", "SETGID", "KILL", "CHOWN", "DAC_OVERRIDE", "FOWNER")
SPY = """
import os, pathlib
facts = {"uid": os.getuid(), "read": [], "wrote": []}
for path in ["/tmp/verify/plan.json", "/tmp/verify/tests/expected.json", "/etc/hostname"]:
    try:
        pathlib.Path(path).read_bytes()
        facts["read"].append(path)
    except OSError:
        pass
for path in ["/app/tests/test_readme.py", "/tmp/verify/x", "/app/made-up"]:
    try:
        pathlib.Path(path).write_text("def test_ends_with_hello_world(): pass")
        facts["wrote"].append(path)
    except OSError:
        pass
try:
    os.rename("/app/tests", "/app/moved")
    facts["wrote"].append("moved")
except OSError:
    pass
raise ValueError(facts)
"""


def patched(folder: Path) -> Path:
    subprocess.run(["cp", "-r", TASK / "environment/repo", folder], check=True)
    subprocess.run(["git", "apply", TASK / "solution/solution.patch"], cwd=folder, check=True)
    return folder


def test_it_loads() -> None:
    loaded = task.load(TASK)
    assert loaded.expected
    assert loaded.rubric
    assert [(line.id, line.weight) for line in loaded.rubric.criterion] == [
        ("task_completion", 0.4),
        ("code_quality", 0.3),
        ("testing", 0.3),
    ]
    assert loaded.config.metadata.oneshot.local
    assert (loaded.path / "environment" / loaded.config.metadata.oneshot.local.base / "README.md").is_file()


@pytest.mark.parametrize("name", sorted(runner_files()))
def test_it_carries_the_runner_itself(name: str) -> None:
    assert (TASK / "tests" / name).read_bytes() == runner_files()[name]


def test_the_reference_does_what_is_asked(tmp_path: Path) -> None:
    tree = patched(tmp_path / "tree")
    before = (TASK / "environment/repo/README.md").read_text()
    assert (tree / "README.md").read_text() == before + "\nhello world\n"


def test_the_cassette_holds_the_reference(tmp_path: Path) -> None:
    header, *answers = map(json.loads, task.load(TASK).cassette("hello-world").read_text().splitlines())
    assert header["format"] == "oneshot-cassette/1"
    assert "no model was called" in header["origin"]
    items = [item for answer in answers for item in answer["output"]]
    assert [item["type"] for item in items] == ["function_call", "custom_tool_call", "function_call", "message"]
    last_line = (TASK / "environment/repo/README.md").read_text().splitlines()[-1]
    assert items[1]["input"].splitlines()[3] == f" {last_line}"
    for answer in answers:
        usage = answer["usage"]
        assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


def test_nothing_of_the_answer_is_in_the_environment() -> None:
    hidden = (TASK / "tests/files/tests/test_readme.py").read_bytes()
    for path in archive.walk(TASK / "environment"):
        content = path.read_bytes()
        assert b"hello world" not in content
        assert content != hidden


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    name = f"oneshot-test-{uuid.uuid4().hex[:12]}"
    subprocess.run(["docker", "build", "-q", "-t", name, TASK / "environment"], check=True, capture_output=True)
    yield name
    subprocess.run(["docker", "rmi", "-f", name], check=False, capture_output=True)


def verify(image: str, changes: dict[str, bytes]) -> tuple[dict, dict]:
    """Verify as the orchestrator does: root with few capabilities, no network, the folder beside the tree."""
    made = plan((TASK / "tests/expected.json").read_bytes(), 0, True)
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        tar.add(TASK / "tests", arcname="tests")
        solution = {"solution/changes.tar": members(changes), "solution/deleted.json": b"[]"}
        for name, content in (dict(made.files) | solution).items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    words = {"python": "python3", "verify": "/tmp/verify", "tree": "/app"}
    command = " ".join(fill(part, words) for part in made.argv)
    script = f"mkdir /tmp/verify && tar -x --no-same-owner -C /tmp/verify && exec {command}"
    options = [option for name in CAPABILITIES for option in ("--cap-add", name)]
    options += ["--cap-drop", "ALL", "--network", "none", "--security-opt", "no-new-privileges", "--init", "-u", "0:0"]
    done = subprocess.run(
        ["docker", "run", "--rm", "-i", *options, image, "sh", "-c", script],
        input=file.getvalue(),
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    report = json.loads(done.stdout)
    return report, grade_verdict.judge(report, json.loads(made.files["plan.json"]))


def members(changes: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name, content in changes.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return file.getvalue()


@pytest.mark.docker
def test_in_its_image_the_reference_passes_and_nothing_fails(image: str, tmp_path: Path) -> None:
    reference = (patched(tmp_path / "tree") / "README.md").read_bytes()
    report, verdict = verify(image, {"README.md": reference})
    assert verdict["passed"], report
    assert report["isolated"]
    report, verdict = verify(image, {})
    assert verdict["complete"]
    assert [name for name, (outcome, _) in verdict["tests"].items() if outcome != "passed"] == [
        "tests/test_readme.py::test_ends_with_hello_world"
    ]


@pytest.mark.docker
def test_in_its_image_solution_code_is_another_user(image: str) -> None:
    report, verdict = verify(image, {"src/greet/__init__.py": SPY.encode()})
    assert not verdict["passed"]
    assert "{'uid': 10002, 'read': ['/etc/hostname'], 'wrote': ['/app/made-up']}" in report["output"]


@pytest.mark.docker
def test_in_its_image_nobody_is_root_and_the_base_is_one_commit(image: str) -> None:
    script = "id -un && git log --oneline | wc -l && git status --porcelain && git remote && ls /tests /solution"
    done = subprocess.run(
        ["docker", "run", "--rm", "--network", "none", "--init", image, "sh", "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split() == ["agent", "1"]
