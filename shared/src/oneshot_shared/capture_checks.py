"""Checks a request whole, before anything is written."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from oneshot.capture.v1 import capture_pb2 as pb
from oneshot_shared import strict, task
from oneshot_shared.errors import BadInput
from oneshot_shared.task import Rubric

_TASK_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_SESSION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_TREE = re.compile(r"[0-9a-f]{40}")
_TITLE_LENGTH = 200
_LABELS, _LABEL_LENGTH = 32, 100
_WORDS_LENGTH = 100_000
_RUBRIC_BYTES = 256 * 1024
_TEST_PATHS = 1000
_TESTS, _TEST_LENGTH = 10_000, 1000
_CALL_LENGTH = 200
_PATH_LENGTH = 4096


def check_start(request: pb.StartTaskRequest) -> None:
    """:raises BadInput: with the value and what is allowed."""
    if not _TASK_ID.fullmatch(request.task_id):
        raise BadInput(
            f"the task id {request.task_id[:100]!r} is not allowed; use at most 80 letters, digits, '.', '_' and '-'"
        )
    _check_session(request.session_id)
    _check_line("title", request.title, _TITLE_LENGTH)
    _check_labels(request.labels)
    _check_words("notes' text", request.notes)
    _check_instructions(request.instructions)
    _check_tree("base tree", request.base_tree)


def check_ending(ending: pb.Ending) -> Rubric | None:
    """The rubric, where one is given. :raises BadInput: with the value and what is allowed."""
    _check_words("summary", ending.summary)
    _check_instructions(ending.instructions)
    _check_labels(ending.labels)
    _check_origin(ending)
    _check_tree("base tree", ending.base_tree)
    _check_tree("end tree", ending.end_tree)
    if ending.base_tree == ending.end_tree:
        raise BadInput(
            "the end is the same tree as the base, so nothing was done that a task could ask for; change something"
        )
    if len(ending.test_paths) > _TEST_PATHS:
        raise BadInput(
            f"{len(ending.test_paths)} test paths are given; name at most {_TEST_PATHS}, for example folders"
        )
    for path in ending.test_paths:
        parts = PurePosixPath(path).parts
        if not parts or path.startswith("/") or ".." in parts:
            raise BadInput(f"the test path {path!r} is not allowed; give a file or folder relative to the tree")
    if len(ending.fail_to_pass) > _TESTS:
        raise BadInput(f"{len(ending.fail_to_pass)} fail-to-pass tests are named; name at most {_TESTS}")
    for test in ending.fail_to_pass:
        _check_line("test id", test, _TEST_LENGTH)
    return _rubric(ending.rubric_toml)


def check_same_task(start: pb.StartTaskRequest, ending: pb.Ending) -> None:
    """:raises BadInput: the work does not begin where the task does, or both together have too many labels."""
    _check_labels(labels(start, ending))
    if ending.base_tree != start.base_tree:
        raise BadInput(
            f"the base tree {ending.base_tree} is not the one that task {start.task_id!r} was started with; "
            f"send {start.base_tree}"
        )


def labels(start: pb.StartTaskRequest, ending: pb.Ending) -> list[str]:
    """Those of both, each once."""
    return list(dict.fromkeys([*start.labels, *ending.labels]))


def instruction(text: str) -> bytes:
    """The content of instruction.md: the text with one line's end."""
    return f"{text.rstrip('\n')}\n".encode()


def _rubric(content: bytes) -> Rubric | None:
    if len(content) > _RUBRIC_BYTES:
        raise BadInput(f"the rubric has {len(content)} bytes; at most {_RUBRIC_BYTES} are allowed: shorten it")
    return strict.parse(Rubric, content, "rubric.toml") if content else None


def _check_line(what: str, text: str, most: int) -> None:
    if not text.strip() or len(text) > most or not text.isprintable():
        raise BadInput(f"the {what} {text[:most]!r} is not allowed; give one line of 1 to {most} printable characters")


def _check_session(session_id: str) -> None:
    if session_id and not _SESSION_ID.fullmatch(session_id):
        raise BadInput(f"the session id {session_id[:200]!r} is none of the proxy's; give one of its own or none")


def _check_origin(ending: pb.Ending) -> None:
    _check_session(ending.session_id)
    for what, given, most in (
        ("thread id", ending.thread_id, _CALL_LENGTH),
        ("begin call's id", ending.begin_call_id, _CALL_LENGTH),
        ("end call's id", ending.end_call_id, _CALL_LENGTH),
    ):
        if given:
            _check_line(what, given, most)
    path = ending.repository
    if path and (not path.startswith("/") or len(path) > _PATH_LENGTH or "\0" in path):
        raise BadInput(f"the repository's path {path[:200]!r} is not allowed; give an absolute path or none")


def _check_labels(labels: Sequence[str]) -> None:
    if len(labels) > _LABELS:
        raise BadInput(f"{len(labels)} labels are given; give at most {_LABELS}")
    for label in labels:
        _check_line("label", label, _LABEL_LENGTH)


def _check_words(what: str, text: str) -> None:
    if len(text) > _WORDS_LENGTH:
        raise BadInput(f"the {what} has {len(text)} characters; at most {_WORDS_LENGTH} are allowed: shorten it")


def _check_instructions(text: str) -> None:
    if text:
        task.instruction(instruction(text), "the instructions' text")


def _check_tree(what: str, given: str) -> None:
    if not _TREE.fullmatch(given):
        raise BadInput(
            f"the {what} {given[:80]!r} is no object id; give the 40 hexadecimal digits of a git tree (SHA-1)"
        )
