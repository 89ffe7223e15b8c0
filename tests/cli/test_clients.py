"""Reaching services: another stack's endpoint, and the keys that are handed over."""

import asyncio
from pathlib import Path

import pytest

from cli import harness
from cli.harness import House
from oneshot_cli import clients


@pytest.mark.parametrize(
    "endpoint", ["http://127.0.0.1", "127.0.0.1:port", ":50053", "127.0.0.1:0", "127.0.0.1:99999", "::1"]
)
def test_nonsense_for_an_endpoint(house: House, endpoint: str) -> None:
    ended = house("runs", "list", "--endpoint", endpoint)
    assert (ended.code, ended.out) == (2, "")
    assert ended.sentence == f"the endpoint {endpoint!r} is no host or host:port; give for example 127.0.0.1:50053"


def test_an_endpoint_without_its_token(house: House, tmp_path: Path) -> None:
    ended = house("run", "hello-world", "--agent", "nop", "--endpoint", "127.0.0.1:1")
    assert ended.code == 2
    assert ended.sentence == (
        "no token for the stack at 127.0.0.1:1: start it with `docker compose up -d --wait`, or set ONESHOT_TOKEN_FILE to "
        "the file that holds its token"
    )
    missing = house("runs", "list", "--endpoint", "127.0.0.1:1", ONESHOT_TOKEN_FILE=str(tmp_path / "gone"))
    assert (missing.code, missing.out) == (2, "")
    assert missing.sentence == (
        f"ONESHOT_TOKEN_FILE cannot be read (No such file or directory: {tmp_path / 'gone'}); set it to the stack's token file"
    )
    (tmp_path / "token").write_bytes(b"\xff")
    binary = house("runs", "list", "--endpoint", "127.0.0.1:1", ONESHOT_TOKEN_FILE=str(tmp_path / "token"))
    assert (binary.code, binary.out) == (2, "")
    assert binary.sentence.startswith("ONESHOT_TOKEN_FILE cannot be read ('ascii' codec can't decode")
    (tmp_path / "token").write_text("wrong")
    variables = {"ONESHOT_TOKEN_FILE": str(tmp_path / "token")}
    nobody = house("run", "hello-world", "--agent", "nop", "--endpoint", "127.0.0.1:1", **variables)
    assert (nobody.code, nobody.out) == (2, "")
    assert nobody.sentence == "no stack answers at 127.0.0.1:1; start one there, or name another"
    traces = house("trace", "list", "--endpoint", "127.0.0.1:1", ONESHOT_PORT_PROXY="2", **variables)
    assert (traces.code, traces.out) == (2, "")
    assert traces.sentence == (
        "no stack answers at 127.0.0.1:2, where the proxy of 127.0.0.1:1 would be (ONESHOT_PORT_PROXY sets its port); start "
        "one there, or name another"
    )
    assert house("up").code == 0
    with harness.forwarded(house.runtime / "orchestrator.sock") as port:
        wrong = house("runs", "list", ONESHOT_ENDPOINT=f"127.0.0.1:{port}", **variables)
    assert (wrong.code, wrong.out) == (2, "")
    assert wrong.sentence == "the call's token is missing or wrong; use the token file of this stack"


def test_a_providers_key_and_address_are_kept_and_replaced_together(own_house: House) -> None:
    live = ("run", "hello-world", "--agent", "command", "--command", "true", "--model", "m", "--backend", "local")
    compatible = (*live, "--provider", "compatible", "--json")
    assert own_house(*compatible).code == 2
    given = own_house(*compatible, COMPATIBLE_BASE_URL="http://127.0.0.1:9/v1")
    assert given.code == 1, given
    assert own_house(*compatible).code == 1, "kept from the command before"
    mixed = own_house(*compatible, COMPATIBLE_API_KEY="sk-of-another-shell")
    assert mixed.code == 2, "a key must not go to an address from another shell"
    bad = own_house(*live, OPENAI_API_KEY="sk-one\nsk-two")
    assert bad.code == 2
    assert "OPENAI_API_KEY holds a space, line break" in bad.sentence
    assert "sk-one" not in bad.err


def test_what_the_stack_says_about_itself(house: House) -> None:
    assert house("up").code == 0
    infos = asyncio.run(clients.infos(house.stack))
    assert [info.service for info in infos] == ["proxy", "grader", "orchestrator", "capture"]
    assert asyncio.run(clients.busy(house.stack)) == ""
