"""What may be asked of a model API."""

import json

import pytest

from oneshot_proxy import refusal, wire
from oneshot_proxy.refusal import Refusal


def checked(**body: object) -> wire.Request:
    request = wire.parse("responses", json.dumps({"model": "m"} | body).encode())
    wire.check(request, "m")
    return request


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/models", 404), ("GET", "/v1/responses", 400), ("POST", "/v1/embeddings", 400), ("POST", "/", 400)],
)
def test_other_endpoints_are_refused(method: str, path: str, status: int) -> None:
    with pytest.raises(Refusal, match="allowed: POST /v1/responses") as caught:
        wire.endpoint(method, path)
    assert (caught.value.code, caught.value.status) == (refusal.ENDPOINT, status)


def test_endpoints_name_their_wire_api() -> None:
    assert wire.endpoint("POST", "/v1/responses?a=b") == "responses"
    assert wire.endpoint("POST", "/v1/chat/completions") == "chat"


@pytest.mark.parametrize("body", [b"", b"[]", b"nope", b'{"model": "m", "model": "dear"}', b"\xff", b"[" * 100_000])
def test_a_body_that_readers_may_understand_differently_is_refused(body: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        wire.parse("responses", body)
    assert caught.value.code == refusal.BAD_REQUEST


def test_another_model_is_refused() -> None:
    with pytest.raises(Refusal, match="model 'dear' is not this session's; only 'm'"):
        checked(model="dear")


@pytest.mark.parametrize(
    "body",
    [
        {"tools": [{"type": "function", "name": "f"}, {"type": "web_search"}]},
        {"tools": [{"type": "web_search_preview_2025_03_11"}]},
        {"tools": [{"type": "mcp", "server_url": "https://example.com"}]},
        {"tools": [{"type": "namespace", "tools": [{"type": "web_search"}]}]},
        {"input": [{"type": "additional_tools", "tools": [{"type": "web_search"}]}]},
        *({"tools": [{"type": kind}]} for kind in ("file_search", "code_interpreter", "image_generation", "shell", "")),
    ],
)
def test_hosted_tools_are_refused_wherever_they_stand(body: dict[str, object]) -> None:
    with pytest.raises(Refusal) as caught:
        checked(**body)
    assert caught.value.code == refusal.TOOL


def test_an_agents_own_tools_are_let_through() -> None:
    tools = [
        {"type": "function", "name": "web_search"},
        {"type": "custom"},
        {"type": "namespace", "name": "mcp__x", "tools": []},
    ]
    assert checked(tools=tools, input="hi").items == []


@pytest.mark.parametrize(
    "body",
    [
        {"background": True},
        {"web_search_options": {}},
        {"models": ["dear"]},
        {"plugins": [{"id": "web"}]},
        {"prompt": {"id": "pmpt_1"}},
        {"service_tier": "priority"},
        {"input": [{"role": "user", "content": [{"type": "input_file", "file_url": "https://example.com/x"}]}]},
        {"input": [{"type": "function_call_output", "output": [{"type": "input_image", "image_url": "http://a/b"}]}]},
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a/b"}}]}]},
    ],
)
def test_what_cannot_be_bounded_is_refused(body: dict[str, object]) -> None:
    with pytest.raises(Refusal, match="is refused") as caught:
        checked(**body)
    assert caught.value.code == refusal.BAD_REQUEST


def test_content_and_ordinary_fields_are_let_through() -> None:
    image = {"type": "input_image", "image_url": "data:image/png;base64,AAAA"}
    message = {"role": "user", "content": [image, {"type": "input_text", "text": "see https://example.com"}]}
    assert checked(input=[message], service_tier="auto", background=False, prompt=None).items == [message]


def test_a_chat_stream_is_made_to_report_usage() -> None:
    def rewritten(wire_api: str, **body: object) -> object:
        content = wire.with_usage(wire.parse(wire_api, json.dumps(body).encode()))
        return content and json.loads(content)

    assert rewritten("chat", stream=True) == {"stream": True, "stream_options": {"include_usage": True}}
    kept = {"stream": True, "stream_options": {"x": 1, "include_usage": False}}
    assert rewritten("chat", **kept) == {"stream": True, "stream_options": {"x": 1, "include_usage": True}}
    assert rewritten("chat", stream=True, stream_options={"include_usage": True}) is None
    assert rewritten("chat") is None
    assert rewritten("responses", stream=True) is None
