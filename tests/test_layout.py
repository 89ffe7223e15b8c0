"""The house's order: every module has its test file in the mirrored place, and no module or function outgrows its room."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted(
    file
    for pattern in ("shared/src/oneshot_shared", "services/*/src/oneshot_*", "cli/src/oneshot_cli", "benchmarks")
    for package in ROOT.glob(pattern)
    for file in package.rglob("*.py")
    if file.name != "__init__.py"
)
MAX_MODULE_LINES = 300
MAX_FUNCTION_LINES = 40
NO_TEST_OF_ITS_OWN = {
    "oneshot_shared/capture_core.py": "types only; the tests of the tools, and of what serves them, are its tests",
    "oneshot_orchestrator/contract.py": "types only; every backend's and agent's test is its test",
}


def _package_path(module: Path) -> Path:
    """`oneshot_proxy/addons/gate.py` or `benchmarks/startup.py` for a module."""
    parts = module.relative_to(ROOT).parts
    return Path(*parts[parts.index("src") + 1 if "src" in parts else 0 :])


@pytest.mark.parametrize("module", MODULES, ids=lambda m: str(_package_path(m)))
def test_has_a_test_file_in_the_mirrored_place(module: Path) -> None:
    path = _package_path(module)
    if str(path) in NO_TEST_OF_ITS_OWN:
        return
    folder = path.parts[0].removeprefix("oneshot_")
    wanted = ROOT / "tests" / folder / Path(*path.parts[1:-1]) / f"test_{path.name}"
    assert wanted.is_file(), f"{path} has no test at {wanted.relative_to(ROOT)}"


@pytest.mark.parametrize("module", MODULES, ids=lambda m: str(_package_path(m)))
def test_fits_its_room(module: Path) -> None:
    source = module.read_text()
    assert source.count("\n") <= MAX_MODULE_LINES
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            doc = ast.get_docstring(node, clean=False)
            length -= doc.count("\n") + 1 if doc else 0
            assert length <= MAX_FUNCTION_LINES, f"{node.name} has {length} lines"
