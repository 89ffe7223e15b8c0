"""The task format: Harbor's folder with our extras. Every model is strict: an unknown key is an error with a hint.

Format: DESIGN §3; Harbor's own keys follow its schema 1.4.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from oneshot_shared.errors import BadInput, nearest
from oneshot_shared.strict import Strict, parse

SLUG = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
MAX_INSTRUCTION_BYTES = 100_000  # an agent gets it as one argument; Linux allows 128 KiB
RUNNER = ("grade.py", "grade_launch.py", "grade_tester.py", "grade_tree.py", "grade_verdict.py")
"""The one runner, in a task's tests/ for Harbor and in every plan of ours."""
_FORBIDDEN = {
    "trajectory.json": "Harbor would seed it into the agent's session, and with it the answer; move it to oneshot/",
    "tests/Dockerfile": "the verifier must run in the task's own image; remove it",
    "docker-compose.yaml": "a task is one container; remove it",
    "environment/docker-compose.yaml": "a task is one container; remove it",
}


Command = Annotated[list[str], Field(min_length=1)]
Seconds = Annotated[float, Field(ge=1, le=7 * 86400, allow_inf_nan=False)]


class Author(Strict):
    """Who wrote the task."""

    name: str
    email: str | None = None


class Package(Strict):
    """Harbor's [task] table."""

    name: str
    version: str | None = None
    description: str = ""
    authors: list[Author] = []
    keywords: list[str] = []


class AgentTable(Strict):
    """Harbor's [agent] table: seconds and user for the agent's work."""

    timeout_sec: Seconds
    user: str | int | None = None


class Collect(Strict):
    """One command that Harbor runs after the agent, to bring its tree to the verifier."""

    command: str
    user: str | int | None = None
    timeout_sec: Seconds | None = None


class VerifierTable(Strict):
    """Harbor's [verifier] table. Only the separate mode is sound: see facts/harbor.md §4."""

    environment_mode: Literal["separate"]
    user: str | int | None = None
    timeout_sec: Seconds
    collect: list[Collect] = []


class EnvironmentTable(Strict):
    """Harbor's [environment] table."""

    workdir: str = "/app"
    build_timeout_sec: Seconds = 1200
    cpus: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    memory_mb: int | None = Field(default=None, gt=0)
    storage_mb: int | None = Field(default=None, gt=0)


class LocalSetup(Strict):
    """How the task runs without Docker.

    `base`: folder below environment/ that holds the base tree. `setup`: commands run once for each environment, with the
    placeholders {python} (an interpreter), {env} (a folder that is kept) and {tree} (the base). `env`: variables for every
    command, with {env}, {tree} and {path} (the PATH of the machine).
    """

    base: str = "repo"
    setup: list[Command] = []
    env: dict[str, str] = {}


class OneshotMetadata(Strict):
    """Our [metadata.oneshot] table."""

    local: LocalSetup | None = None


class Metadata(BaseModel):
    """Harbor's [metadata]: free for everyone, strict only in our own table."""

    model_config = ConfigDict(extra="allow", frozen=True)
    oneshot: OneshotMetadata = OneshotMetadata()


class TaskConfig(Strict):
    """task.toml."""

    schema_version: Literal["1.4"] = "1.4"
    task: Package | None = None
    agent: AgentTable
    verifier: VerifierTable
    environment: EnvironmentTable = EnvironmentTable()
    metadata: Metadata = Metadata()


class Expected(Strict):
    """tests/expected.json: what the verification must find. Hidden test files lie under tests/files/, laid out as in the tree.

    `test_roots`: folders of the tree that are replaced whole by the hidden files. `python_path`: import roots below the tree.
    `build`: commands run offline in the tree after the solution was laid, with the placeholder {tree}.
    """

    framework: Literal["pytest"]
    fail_to_pass: list[str] = Field(min_length=1)
    pass_to_pass: list[str] = []
    test_roots: list[str] = ["tests"]
    python_path: list[str] = []
    build: list[Command] = []
    timeout_sec: int = Field(default=300, ge=1, le=7 * 86400)

    @model_validator(mode="after")
    def _each_once(self) -> "Expected":
        ids = self.fail_to_pass + self.pass_to_pass
        if twice := sorted({i for i in ids if ids.count(i) > 1}):
            raise ValueError(f"test {twice[0]!r} is listed twice; list each id once, in one group")
        return self


class Criterion(Strict):
    """One line of the rubric. `tests`: groups or test ids whose passed share is the score, when tests decide."""

    id: str
    weight: float = Field(gt=0, le=1)
    description: str
    decided_by: Literal["tests", "judge"]
    tests: list[str] = []


