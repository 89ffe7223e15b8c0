"""The real Codex CLI through the forward door, as a person or a run would have it: every login, and nothing of it kept."""

import asyncio
import base64
import json
import os
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fakes import tls
from fakes.codex import CODEX, PROVIDER, QUIET
from fakes.model_server import Answer, ModelServer, Seen, body, call, error, say
from oneshot.proxy.v1 import proxy_pb2 as pb
from proxy import harness
from proxy.harness import CANARY, Proxy

MINE = "sk-mine-0123456789abcdefghij"
ACCOUNT = {
    "id": "account-1",
    "name": "mine",
    "plan_type": "plus",
    "workspace_backend_origin": "https://chatgpt.com",
    "account_routing_override": "NO_CONSTRAINT",
    "profile_picture_url": None,
    "structure": "personal",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tls.Tls:
    return tls.made(tmp_path_factory.mktemp("tls"), "api.openai.com", "chatgpt.com")


@pytest.fixture
async def proxy(tmp_path: Path, made: tls.Tls) -> AsyncIterator[Proxy]:
    async with harness.proxy(tmp_path / "data", upstream_ca=str(made.authority)) as running:
        yield running


class Script:
    """Two turns: a command, and the end. Of what else Codex asks, only a login's workspace matters."""

    def __init__(self) -> None:
        self.turns = [call("exec_command", {"cmd": "printf hello > out.txt"}), say("Written.")]

    def __call__(self, seen: Seen) -> Answer:
        if seen.method == "POST" and seen.path.split("?")[0].endswith("/responses"):
            return self.turns.pop(0) if self.turns else error(500, "the script has no more answers")
        if seen.path.endswith("/wham/accounts/check"):
            return body({"accounts": [ACCOUNT], "account_ordering": [ACCOUNT["id"]]})
        return body({"models": []}) if seen.path.split("?")[0].endswith("/models") else error(404, "not here")


def posted(server: ModelServer) -> list[Seen]:
    return [seen for seen in server.requests if seen.method == "POST" and "/responses" in seen.path]


async def codex(proxy: Proxy, who: str, place: Path, config: str, auth: object = None, **env: str) -> str:
    """Let Codex work through the forward door; what it said."""
    home, work = place / "home", place / "work"
    home.mkdir()
    work.mkdir()
    (home / "config.toml").write_text(QUIET.format(more=config))
    if auth:
        (home / "auth.json").write_text(json.dumps(auth))
    fixed = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "CODEX_HOME": str(home),
        "HTTPS_PROXY": f"http://{who}@127.0.0.1:{proxy.forward_port}",
        "CODEX_CA_CERTIFICATE": str(proxy.ca),
    }
    command = (CODEX, "exec", "--json", "--skip-git-repo-check", "-s", "workspace-write", "-C", work, "Write out.txt.")
    pipe, devnull = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        *command, env=fixed | env, stdin=devnull, stdout=pipe, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, said.decode()
    assert (work / "out.txt").read_text() == "hello"
    return said.decode()


async def check(proxy: Proxy, session_id: str, upgrades: int = 0) -> pb.Session:
    """All calls are recorded, with the right usage."""
    calls = await proxy.recorded(2 + upgrades, session_id)
    session = await proxy.close(session_id)
    assert [call.status for call in calls] == [426] * upgrades + [200, 200]
    assert all(json.loads(call.request)["model"] == "gpt-5.5" for call in calls[upgrades:])
    assert (session.calls, session.calls_succeeded) == (2 + upgrades, 2)
    assert (session.usage.input_tokens, session.usage.cached_tokens) == (2000, 800)
    assert (session.usage.output_tokens, session.usage.reasoning_tokens) == (100, 40)
    assert (session.upstream_failure, list(session.alarms)) == ("", [])
    return session


async def test_a_persons_key_for_a_provider_of_her_own(proxy: Proxy, made: tls.Tls, tmp_path: Path) -> None:
    async with ModelServer(Script(), tls=made.server) as server:
        await proxy.keys(server.base_url)
        token = await proxy.open_live()
        await codex(
            proxy, f"live-1:{token}", tmp_path, PROVIDER.format(base_url=server.base_url, env_key="MY_KEY"), MY_KEY=MINE
        )
    assert {seen.headers["authorization"] for seen in posted(server)} == {f"Bearer {MINE}"}
    await check(proxy, "live-1")
    await harness.assert_nowhere(proxy, MINE, token, CANARY)


