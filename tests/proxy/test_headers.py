"""Headers of a record."""

import pytest

from oneshot_proxy import headers, redact


def kept(*pairs: tuple[str, str], key: str = "") -> dict[str, str]:
    fields = [(name.encode(), value.encode()) for name, value in pairs]
    return dict(headers.kept(fields, redact.spellings(key)))


def test_names_in_lower_case_and_one_value_a_name() -> None:
    assert kept(("Content-Type", "a"), ("X-Many", "1"), ("x-many", "2")) == {"content-type": "a", "x-many": "1, 2"}


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "Proxy-Authorization",
        "X-Api-Key",
        "api-key",
        "Ocp-Apim-Subscription-Key",
        "Cookie",
        "Set-Cookie",
        "ChatGPT-Account-ID",
        "OpenAI-Organization",
        "x-openai-actor-authorization",
        "x-oai-attestation",
        "x-amz-security-token",
    ],
)
def test_credentials_and_identities_are_left_out(name: str) -> None:
    assert kept((name, "value")) == {}


@pytest.mark.parametrize(
    "name", ["thread-id", "session-id", "x-codex-turn-metadata", "anthropic-version", "x-ratelimit-remaining-tokens"]
)
def test_what_tells_of_the_call_is_kept(name: str) -> None:
    assert kept((name, "value")) == {name: "value"}


def test_a_value_with_a_known_secret_is_left_out() -> None:
    assert kept(("x-echo", "key sk-canary-1"), ("x-other", "v"), key="sk-canary-1") == {"x-other": "v"}


def test_any_bytes_may_stand_in_a_header() -> None:
    assert headers.kept([(b"\xff", b"\xff")], ()) == (("\xff", "\ufffd"),)


def test_what_is_a_secret_wherever_it_stands() -> None:
    found = ("authorization", "x-api-key", "api-key", "x-goog-api-key", "x-amz-security-token", "helicone-auth")
    assert all(headers.secret(name) for name in (*found, "client-secret"))
    assert not any(headers.secret(name) for name in ("x-author", "session-id", "idempotency-key", "chatgpt-account-id"))
