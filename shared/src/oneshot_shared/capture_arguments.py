"""What the capture tools are called with. Models send strings for lists, JSON in strings, nulls and keys of their own: whatever
can be understood is taken, the rest is refused with the form that is allowed.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from oneshot_shared import capture_rubric
from oneshot_shared.capture_core import GivenTest
from oneshot_shared.errors import BadInput, printable
from oneshot_shared.git import is_git

TITLE_LENGTH = 200
LABELS, LABEL_LENGTH = 32, 100
WORDS_LENGTH = 100_000
_TEST_FORM = (
    'a list of test ids such as "tests/test_calc.py::test_add", of paths of test files, or of {"path": ..., "content": ...} '
    "for a test that is not in the repository"
)
_PATH = re.compile(r"[^\s:]*[^\s:/]\.[A-Za-z0-9]{1,8}|[^\s:]+/")


def unpacked(value: object) -> object:
    """A value out of the JSON in which it came as a string."""
    if isinstance(value, str) and value.strip()[:1] in {"[", "{", '"'}:
        try:
            return unpacked(json.loads(value))
        except (ValueError, RecursionError):
            return value
    return value


def _words(value: object) -> str:
    if isinstance(value, list | tuple) and all(isinstance(each, str) for each in value):
        value = "\n".join(value)
    if value is None:
        return ""
    if isinstance(value, bool | list | tuple | Mapping):
        raise BadInput("give text")
    text = printable(str(value)).replace("\r\n", "\n").strip()
    if len(text) > WORDS_LENGTH:
        raise BadInput(f"it has {len(text)} characters; at most {WORDS_LENGTH} are allowed: shorten it")
    return text


def _line(value: object) -> str:
    text = " ".join("".join(c if c.isprintable() else " " for c in _words(value)).split())
    return text if len(text) <= TITLE_LENGTH else f"{text[: TITLE_LENGTH - 1].rstrip()}…"


def _title(value: object) -> str:
    if not (title := _line(value)):
        raise BadInput('give one line that names the task, such as "Add a --json option"')
    return title


def _labels(value: object) -> tuple[str, ...]:
    value = unpacked(value)
    if isinstance(value, str):
        value = re.split(r"[,\n]", value)
    if isinstance(value, Mapping) or not isinstance(value, list | tuple | None):
        raise BadInput('give a list of words, such as ["parser", "bug"]')
    found = tuple(dict.fromkeys(filter(None, (_line(each) for each in value or []))))
    if len(found) > LABELS or any(len(each) > LABEL_LENGTH for each in found):
        raise BadInput(f"give at most {LABELS} labels of at most {LABEL_LENGTH} characters")
    return found


def _rubric(value: object) -> tuple[dict[str, Any], ...]:
    value = unpacked(value)
    if isinstance(value, str) and "[[" in value:
        try:
            value = tomllib.loads(value)
        except ValueError as error:
            raise BadInput(f"{error}; {capture_rubric.FORM}") from None
    return capture_rubric.read(value)


def _tests(value: object) -> tuple[GivenTest, ...]:
    found: list[GivenTest] = []
    for each in _each_test(unpacked(value)):
        if each not in found:
            found.append(each)
    return tuple(found)


def _each_test(value: object) -> Iterator[GivenTest]:
    """Whatever names tests: an id as it is, a path and a test given by value as mappings."""
    if value is None:
        return
    if isinstance(value, str):
        for line in filter(None, map(str.strip, value.splitlines())):
            line = line.removeprefix("- ").removeprefix("* ").strip("` ")
            yield {"path": _path(line)} if _PATH.fullmatch(line) else line
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _each_test(each)
    elif isinstance(value, Mapping) and isinstance(content := value.get("content"), str):
        yield {"path": _path(_named(value)), "content": content}
    elif isinstance(value, Mapping):
        yield from _of_mapping(value)
    else:
        raise BadInput(f"it is {value!r}; give {_TEST_FORM}")


def _of_mapping(value: Mapping[str, Any]) -> Iterator[GivenTest]:
    groups = [key for key in ("fail_to_pass", "tests", "names", "ids", "paths", "files") if value.get(key)]
    if groups:
        for key in groups:
            yield from _each_test(unpacked(value[key]))
    elif isinstance(name := value.get("id") or value.get("name") or value.get("test"), str):
        path = value.get("path") or value.get("file")
        yield (f"{path}::{name}" if isinstance(path, str) and path not in name else name).strip()
    elif isinstance(path := value.get("path") or value.get("file"), str):
        yield {"path": _path(path)}
    elif value and all(isinstance(text, str) and _PATH.fullmatch(str(path)) for path, text in value.items()):
        yield from ({"path": _path(str(path)), "content": text} for path, text in value.items())
    elif value.keys() - {"pass_to_pass"}:
        raise BadInput(f"it has {', '.join(map(repr, list(value)[:5]))}; give {_TEST_FORM}")


def _named(value: Mapping[str, Any]) -> str:
    for key in ("path", "file", "filename", "name", "id"):
        if isinstance(path := value.get(key), str) and path.strip():
            return path
    raise BadInput(f"a test's content has no path; give {_TEST_FORM}")


def _path(text: str) -> str:
    path = PurePosixPath(text.strip())
    if not path.parts or ".." in path.parts or is_git(path) or "\0" in text or text.strip() == "/":
        raise BadInput(f"the path {text!r} is not allowed; give a file's path in the repository")
    return str(path)


def _array(items: dict[str, Any]) -> WithJsonSchema:
    return WithJsonSchema({"type": "array", "items": items})


_TEXT = WithJsonSchema({"type": "string"})
Words = Annotated[str, BeforeValidator(_words), _TEXT]
Title = Annotated[str, BeforeValidator(_title), _TEXT]
Labels = Annotated[tuple[str, ...], BeforeValidator(_labels), _array({"type": "string"})]
Rubric = Annotated[tuple[dict[str, Any], ...], BeforeValidator(_rubric), _array(capture_rubric.SCHEMA)]
Tests = Annotated[
    tuple[GivenTest, ...],
    BeforeValidator(_tests),
    _array(
        {
            "anyOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "properties": {"path": {"type": "string"}, "content": {"type": "string"}},
                    "required": ["path", "content"],
                },
            ]
        }
    ),
]


class Arguments(BaseModel):
    """Of every tool. Keys that are not ours are left out; :raises ValidationError: see `capture_tools`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    def given(self) -> dict[str, Any]:
        """The keyword arguments of the tool's method."""
        return {name: getattr(self, name) for name in type(self).model_fields}


