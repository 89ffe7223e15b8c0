"""Keys and addresses: named, never shown."""

import pytest

from cli.doctor.conftest import Make
from cli.harness import House
from oneshot_cli.doctor import keys

KEY = "sk-canary-of-a-provider"


@pytest.mark.parametrize(
    ("env", "state", "found"),
    [
        ({}, "fail", "no key for provider 'openai'"),
        ({"OPENAI_API_KEY": KEY}, "ok", "openai (OPENAI_API_KEY)"),
        ({"OPENAI_API_KEY": f" {KEY} "}, "ok", "openai (OPENAI_API_KEY)"),
        ({"OPENROUTER_API_KEY": KEY}, "ok", "openrouter (OPENROUTER_API_KEY); say `--provider openrouter`"),
        ({"VLLM_BASE_URL": "http://127.0.0.1:8000/v1"}, "ok", "vllm (no key)"),
        ({"AZURE_OPENAI_API_KEY": KEY}, "fail", "provider 'azure' needs its address"),
        ({"AZURE_OPENAI_API_KEY": KEY, "OPENAI_API_KEY": KEY}, "warn", "provider 'azure' needs its address"),
        ({"OPENAI_BASE_URL": "nowhere", "OPENROUTER_API_KEY": KEY}, "fail", "provider 'openai' needs its address"),
        (
            {"OPENAI_BASE_URL": "https://h/v1/responses", "OPENAI_API_KEY": KEY},
            "fail",
            "OPENAI_BASE_URL is 'https://h/v1/responses'",
        ),
        ({"OPENAI_BASE_URL": "https://:0", "OPENAI_API_KEY": KEY}, "fail", "OPENAI_BASE_URL must be http"),
    ],
)
def test_a_model_can_be_asked(make: Make, env: dict[str, str], state: str, found: str) -> None:
    check = keys.model_key(make(**env))
    assert (check.state, check.found[: len(found)]) == (state, found)
    assert (state == "ok") == (not check.mend)
    assert KEY not in f"{check}"


def test_values_that_cannot_be_sent(make: Make) -> None:
    assert keys.values(make()).found == "none set"
    assert keys.values(make(OPENAI_API_KEY=KEY)).found == "OPENAI_API_KEY"
    check = keys.values(make(OPENAI_API_KEY=f"{KEY} {KEY}"))
    assert (check.state, check.found) == (
        "fail",
        "the value of OPENAI_API_KEY holds a space, line break or control character",
    )
    assert KEY not in f"{check}"


def test_the_stack_at_an_endpoint_has_its_own(make: Make) -> None:
    for check in (keys.values, keys.model_key):
        assert check(make("", "h:1", OPENAI_API_KEY="a b")).state == "skip"


def test_a_key_that_the_stack_holds_is_enough(own_house: House) -> None:
    assert own_house("up").code == 0
    found = own_house("doctor", "--backend", "local")
    assert (found.code, "no key for provider 'openai'" in found.out) == (2, True)
    assert own_house("up", OPENAI_API_KEY=KEY).code == 0
    found = own_house("doctor", "--backend", "local")
    assert found.code == 0, found.out
    assert "openai (held by the stack, from another shell)" in found.out
    assert found.out.splitlines()[-1] == "Ready: the next `oneshot run` would start (backend local)"