async def test_a_persons_key_for_the_built_in_provider(proxy: Proxy, made: tls.Tls, tmp_path: Path) -> None:
    """It tries a WebSocket first, once, and falls back without a word."""
    async with ModelServer(Script(), tls=made.server) as server:
        port = int(server.base_url.split(":")[2].split("/")[0])
        proxy.names.ports |= {"api.openai.com": port, "chatgpt.com": port}
        token = await proxy.open_live()
        said = await codex(proxy, f"live-1:{token}", tmp_path, "", CODEX_API_KEY=MINE)
    assert "econnect" not in said
    assert {seen.headers["authorization"] for seen in posted(server)} == {f"Bearer {MINE}"}
    session = await check(proxy, "live-1", upgrades=1)
    assert session.usage.cost_usd > 0
    await harness.assert_nowhere(proxy, MINE, token)


def jwt(**claims: object) -> str:
    """A login's token, as far as a client looks into it."""
    parts = ({"alg": "none"}, claims | {"exp": int(time.time()) + 86400})
    return ".".join([*(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts), "c2lnbg"])


async def test_a_chatgpt_login(proxy: Proxy, made: tls.Tls, tmp_path: Path) -> None:
    """Its bodies come compressed."""
    account = {"chatgpt_plan_type": "plus", "chatgpt_account_id": "account-1"}
    identity = jwt(email="a@example.com", **{"https://api.openai.com/auth": account})
    access, refresh = jwt(sub="me", scope="secret"), "rt-0123456789abcdefghij"
    tokens = {"id_token": identity, "access_token": access, "refresh_token": refresh, "account_id": "account-1"}
    auth = {"auth_mode": "chatgpt", "OPENAI_API_KEY": None, "tokens": tokens}
    async with ModelServer(Script(), tls=made.server) as server:
        proxy.names.ports["chatgpt.com"] = int(server.base_url.split(":")[2].split("/")[0])
        token = await proxy.open_live()
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        await codex(proxy, f"live-1:{token}", tmp_path, "", auth | {"last_refresh": now})
    sent = posted(server)
    assert {seen.path for seen in sent} == {"/backend-api/codex/responses"}
    assert {seen.headers["authorization"] for seen in sent} == {f"Bearer {access}"}
    assert {seen.headers["content-encoding"] for seen in sent} == {"zstd"}
    session = await check(proxy, "live-1", upgrades=1)
    assert not session.usage.HasField("cost_usd")
    await harness.assert_nowhere(proxy, access, refresh, token)


@pytest.mark.parametrize("builtin", [False, True], ids=["custom", "built-in"])
async def test_a_run_gets_the_proxys_key_and_only_upstream(
    proxy: Proxy, made: tls.Tls, tmp_path: Path, builtin: bool
) -> None:
    async with ModelServer(Script(), tls=made.server) as server:
        await proxy.keys(server.base_url)
        token = await proxy.open(model="gpt-5.5")
        config = (
            f'openai_base_url = "{server.base_url}"'
            if builtin
            else PROVIDER.format(base_url=server.base_url, env_key="MY_KEY")
        )
        keys = {"CODEX_API_KEY" if builtin else "MY_KEY": token}
        await codex(proxy, f"run-1:{token}", tmp_path, config, **keys)
    assert {seen.headers["authorization"] for seen in posted(server)} == {f"Bearer {CANARY}"}
    assert token not in str(server.requests)
    assert not [seen for seen in server.requests if "upgrade" in seen.headers]
    calls = await proxy.calls()
    assert [call.request_line for call in calls if call.status == 200] == ["POST /v1/responses"] * 2
    session = await proxy.close()
    assert (session.calls_succeeded, session.usage.input_tokens) == (2, 2000)
    await harness.assert_nowhere(proxy, CANARY, token)


async def test_git_works_through_the_door_and_is_not_looked_at(proxy: Proxy, made: tls.Tls, tmp_path: Path) -> None:
    """Its first request comes without credentials. It trusts the test's authority only: interception would fail."""
    advert = Answer([b"0" * 40 + b"\trefs/heads/main\n"], 200, "text/plain")
    async with ModelServer(lambda _: advert, tls=made.server) as server:
        who = f"live-1:{await proxy.open_live()}"
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "HTTPS_PROXY": f"http://{who}@127.0.0.1:{proxy.forward_port}",
            "GIT_SSL_CAINFO": str(made.authority),
        }
        pipe = asyncio.subprocess.PIPE
        url = server.base_url.removesuffix("/v1") + "/repo.git"
        process = await asyncio.create_subprocess_exec("git", "ls-remote", url, env=env, stdout=pipe, stderr=pipe)
        out, err = await asyncio.wait_for(process.communicate(), 30)
    assert b"refs/heads/main" in out, err
    assert server.requests
    assert (await proxy.session("live-1")).calls == 0