class StartTask(Arguments):
    """Of repo.start_task.v1."""

    title: Title = Field(description="One line that names the task, such as: Add a --json option to `list`.")
    instructions: Words = Field(
        "",
        description="What another agent will be told, alone and in one message, to do the same work. Say what is wanted and how it can be "
        "seen from outside, with every name, path and format that a test relies on; do not say how it is done, nor give the answer away. "
        "May be left for repo.end_task.v1.",
    )
    notes: Words = Field("", description="For people only; no agent sees them.")
    labels: Labels = Field((), description='Words to find the task by, such as ["python", "cli"].')


class EndTask(Arguments):
    """Of repo.end_task.v1."""

    summary: Words = Field(
        description="What was done and how it was verified, for people; no agent that tries the task sees it."
    )
    instructions: Words = Field(
        "",
        description="As in repo.start_task.v1, whose text it replaces: write it now that it is known what was wanted. Do not give the "
        "answer away.",
    )
    rubric: Rubric = Field(
        (),
        description="3 to 6 weighted criteria by which another agent's work will be scored, each with how it is judged. Left out: a default "
        "rubric.",
    )
    tests: Tests = Field(
        (),
        description="The fail->pass tests: those that fail without the work and pass with it. Name the ones that you wrote, as the test "
        'runner does ("tests/test_cli.py::test_json"); or give {path, content} of a test that is to stay out of the repository.',
    )
    labels: Labels = Field((), description="Added to those of repo.start_task.v1.")
    task_id: Words = Field("", description="Left out: the open task of this repository.")


class CheckReadiness(Arguments):
    """Of repo.check_readiness.v1."""


class AutofixReadiness(Arguments):
    """Of repo.autofix_readiness.v1."""


class TaskStatus(Arguments):
    """Of repo.task_status.v1."""

    task_id: Words = Field("", description="Left out: the open task of this repository, else its last one.")


class AbortTask(Arguments):
    """Of repo.abort_task.v1."""

    task_id: Words = Field("", description="Left out: the open task of this repository.")
