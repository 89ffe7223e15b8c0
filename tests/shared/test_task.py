"""The task format: what is read, and every way in which a folder can be wrong."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from oneshot_shared import task
from oneshot_shared.errors import BadInput

HELLO = Path(__file__).parents[2] / "data" / "tasks" / "prepared" / "hello-world"
PATCH, TEST_SH, GRADE = "solution/solution.patch", "tests/test.sh", "tests/grade.py"
TOML, RUBRIC, EXPECTED, INSTRUCTION = "task.toml", "oneshot/rubric.toml", "tests/expected.json", "instruction.md"
type Change = Callable[[Path], object]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(HELLO, tmp_path / "hello-world"))


def test_the_example_is_read_whole(folder: Path) -> None:
    found = task.load(folder)
    assert found.slug == "hello-world"
    assert found.instruction == (HELLO / INSTRUCTION).read_text()
    assert found.expected
    assert found.rubric
    assert [line.weight for line in found.rubric.criterion] == [0.4, 0.3, 0.3]
    assert found.config.metadata.oneshot.local
    assert found.reference_patch.is_file()
    assert found.cassette("hello-world").is_file()


def test_tests_rubric_and_local_setup_may_be_missing(folder: Path) -> None:
    shutil.rmtree(folder / "tests")
    shutil.rmtree(folder / "oneshot")
    toml = (folder / TOML).read_text()
    (folder / TOML).write_text(toml[: toml.index("[metadata")] + '[metadata]\nanything = "Harbor allows"\n')
    found = task.load(folder)
    assert (found.expected, found.rubric, found.config.metadata.oneshot.local) == (None, None, None)


def test_an_unknown_cassette_is_named_with_the_nearest(folder: Path) -> None:
    with pytest.raises(
        BadInput, match=r"no cassette 'hello-wrld' \(did you mean 'hello-world'\?\); it has: hello-world"
    ):
        task.load(folder).cassette("hello-wrld")
    for name in ("", "../task", "/etc/passwd"):
        with pytest.raises(BadInput, match="no cassette"):
            task.load(folder).cassette(name)


def replace(name: str, old: str, new: str) -> Change:
    def change(folder: Path) -> None:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1))

    return change


def write(name: str, content: str | bytes) -> Change:
    def change(folder: Path) -> None:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    return change


def remove(name: str) -> Change:
    return lambda folder: (folder / name).unlink()


WRONG: dict[str, tuple[Change, str]] = {
    "no task.toml": (remove(TOML), "is no task: it has no task.toml; give a folder such as"),
    "unknown table": (write(TOML, "[agnt]\n"), "unknown key 'agnt' (did you mean 'agent'?); known here: agent,"),
    "unknown key": (replace(TOML, "cpus", "cpu"), "unknown key 'environment.cpu' (did you mean 'cpus'?)"),
    "unknown key of Harbor's": (
        replace(TOML, "cpus", 'network_mode = "host"\ncpus'),
        "unknown key 'environment.network_mode'",
    ),
    "unknown key of ours": (
        replace(TOML, "setup = [", "set_up = ["),
        "unknown key 'metadata.oneshot.local.set_up' (did you mean 'setup'?)",
    ),
    "unknown key in a list": (
        replace(TOML, 'user = "root"\ntimeout_sec = 120', "usr = 1"),
        "unknown key 'verifier.collect.0.usr' (did you mean 'user'?)",
    ),
    "missing key": (replace(TOML, "timeout_sec = 900", ""), "task.toml: 'agent.timeout_sec' is missing; add it"),
    "wrong value": (
        replace(TOML, "= 900", "= 0"),
        "agent.timeout_sec: Input should be greater than or equal to 1 (it is 0)",
    ),
    "shared verifier": (
        replace(TOML, '"separate"', '"shared"'),
        "verifier.environment_mode: Input should be 'separate' (it is 'shared')",
    ),
    "no TOML": (write(TOML, "[agent\n"), "hello-world/task.toml cannot be read: "),
    "no text": (write(TOML, b"\xff\xfe"), "hello-world/task.toml cannot be read: "),
    "weights": (
        replace(RUBRIC, "weight = 0.4", "weight = 0.5"),
        "the weights sum to 1.1 (task_completion 0.5 + code_quality 0.3 + testing 0.3); change them",
    ),
    "weight of 0": (
        replace(RUBRIC, "weight = 0.4", "weight = 0.0"),
        "criterion.0.weight: Input should be greater than",
    ),
    "weight nan": (replace(RUBRIC, "weight = 0.4", "weight = nan"), "criterion.0.weight"),
    "empty rubric": (write(RUBRIC, ""), "oneshot/rubric.toml: 'criterion' is missing; add it"),
    "unknown key in the rubric": (
        replace(RUBRIC, "description", "descripton"),
        "unknown key 'criterion.0.descripton' (did you mean 'description'?)",
    ),
    "no tests to pass": (
        replace(EXPECTED, '["tests/test_readme.py::test_ends_with_hello_world"]', "[]"),
        "fail_to_pass: List should have at least 1 item",
    ),
    "a test twice": (
        replace(EXPECTED, "test_greet.py::test_nobody", "test_readme.py::test_ends_with_hello_world"),
        "test 'tests/test_readme.py::test_ends_with_hello_world' is listed twice",
    ),
    "no JSON": (write(EXPECTED, "{"), "tests/expected.json cannot be read: "),
    "no JSON in UTF-8": (write(EXPECTED, b'{"a": "\xff"}'), "tests/expected.json cannot be read: "),
    "JSON that is no object": (write(EXPECTED, "[]"), "tests/expected.json: "),
    "no instruction": (remove(INSTRUCTION), "has no instruction.md; add it"),
    "empty instruction": (write(INSTRUCTION, " \n"), "instruction.md is empty; write what the agent shall do"),
    "long instruction": (write(INSTRUCTION, "x" * 100_001), "has 100001 bytes; at most 100000 are allowed: shorten it"),
    "instruction in Latin-1": (write(INSTRUCTION, b"gr\xfc\xdfe"), "instruction.md is not UTF-8"),
    "instruction with NUL": (write(INSTRUCTION, "a\0b"), "instruction.md holds a NUL byte; remove it"),
    "no Dockerfile": (remove("environment/Dockerfile"), "has no environment/Dockerfile; add it"),
    "tests without a patch": (remove(PATCH), f"has tests but no {PATCH}; add it"),
    "tests without test.sh": (remove(TEST_SH), f"has tests but no {TEST_SH}; add it"),
    "tests without a runner": (remove(GRADE), f"has tests but no {GRADE}; add it"),
    "trajectory at the root": (write("trajectory.json", "{}"), "hello-world/trajectory.json must not be there: Harbor"),
    "Dockerfile of the tests": (write("tests/Dockerfile", ""), "hello-world/tests/Dockerfile must not be there"),
    "compose file": (write("docker-compose.yaml", ""), "docker-compose.yaml must not be there: a task is one"),
    "compose file inside": (write("environment/docker-compose.yaml", ""), "docker-compose.yaml must not be there"),
    "name": (lambda folder: folder.rename(folder.with_name("Hello World")), "name 'Hello World' is no slug"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_said_in_one_sentence(folder: Path, what: str) -> None:
    change, words = WRONG[what]
    place = change(folder)
    with pytest.raises(BadInput, match=re.escape(words)) as raised:
        task.load(place if isinstance(place, Path) else folder)
    assert "\n" not in str(raised.value).strip()


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is no task"):
        task.load(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("file", "old", "new", "sentence"),
    [
        (
            "task.toml",
            "timeout_sec = 900",
            "timeout_sec = 0.5",
            "agent.timeout_sec: Input should be greater than or equal to 1",
        ),
        ("task.toml", "timeout_sec = 900", "timeout_sec = inf", "agent.timeout_sec: Input should be"),
        ("tests/expected.json", '"timeout_sec": 60', '"timeout_sec": 1000000000', "timeout_sec: Input should be less"),
        ("oneshot/rubric.toml", '["fail_to_pass"]', '["fail_to_pas"]', "did you mean 'fail_to_pass'?"),
        ("oneshot/rubric.toml", 'id = "testing"', 'id = "code_quality"', "criterion 'code_quality' stands twice"),
        (
            "tests/expected.json",
            "test_greet.py::test_one_name",
            "test_gone.py::test_one_name",
            "no tests/files/tests/test_gone.py",
        ),
    ],
)
def test_what_could_not_be_graded_is_refused(tmp_path: Path, file: str, old: str, new: str, sentence: str) -> None:
    folder = shutil.copytree(HELLO, tmp_path / "example")
    content = (folder / file).read_text()
    assert old in content
    (folder / file).write_text(content.replace(old, new))
    with pytest.raises(BadInput, match=re.escape(sentence)):
        task.load(folder)


@pytest.mark.parametrize("name", task.RUNNER)
def test_a_task_without_the_whole_runner_is_refused(tmp_path: Path, name: str) -> None:
    folder = shutil.copytree(HELLO, tmp_path / "example")
    (folder / "tests" / name).unlink()
    with pytest.raises(BadInput, match=f"has tests but no tests/{name}; add it"):
        task.load(folder)


def test_a_folder_in_the_place_of_a_file_is_refused(tmp_path: Path) -> None:
    folder = shutil.copytree(HELLO, tmp_path / "example")
    (folder / "tests/expected.json").unlink()
    (folder / "tests/expected.json").mkdir()
    with pytest.raises(BadInput, match=r"tests/expected\.json is no file"):
        task.load(folder)
