"""The examples in Harbor itself, pinned, in an environment of its own (cached below .cache/): they must score there as they do here."""

import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cli.harness import house
from oneshot.proxy.v1 import proxy_pb2 as pb
from proxy import harness as proxy_harness
from proxy.exports import tasks
from proxy.test_codex_task import recorded

HARBOR = "harbor==0.24.0"
ROOT = Path(__file__).parents[2]
TASK, FEATURE = (ROOT / "data/tasks/prepared" / name for name in ("hello-world", "retry-backoff"))
INIT = "services:\n  main:\n    init: true\n"  # without it Harbor waits 10 s for each container to stop
SEARCH = """
cat >/tmp/lines; look() { grep -rlIF "$@" --exclude-dir=proc --exclude-dir=sys --exclude-dir=dev / 2>/dev/null; }
id -u; look -f /tmp/lines; echo and; look 'A small library that greets people by name.'
"""
CHEAT = """
mkdir -p tests .venv /logs/verifier
echo '{"reward": 1}' >/logs/verifier/reward.json
(while :; do echo '{"reward": 1}' >/logs/verifier/reward.json; sleep 0.1; done) >/dev/null 2>&1 &
printf 'import pytest\\ndef pytest_collection_modifyitems(items):\\n    items.clear()\\n' | tee conftest.py tests/conftest.py >/dev/null
printf 'def test_ends_with_hello_world():\\n    pass\\n' >tests/test_readme.py
printf '[pytest]\\naddopts = --collect-only\\n' >pytest.ini
printf 'import _pytest.python as p\\np.Function.runtest = lambda self: None\\n' >>src/greet/__init__.py
ln -s /etc links; git commit -qam x
"""
HONEST = """
printf '\\nhello world\\n' >>README.md
rm -rf src/greet/__pycache__; python3 -m venv --without-pip .venv; ln -s /etc/hostname absolute; mkdir empty; touch notes.txt
python3 -m pytest -q >/dev/null
git -c user.name=a -c user.email=a@b commit -qam done
"""


@pytest.fixture(scope="session")
def harbor() -> Path:
    """The pinned Harbor."""
    folder = ROOT / ".cache/harbor" / f"{HARBOR}-py{sys.version_info.major}.{sys.version_info.minor}"
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        (folder.parent / ".gitignore").write_text("*\n")
        made = Path(tempfile.mkdtemp(dir=folder.parent))
        subprocess.run([sys.executable, "-m", "venv", made], check=True)
        pip = [made / "bin/python", "-m", "pip", "install", "-q", HARBOR]
        done = subprocess.run(pip, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        made.rename(folder)  # an interrupted installation leaves nothing that looks whole
    return folder


def trial(harbor: Path, folder: Path, task: Path, name: str, script: str = "", stdin: str = "") -> tuple[float, str]:
    """One trial: the reward, and what the stand-in's script printed."""
    folder.mkdir()
    (folder / "init.yaml").write_text(INIT)
    job = folder / "stand-in.json"
    job.write_text(json.dumps({"script": script, "stdin": stdin}))
    agent = "agents:StandIn" if script else name
    command = [harbor / "bin/python", "-m", "harbor.cli.main", "run", "-p", task, "-a", agent, "-q", "-y"]
    command += ["-o", folder / "jobs", "--job-name", "job", "--extra-docker-compose", folder / "init.yaml"]
    env = os.environ | {"HARBOR_TELEMETRY": "off", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    env |= {"PYTHONPATH": str(Path(__file__).parent), "ONESHOT_STAND_IN": str(job)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    [result] = folder.glob("jobs/job/*/result.json")
    document = json.loads(result.read_text())
    assert document["exception_info"] is None, document["exception_info"]
    printed = job.with_suffix(".out")
    return document["verifier_result"]["rewards"]["reward"], printed.read_text() if printed.exists() else ""


def secrets() -> str:
    """Every line of the answer and of the hidden tests that the agent's own tree does not hold."""
    known = "".join(path.read_text() for path in (TASK / "environment").rglob("*") if path.is_file())
    known += (TASK / "instruction.md").read_text()
    hidden = [TASK / "tests/expected.json", TASK / "tests/test.sh", TASK / "tests/files/tests/test_readme.py"]
    answers = [path for folder in ("oneshot", "solution") for path in (TASK / folder).rglob("*") if path.is_file()]
    lines = {line.strip() for path in hidden + answers for line in path.read_text().splitlines()}
    return "".join(f"{line}\n" for line in sorted(lines) if len(line) >= 25 and line.lstrip("+-") not in known)


@pytest.mark.docker
@pytest.mark.timeout(400)  # the first run installs Harbor and builds the image
def test_harbor(harbor: Path, tmp_path: Path) -> None:
    lines = secrets()
    assert "no model was called" in lines
    assert "def test_ends_with_hello_world" in lines
    trials = {
        "oracle": (TASK, "oracle"),
        "nop": (TASK, "nop"),
        "search": (TASK, "", SEARCH, lines),
        "cheat": (TASK, "", CHEAT),
        "honest": (TASK, "", HONEST),
        "feature-oracle": (FEATURE, "oracle"),
        "feature-nop": (FEATURE, "nop"),
    }
    with ThreadPoolExecutor(max_workers=3) as pool:
        started = {name: pool.submit(trial, harbor, tmp_path / name, *wish) for name, wish in trials.items()}
        results = {name: future.result() for name, future in started.items()}
    rewards = {name: reward for name, (reward, _) in results.items()}
    features = {"feature-oracle": 1, "feature-nop": 0}
    assert rewards == {"oracle": 1, "nop": 0, "search": 0, "cheat": 0, "honest": 1} | features
    secret, _, known = results["search"][1].partition("and\n")
    assert secret.split() == ["10001", "/tmp/lines"]
    assert "/app/README.md" in known.split()


def test_its_validator_takes_the_trajectory_of_the_demo(harbor: Path) -> None:
    with house() as box:
        done = box("demo", "--backend", "local")
        assert done.code == 0, done
        [trajectory] = box.data.glob("runs/*/trace/trajectory.json")
        assert_valid(harbor, trajectory)


def assert_valid(harbor: Path, trajectory: Path) -> None:
    command = [harbor / "bin/python", "-m", "harbor.utils.trajectory_validator", trajectory]
    validated = subprocess.run(command, capture_output=True, text=True, check=False)
    assert validated.returncode == 0, validated.stdout + validated.stderr


@pytest.mark.parametrize("surface", tasks.SURFACES)
async def test_its_validator_takes_the_trajectory_of_the_work_on_a_task(
    harbor: Path, tmp_path: Path, surface: str
) -> None:
    async with proxy_harness.proxy(tmp_path / "data") as proxy:
        answers = tasks.work(surface, tmp_path / "mine" / "repository")
        await recorded(proxy, tmp_path, tasks.SURFACES[surface], answers, "Start.")
        document, _ = await tasks.export(proxy, pb.TRACE_FORMAT_ATIF, final_message="Written.")
    (tmp_path / "trajectory.json").write_bytes(document)
    assert_valid(harbor, tmp_path / "trajectory.json")
