"""The example tasks: what each holds fits together, its image tells a solution from none, and its cassette solves it."""

import io
import json
import subprocess
import tarfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from codex_cli_bin import bundled_codex_path

from oneshot_grader import grade_verdict
from oneshot_grader.plan import plan, runner_files
from oneshot_shared import archive, task
from oneshot_shared.placeholders import fill
from oneshot_shared.task import Task
from orchestrator import harness as stacks
from tasks import harness

TELLTALES = {  # words of the answer, which the environment must not hold
    "hello-world": (b"hello world",),
    "retry-backoff": (b"RetryPolicy", b"GaveUp", b"jitter", b"deadline", b"retry"),
}
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
for path in ["/app/HIDDEN", "/tmp/verify/x", "/app/made-up"]:
    try:
        pathlib.Path(path).write_text("")
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


@pytest.fixture(scope="module", params=TELLTALES)
def example(request: pytest.FixtureRequest) -> Task:
    return task.load(harness.PREPARED / request.param)


def answers(example: Task) -> list[dict]:
    """The cassette's answers, without its header."""
    return [json.loads(line) for line in example.cassette(example.slug).read_text().splitlines()[1:]]


def hidden(example: Task) -> str:
    """The file of tests that fail without a solution."""
    assert example.expected
    (name,) = {test.split("::")[0] for test in example.expected.fail_to_pass}
    return name


def test_it_is_whole(example: Task) -> None:
    assert example.rubric
    deciders = {criterion.id: criterion.decided_by for criterion in example.rubric.criterion}
    assert (deciders["task_completion"], deciders["code_quality"]) == ("tests", "judge")
    assert example.config.task
    assert example.config.task.name == f"oneshot/{example.slug}"
    assert example.config.metadata.oneshot.local
    assert (example.path / "environment" / example.config.metadata.oneshot.local.base / "README.md").is_file()


def test_it_carries_the_runner_itself(example: Task) -> None:
    for name, content in runner_files().items():
        assert (example.path / "tests" / name).read_bytes() == content, name


def test_without_a_solution_fail_to_pass_fails_and_with_the_reference_all_passes(example: Task, tmp_path: Path) -> None:
    assert example.expected
    failing, passing = set(example.expected.fail_to_pass), set(example.expected.pass_to_pass)
    before = harness.outcomes(example.path, harness.base(example.path, tmp_path / "base"))
    assert {name for name, outcome in before.items() if outcome == "FAILED"} == failing
    assert {name for name, outcome in before.items() if outcome == "PASSED"} == passing
    after = harness.outcomes(example.path, harness.reference(example.path, tmp_path / "reference"))
    assert after == dict.fromkeys(failing | passing, "PASSED")


def test_the_tests_that_everybody_sees_are_among_the_hidden_ones(example: Task) -> None:
    seen = harness.content(example.path / "environment/repo/tests")
    assert seen.items() <= harness.content(example.path / "tests/files/tests").items()


def test_the_cassette_makes_the_reference(example: Task, tmp_path: Path) -> None:
    tree = harness.base(example.path, tmp_path / "tree")
    items = [item for answer in answers(example) for item in answer["output"]]
    for patch in [item["input"] for item in items if item["type"] == "custom_tool_call"]:
        command = [bundled_codex_path(), "--codex-run-as-apply-patch", patch]
        subprocess.run(command, cwd=tree, check=True, capture_output=True)
    assert harness.content(tree) == harness.content(harness.reference(example.path, tmp_path / "reference"))


def test_the_cassette_says_what_it_is(example: Task) -> None:
    header = json.loads(example.cassette(example.slug).read_text().splitlines()[0])
    assert "no model was called" in header["origin"]
    *calls, last = answers(example)
    assert {item["type"] for call in calls for item in call["output"]} >= {"function_call", "custom_tool_call"}
    assert [item["type"] for item in last["output"]] == ["message"]
    for usage in (answer["usage"] for answer in answers(example)):
        assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
        assert usage["input_tokens_details"]["cached_tokens"] < usage["input_tokens"]


def test_nothing_of_the_answer_is_in_the_environment(example: Task) -> None:
    secret = (example.path / "tests/files" / hidden(example)).read_bytes()
    for path in archive.walk(example.path / "environment"):
        content = path.read_bytes()
        assert content != secret
        for word in TELLTALES[example.slug]:
            assert word not in content, f"{path} holds {word!r}"


@pytest.mark.parametrize("backend", ["local", pytest.param("docker", marks=pytest.mark.docker)])
async def test_replayed_every_command_of_its_cassette_succeeds(example: Task, backend: str, tmp_path: Path) -> None:
    folder = stacks.task(tmp_path, example.slug, source=example.path)
    async with stacks.stack(tmp_path / "data") as stack:
        run = await stack.codex(folder, backend, replay=example.slug)
        assert run.grade.verdict == stacks.PASS, run.grade
        events = [json.loads(line) for line in stack.file("logs/agent.jsonl").splitlines()]
        diff = stack.file("artifacts/diff.patch")
    done = [event["item"] for event in events if event["type"] == "item.completed"]
    codes = [item["exit_code"] for item in done if item["type"] == "command_execution"]
    assert len(codes) >= 2
    assert set(codes) == {0}, done
    tree = harness.patched(example.path, tmp_path / "tree", diff)
    assert harness.content(tree) == harness.content(harness.reference(example.path, tmp_path / "reference"))


@pytest.fixture(scope="module")
def image(example: Task) -> Iterator[str]:
    name = f"oneshot-test-{uuid.uuid4().hex[:12]}"
    subprocess.run(["docker", "build", "-q", "-t", name, example.path / "environment"], check=True, capture_output=True)
    yield name
    subprocess.run(["docker", "rmi", "-f", name], check=False, capture_output=True)


def verify(example: Task, image: str, changes: dict[str, bytes]) -> tuple[dict, dict]:
    """Verify as the orchestrator does: root with few capabilities, no network, the folder beside the tree."""
    made = plan((example.path / "tests/expected.json").read_bytes(), 0, True)
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        tar.add(example.path / "tests", arcname="tests")
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
def test_in_its_image_the_reference_passes_and_nothing_fails(example: Task, image: str, tmp_path: Path) -> None:
    assert example.expected
    before = harness.content(example.path / "environment/repo")
    after = harness.content(harness.reference(example.path, tmp_path / "tree"))
    assert before.keys() <= after.keys()
    changes = {name: text.encode() for name, text in after.items() if before.get(name) != text}
    report, verdict = verify(example, image, changes)
    assert verdict["passed"], report
    assert report["isolated"]
    report, verdict = verify(example, image, {})
    assert verdict["complete"]
    failed = [name for name, (outcome, _) in verdict["tests"].items() if outcome != "passed"]
    assert failed == example.expected.fail_to_pass


@pytest.mark.docker
def test_in_its_image_solution_code_is_another_user(example: Task, image: str) -> None:
    (package,) = (example.path / "environment/repo/src").glob("*/__init__.py")
    spy = SPY.replace("HIDDEN", hidden(example)).encode()
    report, verdict = verify(example, image, {f"src/{package.parent.name}/__init__.py": spy})
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
