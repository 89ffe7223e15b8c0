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
    ("method", "path", "speaks", "status"),
    [
        ("GET", "/v1/models", "responses", 404),
        ("GET", "/v1/responses", "responses", 400),
        ("POST", "/v1/embeddings", "responses", 400),
        ("POST", "/v1/messages", "responses", 400),
        ("POST", "/", "responses", 400),
        ("POST", "/v1/messages/count_tokens", "messages", 404),
        ("POST", "/v1/messages/batches", "messages", 400),
        ("POST", "/v1/responses", "messages", 400),
    ],
)
def test_other_endpoints_are_refused(method: str, path: str, speaks: str, status: int) -> None:
    with pytest.raises(Refusal, match=f"allowed: POST /v1/{speaks}") as caught:
        wire.endpoint(method, path, speaks)
    assert (caught.value.code, caught.value.status) == (refusal.ENDPOINT, status)


def test_endpoints_name_their_wire_api() -> None:
    assert wire.endpoint("POST", "/v1/responses?a=b", "responses") == "responses"
    assert wire.endpoint("POST", "/v1/chat/completions", "responses") == "chat"
    assert wire.endpoint("POST", "/v1/messages?beta=true", "messages") == "messages"


@pytest.mark.parametrize("body", [b"", b"[]", b"nope", b'{"model": "m", "model": "dear"}', b"\xff", b"[" * 100_000])
def test_a_body_that_readers_may_understand_differently_is_refused(body: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        wire.parse("responses", body)
    assert caught.value.code == refusal.BAD_REQUEST


def test_many_keys_of_which_one_repeats_are_looked_at_once_each() -> None:
    compared = 0

    class Key(str):
        __slots__ = ()
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            nonlocal compared
            compared += 1
            return str.__eq__(self, other)  # type: ignore[arg-type]

    keys = [Key(number) for number in range(2000)]
    with pytest.raises(ValueError, match="key '1999' stands twice"):
        wire._unique([(key, 0) for key in (*keys, Key(1999))])
    assert compared < 100


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[" + b"[]," * 200_000 + b"0]", "400001 commas and opening brackets"),
        (b'{"a":' + b" " * wire.MAX_BODY + b"1}", "bytes; at most 16777216 are allowed"),
    ],
)
def test_a_body_with_too_much_in_it_is_refused_before_it_is_parsed(
    content: bytes, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "_json", lambda _: pytest.fail("it was parsed"))
    with pytest.raises(Refusal, match=words) as caught:
        wire.parse("responses", content)
    assert caught.value.code == refusal.BAD_REQUEST


def test_a_large_body_of_text_is_read() -> None:
    assert wire.parse("responses", b'{"a": "' + b"text, " * 100_000 + b'"}').body


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
    assert checked(tools=tools, input="hi").items == [{"type": "message", "role": "user", "content": "hi"}]


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
        {
            "input": [
                {
                    "type": "function_call_output",
                    "content": None,
                    "output": [{"type": "input_image", "image_url": "https://a/b"}],
                }
            ]
        },
        {"input": [{"type": "computer_call_output", "output": {"type": "x", "image_url": "https://a/b"}}]},
        {"input": [{"type": "x", "output": {"content": [{"type": "input_image", "image_url": "https://a/b"}]}}]},
        {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_data": "https://a/b"}}]}]},
        {"preset": "dear"},
        {"previous_response_id": "resp_1"},
        {"input": [{"type": "item_reference", "id": "msg_1"}]},
        {"input": [{"type": None, "id": "msg_1"}]},
        {"input": [{"id": "msg_1"}]},
        {"conversation": "conv_1"},
        {"conversation": {"id": "conv_1"}},
        {"tools": {"type": "web_search"}},
        {"tools": ["web_search"]},
        {"tools": [{"type": "namespace", "tools": {"type": "web_search"}}]},
    ],
)
def test_what_cannot_be_bounded_is_refused(body: dict[str, object]) -> None:
    with pytest.raises(Refusal, match=r"is refused|are no list") as caught:
        checked(**body)
    assert caught.value.code == refusal.BAD_REQUEST


def test_content_and_ordinary_fields_are_let_through() -> None:
    image = {"type": "input_image", "image_url": "data:image/png;base64,AAAA"}
    message = {"role": "user", "content": [image, {"type": "input_text", "text": "see https://example.com"}]}
    assert checked(input=[message], service_tier="auto", background=False, prompt=None, tools=None).items == [message]
    files = [{"type": "input_file", "file_data": data} for data in ("data:application/pdf;base64,AAAA", "//AA+w==")]
    output = {"type": "function_call_output", "output": files}
    assert checked(input=[output, {"type": "custom_tool_call_output", "output": "see https://example.com"}]).items


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


def asked(**body: object) -> None:
    wire.check(wire.parse("messages", json.dumps({"model": "m"} | body).encode()), "m")


@pytest.mark.parametrize(
    "kind", [None, "custom", "bash_20250124", "text_editor_20250728", "computer_20250124", "memory_20250818"]
)
def test_tools_on_the_agents_side_pass_in_messages(kind: str | None) -> None:
    asked(tools=[{"name": "x"} | ({"type": kind} if kind else {})])


@pytest.mark.parametrize(
    "kind", ["web_search_20250305", "web_fetch_20250910", "code_execution_20250825", "mcp_toolset", "function", "bash_"]
)
def test_tools_on_the_providers_side_are_refused_in_messages(kind: str) -> None:
    with pytest.raises(Refusal, match=f"the hosted tool '{kind}' is refused") as caught:
        asked(tools=[{"type": kind, "name": "x"}])
    assert caught.value.code == refusal.TOOL


@pytest.mark.parametrize("field", ["mcp_servers", "container", "inference_geo"])
def test_fields_of_messages_whose_effect_has_no_bounds_are_refused(field: str) -> None:
    with pytest.raises(Refusal, match=f"the field '{field}' is refused"):
        asked(**{field: "x"})


IMAGE = {"type": "image", "source": {"type": "url", "url": "https://x.example/a.png"}}


@pytest.mark.parametrize(
    "block",
    [
        IMAGE,
        {"type": "document", "source": {"type": "url", "url": "https://x.example/a.png"}},
        {"type": "document", "source": {"type": "content", "content": [IMAGE]}},
        {"type": "tool_result", "tool_use_id": "t", "content": [IMAGE]},
    ],
)
def test_what_the_provider_would_fetch_is_refused_in_messages(block: dict[str, object]) -> None:
    with pytest.raises(Refusal, match=r"the address 'https://x\.example/a\.png' is refused"):
        asked(messages=[{"role": "user", "content": [block]}])


def test_what_a_model_wrote_for_a_tool_passes_in_messages() -> None:
    call = {"type": "tool_use", "id": "t", "name": "fetch", "input": {"url": "https://x.example"}}
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
    asked(messages=[{"role": "assistant", "content": [call]}, {"role": "user", "content": [image]}])


def test_a_pace_with_a_price_of_its_own_is_refused() -> None:
    asked(speed="standard", service_tier="standard_only")
    with pytest.raises(Refusal, match="the speed 'fast' is refused"):
        asked(speed="fast")


def test_what_jiter_refuses_is_read_as_json_reads_it() -> None:
    deep: object = 1
    for _ in range(300):
        deep = [deep]
    for text in (b'{"a": "\\ud800"}', b'\xef\xbb\xbf{"a": 1}', json.dumps({"a": deep}).encode(), b'{"a": NaN}'):
        assert repr(wire.parse("responses", text).body) == repr(json.loads(text))