class Rubric(Strict):
    """oneshot/rubric.toml."""

    criterion: list[Criterion] = Field(min_length=1)

    @model_validator(mode="after")
    def _weights(self) -> "Rubric":
        total = sum(criterion.weight for criterion in self.criterion)
        ids = [criterion.id for criterion in self.criterion]
        if twice := sorted({i for i in ids if ids.count(i) > 1}):
            raise ValueError(f"criterion {twice[0]!r} stands twice; give each an id of its own")
        if abs(total - 1) > 1e-6:
            weights = " + ".join(f"{criterion.id} {criterion.weight:g}" for criterion in self.criterion)
            raise ValueError(f"the weights sum to {total:g} ({weights}); change them so that they sum to 1")
        return self


@dataclass(frozen=True)
class Task:
    """A task folder, read and checked whole."""

    path: Path
    config: TaskConfig
    instruction: str
    expected: Expected | None
    rubric: Rubric | None

    @property
    def slug(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def reference_patch(self) -> Path:
        """The reference solution; only the oracle may see it."""
        return self.path / "solution" / "solution.patch"

    def cassette(self, name: str) -> Path:
        """A cassette by name. :raises BadInput: there is none of that name."""
        folder = self.path / "oneshot" / "cassettes"
        known = sorted(file.stem for file in folder.glob("*.jsonl"))
        if name not in known:
            raise BadInput(
                f"task {self.slug!r} has no cassette {name!r}{nearest(name, known)}; it has: {', '.join(known) or 'none'}"
            )
        return folder / f"{name}.jsonl"


def load(path: Path) -> Task:
    """Read a task folder.

    :raises BadInput: with the file, the value, what is allowed and what to do.
    """
    path = path.resolve()
    if not (path / "task.toml").is_file():
        raise BadInput(f"{path} is no task: it has no task.toml; give a folder such as data/tasks/prepared/hello-world")
    if not SLUG.fullmatch(path.name):
        raise BadInput(
            f"the task folder's name {path.name!r} is no slug; use lower-case letters, digits, '.', '_' and '-'"
        )
    for name, why in _FORBIDDEN.items():
        if (path / name).exists():
            raise BadInput(f"{path.name}/{name} must not be there: {why}")
    config = _parse(TaskConfig, path, "task.toml")
    expected = _expected(path)
    for name in ("environment/Dockerfile", "instruction.md"):
        if not (path / name).is_file():
            raise BadInput(f"task {path.name!r} has no {name}; add it")
    return Task(
        path=path,
        config=config,
        instruction=instruction((path / "instruction.md").read_bytes(), f"{path.name}/instruction.md"),
        expected=expected,
        rubric=_rubric(path, expected),
    )


def _expected(path: Path) -> Expected | None:
    if not (path / "tests/expected.json").exists():
        return None
    expected = _parse(Expected, path, "tests/expected.json")
    files = {f"tests/files/{test.split('::')[0]}" for test in expected.fail_to_pass + expected.pass_to_pass}
    for name in ("tests/test.sh", *(f"tests/{each}" for each in RUNNER), "solution/solution.patch", *sorted(files)):
        if not (path / name).is_file():
            raise BadInput(f"task {path.name!r} has tests but no {name}; add it")
    return expected


def _rubric(path: Path, expected: Expected | None) -> Rubric | None:
    if not (path / "oneshot/rubric.toml").exists():
        return None
    rubric = _parse(Rubric, path, "oneshot/rubric.toml")
    known = ["fail_to_pass", "pass_to_pass", *(expected.fail_to_pass + expected.pass_to_pass if expected else [])]
    for criterion in rubric.criterion:
        for name in criterion.tests:
            if name not in known:
                raise BadInput(
                    f"{path.name}/oneshot/rubric.toml: criterion {criterion.id!r} names the test {name!r}, which the task does "
                    f"not have{nearest(name, known)}; use fail_to_pass, pass_to_pass or a test id of tests/expected.json"
                )
    return rubric


def instruction(content: bytes, name: str) -> str:
    """What an agent is told. :raises BadInput: it is empty, too long, or no text."""
    if not content.strip():
        raise BadInput(f"{name} is empty; write what the agent shall do")
    if len(content) > MAX_INSTRUCTION_BYTES:
        raise BadInput(f"{name} has {len(content)} bytes; at most {MAX_INSTRUCTION_BYTES} are allowed: shorten it")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise BadInput(f"{name} is not UTF-8 ({error}); save it as UTF-8") from None
    if "\0" in text:
        raise BadInput(f"{name} holds a NUL byte; remove it")
    return text


def _parse[M: BaseModel](model: type[M], path: Path, name: str) -> M:
    if not (path / name).is_file():
        raise BadInput(f"{path.name}/{name} is no file; put one in its place")
    return parse(model, (path / name).read_bytes(), f"{path.name}/{name}")
