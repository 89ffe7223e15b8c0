"""The provider table."""

import re
from pathlib import Path

import pytest

from oneshot_shared import providers
from oneshot_shared.errors import BadInput, NotReady

KEY = "sk-canary-0123456789"


@pytest.mark.parametrize("name", providers.PROVIDERS)
def test_every_provider_resolves_with_its_own_variables(name: str) -> None:
    provider = providers.PROVIDERS[name]
    found = providers.resolve(
        name, {provider.key_variable: KEY, provider.base_url_variable: "https://models.example/v1/"}
    )
    assert (found.provider, found.base_url, found.key) == (provider, "https://models.example/v1", KEY)
    assert {provider.key_variable, provider.base_url_variable} <= providers.VARIABLES
    assert provider.name == name


def test_the_key_is_never_shown() -> None:
    found = providers.resolve("openai", {"OPENAI_API_KEY": KEY})
    assert KEY not in repr(found)
    assert KEY not in f"{found}"


def test_the_usual_address_needs_no_variable() -> None:
    assert providers.resolve("openai", {"OPENAI_API_KEY": KEY}).base_url == "https://api.openai.com/v1"
    assert providers.resolve("vllm", {}).key == ""


@pytest.mark.parametrize(
    ("name", "variables", "kind", "words"),
    [
        ("opanai", {}, BadInput, "did you mean 'openai'?"),
        ("", {}, BadInput, "known: openai, openrouter, azure, anthropic, vllm, compatible"),
        ("openai", {}, NotReady, "export OPENAI_API_KEY"),
        ("openai", {"OPENAI_API_KEY": ""}, NotReady, "oneshot demo"),
        ("openrouter", {"OPENAI_API_KEY": KEY}, NotReady, "export OPENROUTER_API_KEY"),
        ("azure", {"AZURE_OPENAI_API_KEY": KEY}, NotReady, "set AZURE_OPENAI_BASE_URL"),
        ("compatible", {}, NotReady, "set COMPATIBLE_BASE_URL"),
        ("compatible", {"COMPATIBLE_BASE_URL": "models.example"}, NotReady, "'models.example'"),
    ],
)
def test_what_is_missing_is_named(name: str, variables: dict, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind) as raised:
        providers.resolve(name, variables)
    assert words in str(raised.value)
    assert KEY not in str(raised.value)


@pytest.mark.parametrize("given", ["https://a.example", "https://a.example/", "https://a.example/v1"])
def test_anthropics_address_may_leave_the_version_out(given: str) -> None:
    found = providers.resolve("anthropic", {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": given})
    assert found.base_url == "https://a.example/v1"


def test_an_address_ends_before_the_call() -> None:
    with pytest.raises(NotReady, match="leave the last part out"):
        providers.resolve(
            "anthropic", {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": "https://a.example/v1/messages"}
        )
    with pytest.raises(NotReady, match="ends before /messages"):
        providers.resolve("anthropic", {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": "a.example"})


def test_the_readme_lists_every_provider() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    (listed,) = re.findall(r"`--provider ([a-z|]+)`", readme)
    assert set(listed.split("|")) == set(providers.PROVIDERS)
