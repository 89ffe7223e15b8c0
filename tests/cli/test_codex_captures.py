"""A person's Codex makes a task: real Codex with our overrides, a scripted model, a scratch repository, the whole stack."""

import json
from pathlib import Path
from typing import Any

import pytest

from cli.harness import House, until
from cli.test_codex_tools import BOTH, END, START, work
from fakes.codex_surfaces import SURFACES, run, shell, tool
from fakes.model_server import ModelServer, say
from oneshot_cli import codex_config

EDIT = "mkdir -p tests && echo 'def add(a, b): return a + b' > calc.py && cat > tests/test_calc.py <<'X'\nfrom calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\nX"
RUBRIC = [
    {"id": "adds", "weight": 0.7, "description": "add() adds.", "decided_by": "tests", "tests": ["fail_to_pass"]},
    {"id": "small", "weight": 0.3, "description": "Nothing else changed.", "decided_by": "judge"},
]


@pytest.mark.parametrize("model", SURFACES)
async def test_every_call_succeeds_and_the_task_is_there(house: House, tmp_path: Path, model: str) -> None:
    folder = work(tmp_path)
    ending: dict[str, Any] = {
        "summary": "Added add().",
        "instructions": "Add a module calc with a function add(a, b) that returns the sum.",
        "rubric": RUBRIC,
        "tests": ["tests/test_calc.py::test_add"],
        "labels": ["python"],
    }
    answers = [
        *tool(model, START, title=f"Add numbers {model}", labels=["calc"]),
        *shell(model, EDIT),
        *tool(model, END, **ending),
        *tool(model, "repo.task_status.v1"),
        say("Done."),
    ]
    environment = {key: value for key, value in house.env.items() if key.startswith("ONESHOT_")}
    environment |= {"ONESHOT_STATE": str(house.root / "state")}
    async with ModelServer(answers) as server:
        ran = await run(
            tmp_path, server.base_url, "-m", model, *codex_config.overrides(environment), environment=environment
        )
    assert ran.code == 0, ran
    assert ran.statuses == [*BOTH, ("repo.task_status.v1", "completed")], ran.texts
    created = house.data / "tasks" / "created"
    until(lambda: list(created.glob(f"add-numbers-{model.replace('.', '-')}*/instruction.md")), 60, lambda: ran.texts)
    (task,) = created.glob(f"add-numbers-{model.replace('.', '-')}*")
    assert (task / "instruction.md").read_text() == ending["instructions"] + "\n"
    assert (task / "environment" / "repo" / "README").read_text() == "x\n"
    assert not (task / "environment" / "repo" / "calc.py").exists()
    assert "calc.py" in (task / "solution" / "solution.patch").read_text()
    assert (task / "tests" / "files" / "tests" / "test_calc.py").is_file()
    assert "adds" in (task / "oneshot" / "rubric.toml").read_text()
    found = json.loads((task / "oneshot" / "candidates.json").read_text())
    assert found["fail_to_pass"] == ["tests/test_calc.py::test_add"]
    trajectory = (task / "oneshot" / "trajectory.json").read_text()
    assert "repo_start_task" not in trajectory
    assert str(folder) not in trajectory
    assert {"calc.py", "README", "tests"} <= {each.name for each in folder.iterdir()}
