"""mitmproxy with few addons still has every option that its proxy core reads, and refuses public clients."""

import ast
import asyncio
import hashlib
import inspect
import json
import re
from pathlib import Path

import mitmproxy
import pytest
from mitmproxy.connection import Client
from mitmproxy.exceptions import AddonHalt
from mitmproxy.hooks import RunningHook
from mitmproxy.options import Options
from mitmproxy.proxy import server, server_hooks
from mitmproxy.proxy.layers import http
from mitmproxy.proxy.layers.http import _http1
from mitmproxy.proxy.mode_specs import ProxyMode

from fakes.model_server import USAGE, ModelServer, raw, say
from oneshot_proxy import mitm, wire
from proxy.harness import CANARY, MODEL, Proxy

PATCHED = {
    "ConnectionHandler.drain_writers": "f090910bb2bd0fbc",
    "ConnectionHandler.handle_connection": "0857f6bc9553ec96",
    "Http1Client.read_headers": "d0b29e56f05f652d",
    "Http1Connection._handle_event": "f955d3b3424262cf",
    "Http1Connection.read_body": "e87b431566fe6e27",
    "HttpStream.check_body_size": "66d514ee5acecccf",
    "make_body_reader": "ebebb6e1a1e8005f",
    "make_error_response": "d3e301d587f44e0e",
}
WHOLE = json.dumps({"id": "r", "object": "response", "status": "completed", "output": [], "usage": USAGE}).encode()
JSON = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


async def test_every_option_that_the_core_reads_is_there() -> None:
    core = Path(mitmproxy.__file__).parent
    sources = [*(core / "proxy").rglob("*.py"), core / "addons" / "next_layer.py", core / "addons" / "tlsconfig.py"]
    read = {name for source in sources for name in re.findall(r"\boptions\.([a-z]\w+)", source.read_text())}
    missing = read - set(mitm.master(Options()).options.keys()) - {"add_option", "py"}
    assert missing == {"proxyauth"}  # read by SOCKS5 only


async def test_a_client_with_a_public_address_is_refused() -> None:
    made = mitm.master(Options())
    for address, refused in (("127.0.0.1", False), ("172.18.0.3", False), ("8.8.8.8", True)):
        client = Client(
            peername=(address, 1), sockname=("127.0.0.1", 2), timestamp_start=0, proxy_mode=ProxyMode.parse("regular")
        )
        await made.addons.trigger_event(server_hooks.ClientConnectedHook(client))
        assert bool(client.error) is refused


async def test_events_go_to_each_addon_in_order_past_one_that_fails() -> None:
    class Failing:
        def running(self) -> None:
            seen.append("failing")
            raise ValueError("broken")

    class Waiting:
        async def running(self) -> None:
            seen.append("waiting")

    class Halting:
        def running(self) -> None:
            seen.append("halting")
            raise AddonHalt

    seen: list[str] = []
    made = mitm.master(Options())
    await made.addons.trigger_event(RunningHook())
    waiting = Waiting()
    made.addons.add(Failing(), waiting)
    await made.addons.trigger_event(RunningHook())
    assert seen == ["failing", "waiting"]
    made.addons.remove(waiting)
    made.addons.add(Halting(), Waiting())
    await made.addons.trigger_event(RunningHook())
    assert seen[2:] == ["failing", "halting"]


def test_what_is_patched_is_as_it_was_when_the_patch_was_written() -> None:
    """If this fails, mitmproxy has changed: see whether each patch in mitm.py is still needed and right, then mend the digests."""
    modules = (_http1, http, server)
    bodies = [
        ast.parse(inspect.getsource(each)).body for each in modules
    ]  # the functions themselves are patched already
    classes = [(f"{each.name}.", each.body) for body in bodies for each in body if isinstance(each, ast.ClassDef)]
    found = {
        prefix + each.name: hashlib.sha256(ast.unparse(each).encode()).hexdigest()[:16]
        for prefix, body in (*(("", body) for body in bodies), *classes)
        for each in body
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: found[name] for name in PATCHED} == PATCHED


