"""codex-synth with the real Codex, a person's repository and a scripted model behind the forward proxy."""

import contextlib
import json
import subprocess
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cli import harness
from cli.harness import House
from fakes import tls
from fakes.codex import CODEX, QUIET
from fakes.model_server import Answer, ModelServer, Seen, body, call, error, items, serving

SYNTH = str(Path(harness.ONESHOT).with_name("codex-synth"))
KEY = "sk-mine-0123456789abcdefghij"
_ACCOUNT = {
    "id": "account-1",
    "name": "mine",
    "plan_type": "plus",
    "account_routing_override": "NO_CONSTRAINT",
    "profile_picture_url": None,
    "structure": "personal",
}
FIXED = "def add(a, b):\n    return a + b\n"
TEST = "from calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n"


def tool(name: str, call_id: str = "", **arguments: object) -> Answer:
    """A call of one of our tools, as a model sees them: repo.start_task.v1 is `start_task`."""
    fixed = {"type": "function_call", "name": f"repo_{name}_v1", "namespace": "mcp__oneshot", "status": "completed"}
    call_id = call_id or f"call_{uuid.uuid4().hex[:12]}"
    return items(fixed | {"id": f"fc_{call_id}", "call_id": call_id, "arguments": json.dumps(arguments)})


def shell(command: str) -> Answer:
    """A command of the model's."""
    return call("exec_command", {"cmd": command}, f"call_{uuid.uuid4().hex[:12]}")


START = tool("start_task", title="Mend add")
EDIT = shell(f"printf '%s' '{FIXED}' > calc.py; printf '%s' '{TEST}' > test_calc.py")
END = tool(
    "end_task",
    summary="add adds.",
    instructions="`add` in calc.py subtracts; make it add, with a test.",
    rubric=[{"description": "add adds", "weight": 1.0}],
    tests=["test_calc.py::test_add"],
)


class Model:
    """Answers Codex's turns in their order, and the little that a login asks beside."""

    def __init__(self, turns: Sequence[Answer]) -> None:
        self.turns = list(turns)

    def __call__(self, seen: Seen) -> Answer:
        path = seen.path.partition("?")[0]
        if seen.method == "POST" and path.endswith("/responses"):
            return self.turns.pop(0) if self.turns else error(500, "the script has no more answers")
        if path.endswith("/wham/accounts/check"):
            origin = {"workspace_backend_origin": f"https://{seen.headers['host']}"}
            return body({"accounts": [_ACCOUNT | origin], "account_ordering": [_ACCOUNT["id"]]})
        return body({"models": []}) if path.endswith("/models") else error(404, "not here")


@dataclass
class Pairing:
    """A person at a repository, with Codex's home, a house of ours, and the model's server."""

    house: House
    server: ModelServer
    model: Model

    @property
    def repository(self) -> Path:
        return self.house.root / "repository"

    @property
    def home(self) -> Path:
        """CODEX_HOME."""
        return self.house.root / "home" / ".codex"

    @property
    def created(self) -> list[Path]:
        """The created tasks."""
        return sorted((self.house.data / "tasks" / "created").glob("[!.]*"))

    def start(self, *arguments: str, cwd: Path | None = None, **env: str) -> subprocess.Popen[str]:
        """Start codex-synth."""
        synth = House(self.house.root, self.house.env, (SYNTH,), self.house.started)
        return synth.start(*arguments, cwd=cwd or self.repository, **env)

    def __call__(self, *arguments: str, cwd: Path | None = None, **env: str) -> harness.Ended:
        """Run codex-synth to its end."""
        return harness.end(self.start(*arguments, cwd=cwd, **env))

    def exec(self, words: str, *turns: Answer, **env: str) -> harness.Ended:
        """codex-synth exec, with the model's answers to it."""
        self.model.turns[:] = turns
        return self("exec", "--json", "-s", "workspace-write", words, **env)

    def git(self, *arguments: str) -> str:
        """The person's git."""
        return subprocess.run(
            ["git", *arguments], cwd=self.repository, env=self.house.env, check=True, capture_output=True, text=True
        ).stdout


@contextlib.contextmanager
def pairing(folder: Path, login: str = "apikey", *, trusted: bool = True) -> Iterator[Pairing]:
    """Everything that pairing needs. `login`: apikey or chatgpt, both dummies. `trusted`: whether Codex remembers the repository so."""
    made = tls.made(folder / "tls")
    model = Model([])
    with serving(model, made.server) as server:
        settings = {
            "ONESHOT_PROXY_UPSTREAM_CA": str(made.authority),
            "ONESHOT_PROXY_MODEL_HOSTS": server.base_url.split("/")[2],
            "CODEX_BIN": str(CODEX),
        }
        with harness.house(**settings) as house:
            house.env |= {"CODEX_HOME": str(house.root / "home" / ".codex"), "ONESHOT_STATE": str(house.root / "s")}
            found = Pairing(house, server, model)
            _lay_repository(found)
            _lay_home(found, login, trusted)
            yield found


def _lay_repository(pairing: Pairing) -> None:
    pairing.repository.mkdir()
    (pairing.repository / "calc.py").write_text("def add(a, b):\n    return a - b\n")
    pairing.git("init", "-q", "-b", "main")
    pairing.git("config", "user.name", "A Person")
    pairing.git("config", "user.email", "person@example.com")
    pairing.git("add", "-A")
    pairing.git("commit", "-q", "-m", "calc")


def _lay_home(pairing: Pairing, login: str, trusted: bool) -> None:
    base = pairing.server.base_url
    if login == "chatgpt":
        base = base.removesuffix("/v1") + "/backend-api/codex"
    more = f'openai_base_url = "{base}"\nchatgpt_base_url = "{base.removesuffix("/codex")}"'
    pairing.home.mkdir()
    trust = f'[projects."{pairing.repository}"]\ntrust_level = "trusted"\n' if trusted else ""
    (pairing.home / "config.toml").write_text(QUIET.format(more=more) + trust)
    (pairing.home / "auth.json").write_text(json.dumps(_auth(login)))
    (pairing.home / "auth.json").chmod(0o600)


def _auth(login: str) -> dict[str, object]:
    if login == "apikey":
        return {"auth_mode": "apikey", "OPENAI_API_KEY": KEY}
    account = {"chatgpt_plan_type": "plus", "chatgpt_account_id": "account-1"}
    tokens = {
        "id_token": _jwt(email="a@example.com", **{"https://api.openai.com/auth": account}),
        "access_token": _jwt(sub="me", scope="secret"),
        "refresh_token": "rt-0123456789abcdefghij",
        "account_id": "account-1",
    }
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    return {"auth_mode": "chatgpt", "OPENAI_API_KEY": None, "tokens": tokens, "last_refresh": now}


def _jwt(**claims: object) -> str:
    parts = ({"alg": "none"}, claims | {"exp": int(time.time()) + 86400})
    return ".".join([*(urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts), "c2lnbg"])
