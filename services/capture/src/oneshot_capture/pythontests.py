"""The tests of a Python file, found without running it: what pytest would collect by its usual names."""

import ast
import threading
import warnings
from collections.abc import Iterator, Mapping

from oneshot_shared.errors import BadInput

_PARSING = threading.Lock()  # warnings are caught for the whole process
type _Function = ast.FunctionDef | ast.AsyncFunctionDef


def found(source: bytes) -> dict[str, str]:
    """Test ids without their file, as `test_a` or `TestB::test_c`, and for each what it consists of, to compare it by.

    That is the test itself, with its decorators, and whatever of the file's top level it uses, directly or not: a test whose
    cases or fixture changed has changed. A parametrised test is one, without brackets. Not found are tests that a class
    inherits, and those that are made while the file is run.

    :raises BadInput: it is no Python that can be read.
    """
    try:
        with _PARSING, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = ast.parse(source)
        top = {name: statement for statement in module.body for name in _defined(statement)}
        return {name: _text(node, around, top) for name, node, around in _tests(module.body, (), ())}
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BadInput(f"it is no Python that can be read ({type(error).__name__}); correct it") from None


def _tests(
    body: list[ast.stmt], above: tuple[str, ...], around: tuple[ast.stmt, ...]
) -> Iterator[tuple[str, _Function, tuple[ast.stmt, ...]]]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            yield "::".join((*above, node.name)), node, around
        elif isinstance(node, ast.ClassDef) and _is_test_class(node):
            rest = [each for each in node.body if not _is_test(each)]
            shell = ast.ClassDef(node.name, node.bases, node.keywords, rest, node.decorator_list, node.type_params)
            yield from _tests(node.body, (*above, node.name), (*around, shell))


def _is_test(node: ast.stmt) -> bool:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return node.name.startswith("test")
    return isinstance(node, ast.ClassDef) and _is_test_class(node)


def _is_test_class(node: ast.ClassDef) -> bool:
    if any(ast.unparse(base).endswith("TestCase") for base in node.bases):
        return True
    has_init = any(isinstance(each, ast.FunctionDef) and each.name == "__init__" for each in node.body)
    return node.name.startswith("Test") and not has_init


def _defined(node: ast.stmt) -> Iterator[str]:
    """The names that a statement of the top level gives a meaning, those of tests aside."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        if not _is_test(node):
            yield node.name
    else:
        for each in ast.walk(node):
            if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
                yield each.id
            elif isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):  # defined under a condition
                yield each.name


def _text(test: _Function, around: tuple[ast.stmt, ...], top: Mapping[str, ast.stmt]) -> str:
    parts = dict.fromkeys([test, *around])
    waiting: list[ast.stmt] = list(parts)
    while waiting:
        for name in _used(waiting.pop()):
            if name in top and top[name] not in parts:
                parts[top[name]] = None
                waiting.append(top[name])
    return "\n".join([ast.dump(test), *sorted(ast.dump(part) for part in parts if part is not test)])


def _used(node: ast.stmt) -> Iterator[str]:
    """Names, and arguments: a fixture is asked for by its name."""
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            yield each.id
        elif isinstance(each, ast.arg):
            yield each.arg
        elif isinstance(each, ast.Constant) and isinstance(each.value, str) and each.value.isidentifier():
            yield each.value  # pytest.mark.usefixtures("name")
