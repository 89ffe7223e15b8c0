"""The official SDKs of OpenAI and Anthropic through the gateway."""

import json
from typing import Any

import anthropic
import openai
import pytest

from fakes.model_server import Answer, ModelServer
from oneshot.proxy.v1 import proxy_pb2 as pb
from proxy.harness import CANARY, Proxy
from proxy.protocols import test_chat, test_messages, test_messages_stream

CLAUDE = "claude-sonnet-4-6"
TOKENS = 3217


async def upstream(proxy: Proxy, server: ModelServer, **limits: Any) -> str:
    """Keys put, a session with Anthropic opened; its token."""
    address = server.base_url.removesuffix("/v1")  # as Anthropic's own SDK wants it
    await proxy.stub.PutKeys(pb.PutKeysRequest(variables={"ANTHROPIC_API_KEY": CANARY, "ANTHROPIC_BASE_URL": address}))
    return await proxy.open(model=CLAUDE, provider="anthropic", limits=limits)


def claude(proxy: Proxy, token: str) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(api_key=token, base_url=f"http://127.0.0.1:{proxy.port}", max_retries=0)


def asked(**more: Any) -> dict[str, Any]:
    return {"model": CLAUDE, "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}]} | more


async def test_anthropic_streamed(proxy: Proxy) -> None:
    async with ModelServer([Answer([test_messages_stream.WHOLE])]) as server:
        token = await upstream(proxy, server)
        async with claude(proxy, token) as client, client.messages.stream(**asked()) as stream:
            message = await stream.get_final_message()
        (call,) = await proxy.recorded(1)
    assert message.content[1].text == "Done."  # type: ignore[union-attr]
    assert message.usage.cache_read_input_tokens == 3000
    (seen,) = server.requests
    assert (seen.path, seen.headers["x-api-key"]) == ("/v1/messages", CANARY)
    assert seen.headers["anthropic-version"]
    assert "authorization" not in seen.headers
    assert token not in str(seen)
    usage = call.usage
    assert (usage.input_tokens, usage.cached_tokens, usage.cache_write_tokens, usage.output_tokens) == (
        3210,
        3000,
        200,
        7,
    )
    assert usage.cost_usd > 0
    assert (call.wire_api, list(call.undecoded), call.error) == ("messages", [], "")
    assert 0 < call.first_token_seconds <= call.last_token_seconds <= call.seconds
    assert dict(call.request_headers)["anthropic-version"]
    assert "x-api-key" not in call.request_headers
    session = await proxy.session()
    assert (session.calls_succeeded, session.calls_decoded, session.usage.cost_usd) == (1, 1, usage.cost_usd)


async def test_anthropic_whole_and_over_budget(proxy: Proxy) -> None:
    answer = Answer([json.dumps(test_messages.RESPONSE).encode()], content_type="application/json")
    async with ModelServer([answer]) as server:
        token = await upstream(proxy, server, tokens=100)
        async with claude(proxy, token) as client:
            assert (await client.messages.create(**asked())).stop_reason == "tool_use"
            with pytest.raises(anthropic.BadRequestError, match=rf"token limit 100 reached \({TOKENS}\)"):
                await client.messages.create(**asked())
    assert (await proxy.session()).stopped_by == f"token limit 100 reached ({TOKENS})"


async def test_anthropic_refusals_and_errors(proxy: Proxy) -> None:
    busy = {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}
    async with ModelServer([Answer([json.dumps(busy).encode()], 529, "application/json")]) as server:
        token = await upstream(proxy, server)
        async with claude(proxy, token) as client:
            with pytest.raises(anthropic.BadRequestError, match="hosted tool 'web_search_20250305' is refused"):
                await client.messages.create(**asked(tools=[{"type": "web_search_20250305", "name": "web_search"}]))
            with pytest.raises(anthropic.NotFoundError, match="count_tokens is not served here"):
                await client.messages.count_tokens(model=CLAUDE, messages=[{"role": "user", "content": "hi"}])
            with pytest.raises(anthropic.APIStatusError, match="busy"):
                await client.messages.create(**asked())
        async with claude(proxy, "wrong") as client:
            with pytest.raises(anthropic.AuthenticationError, match="the token is unknown"):
                await client.messages.create(**asked())
    session = await proxy.session()
    assert session.upstream_failure == "anthropic answered 529: overloaded_error: busy"
    assert (session.calls, session.calls_succeeded) == (3, 0)


async def test_openais_chat_completions_streamed(proxy: Proxy) -> None:
    async with ModelServer([Answer([test_chat.WHOLE])]) as server:
        await proxy.keys(server.base_url)
        token = await proxy.open(model="gpt-5")
        said, called = "", ""
        async with openai.AsyncOpenAI(api_key=token, base_url=f"http://127.0.0.1:{proxy.port}/v1") as client:
            stream = await client.chat.completions.create(
                model="gpt-5", messages=[{"role": "user", "content": "hi"}], stream=True
            )
            async for chunk in stream:
                for choice in chunk.choices:
                    said += choice.delta.content or ""
                    called += "".join(
                        (call.function.name or "") if call.function else "" for call in choice.delta.tool_calls or ()
                    )
        (call,) = await proxy.recorded(1)
    assert (said, called) == ("Done.", "runstop")
    assert server.requests[0].json["stream_options"] == {"include_usage": True}
    assert (call.wire_api, list(call.undecoded), call.usage.input_tokens) == ("chat", [], 100)
    assert 0 < call.first_token_seconds <= call.last_token_seconds
    session = await proxy.session()
    assert (session.calls_succeeded, session.calls_decoded) == (1, 1)


async def test_openais_responses_whole(proxy: Proxy) -> None:
    response = {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "output": [{"type": "brand_new", "x": 1}],
        "usage": {"input_tokens": 5, "output_tokens": 2},
    }
    async with ModelServer([Answer([json.dumps(response).encode()], content_type="application/json")]) as server:
        await proxy.keys(server.base_url)
        token = await proxy.open(model="gpt-5")
        async with openai.AsyncOpenAI(api_key=token, base_url=f"http://127.0.0.1:{proxy.port}/v1") as client:
            assert (await client.responses.create(model="gpt-5", input="hi")).status == "completed"
        (call,) = await proxy.recorded(1)
    assert (call.wire_api, list(call.undecoded)) == ("responses", ["item type 'brand_new'"])
    session = await proxy.session()
    assert (session.calls_succeeded, session.calls_decoded) == (1, 1)
