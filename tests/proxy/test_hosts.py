"""Which hosts are model APIs, and which paths model calls."""

import pytest

from oneshot_proxy import hosts
from oneshot_proxy.hosts import ModelHost
from oneshot_shared.errors import BadInput
from oneshot_shared.providers import PROVIDERS


@pytest.mark.parametrize(
    ("host", "path", "wire_api"),
    [
        ("api.openai.com", "/v1/responses", "responses"),
        ("API.openai.com.", "/v1/responses?a=/b", "responses"),
        ("eu.api.openai.com", "/v1/chat/completions", "chat"),
        ("api.openai.com", "/v1/responses/compact", ""),
        ("api.openai.com", "/v1/threads/t/messages", None),
        ("api.openai.com", "/v1/models", None),
        ("chatgpt.com", "/backend-api/codex/responses", "responses"),
        ("chatgpt.com", "/backend-api/codex/models", None),
        ("chatgpt.com", "/backend-api/me", None),
        ("openrouter.ai", "/api/v1/chat/completions", "chat"),
        ("openrouter.ai", "/api/v1/auth/keys", None),
        ("api.anthropic.com", "/v1/messages", "messages"),
        ("api.anthropic.com", "/v1/messages/count_tokens", ""),
        ("me.openai.azure.com", "/openai/v1/responses", "responses"),
        ("me.openai.azure.com", "/openai/deployments/mine/chat/completions?api-version=1", "chat"),
        ("me.services.ai.azure.com", "/anthropic/v1/messages", "messages"),
    ],
)
def test_the_table(host: str, path: str, wire_api: str | None) -> None:
    found = hosts.find(hosts.TABLE, host, 443)
    assert found is not None
    assert found.wire_api(path) == wire_api


@pytest.mark.parametrize(
    ("host", "port"),
    [("api.openai.com", 80), ("evilapi.openai.com.evil", 443), ("chat.openai.com", 443), ("auth.openai.com", 443)],
)
def test_others_are_none(host: str, port: int) -> None:
    assert hosts.find(hosts.TABLE, host, port) is None


def test_a_providers_address_is_one() -> None:
    azure = hosts.of_url("https://me.example/openai/v1/?api-version=preview", PROVIDERS["azure"])
    assert azure == ModelHost("me.example", "/openai/v1", "azure", 443)
    local = hosts.of_url("http://127.0.0.1:8000/v1", PROVIDERS["vllm"])
    assert local is not None
    assert (local.port, local.wire_api("/v1/responses"), local.wire_api("/responses")) == (8000, "responses", None)
    for unusable in ("", "http://", "http://host:99999/v1"):
        assert hosts.of_url(unusable, PROVIDERS["azure"]) is None


def test_settings_name_more() -> None:
    found = hosts.parse(" llm.Example.com:8443, .corp.example,")
    assert [(each.name, each.port) for each in found] == [("llm.example.com", 8443), (".corp.example", 443)]
    assert found[0].wire_api("/any/where/v1/chat/completions") == found[0].wire_api("/chat/completions") == "chat"
    assert hosts.find(found, "a.corp.example", 443) is found[1]
    assert hosts.parse("") == ()


@pytest.mark.parametrize("given", ["https://host", "host:0", "host:99999", "a b", "host:x", "-"])
def test_what_is_no_host_is_a_sentence(given: str) -> None:
    with pytest.raises(BadInput, match="ONESHOT_PROXY_MODEL_HOSTS names"):
        hosts.parse(given)