@pytest.mark.parametrize(
    "head",
    [
        f"HTTP/1.1 200 OK\r\nx-key {CANARY}\r\n\r\n",
        f"HTTP/1.1 200 OK\r\n{CANARY} x: y\r\n\r\n",
        f"HTTP/1.1 200 OK\r\ntransfer-encoding: {CANARY}\r\n\r\n",
        f"HTTP/1.1 200 OK\r\ncontent-length: {CANARY}\r\n\r\n",
        f"{CANARY}\r\n\r\n",
    ],
)
async def test_an_answer_that_is_no_http_is_not_quoted(proxy: Proxy, head: str) -> None:
    async with raw(head.encode()) as port:
        await proxy.keys(f"http://127.0.0.1:{port}/v1")
        reply = await proxy.ask(await proxy.open())
        (call,) = await proxy.recorded(1)
    assert (reply.status, reply.error["code"]) == (502, "oneshot_no_answer")
    assert reply.headers["content-type"] == "application/json"
    assert CANARY.encode() not in reply.body
    assert call.error.startswith(("openai could not be reached: ", "openai broke off its answer: "))
    assert CANARY not in str(call)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"
        + JSON
        + b"content-length: %d\r\n\r\n%b" % (len(WHOLE), WHOLE),
        b"HTTP/1.1 100 Continue\r\n\r\n" * 2 + JSON + b"content-length: %d\r\n\r\n%b" % (len(WHOLE), WHOLE),
        JSON + b"transfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\nx-sum: 1\r\n\r\n" % (len(WHOLE), WHOLE),
    ],
    ids=["103", "100 twice", "trailers"],
)
@pytest.mark.parametrize("slow", [False, True])
async def test_interim_answers_and_trailers_do_not_break_a_call(proxy: Proxy, answer: bytes, slow: bool) -> None:
    async with raw(answer, pause=0.001 if slow else 0) as port:
        await proxy.keys(f"http://127.0.0.1:{port}/v1")
        async with asyncio.timeout(10):
            reply = await proxy.ask(await proxy.open())
        (call,) = await proxy.recorded(1)
    assert (reply.status, reply.body, call.response, call.error) == (200, WHOLE, WHOLE, "")
    assert (await proxy.session()).usage.input_tokens == 1000


async def test_a_request_with_trailers_is_answered_and_recorded(proxy: Proxy) -> None:
    await proxy.keys("http://127.0.0.1:1/v1")
    token = await proxy.open()
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    head = f"POST /v1/responses HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\ntransfer-encoding: chunked"
    writer.write(f"{head}\r\n\r\n2\r\n{{}}\r\n0\r\nx: y\r\n\r\n".encode())
    assert await asyncio.wait_for(reader.readline(), 5) == b"HTTP/1.1 400 Bad Request\r\n"
    writer.close()
    await writer.wait_closed()
    (call,) = await proxy.recorded(1)
    assert call.request == b"{}"


async def cut_off(proxy: Proxy, before: bytes, piece: bytes) -> bool:
    """Whether a client who goes on sending pieces is cut off before the eighth megabyte."""
    _, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(before)
    try:
        for _ in range(8 * 2**20 // len(piece)):
            writer.write(piece)
            await asyncio.wait_for(writer.drain(), 10)
            await asyncio.sleep(0)
    except ConnectionError:
        return True
    finally:
        writer.transport.abort()
    return False


async def test_a_head_without_an_end_is_cut_off(proxy: Proxy) -> None:
    assert await cut_off(proxy, b"POST /v1/responses HTTP/1.1\r\n", b"x: " + b"y" * 65_000 + b"\r\n")


async def test_what_comes_while_a_call_is_answered_is_cut_off_and_the_call_recorded(proxy: Proxy) -> None:
    hold = asyncio.Event()
    async with ModelServer([say("a", hold=hold)]) as upstream:
        await proxy.keys(upstream.base_url)
        content = json.dumps({"model": MODEL, "stream": True}).encode()
        head = f"POST /v1/responses HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {await proxy.open()}"
        asked = f"{head}\r\ncontent-length: {len(content)}\r\n\r\n".encode() + content
        assert await cut_off(proxy, asked, b"z" * 65_000)
        (call,) = await proxy.recorded(1)
        hold.set()
    assert call.error.lower().startswith("client disconnected")


async def test_an_answer_may_be_larger_than_a_request(proxy: Proxy) -> None:
    large = WHOLE[:-1] + b', "pad": "' + b"x" * wire.MAX_BODY + b'"}'
    async with raw(JSON + b"content-length: %d\r\n\r\n%b" % (len(large), large)) as port:
        await proxy.keys(f"http://127.0.0.1:{port}/v1")
        reply = await proxy.ask(await proxy.open())
        (call,) = await proxy.recorded(1)
    assert (reply.status, reply.body == large, call.error, call.usage.input_tokens) == (200, True, "", 1000)
