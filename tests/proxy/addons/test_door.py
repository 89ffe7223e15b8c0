"""Who comes in by the forward door, and where to."""

import asyncio
import base64
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fakes import tls
from fakes.model_server import Answer, ModelServer, say
from oneshot_proxy.sessions import Sessions
from oneshot_shared.errors import NotReady
from proxy import harness
from proxy.harness import CANARY, MODEL, Proxy, Stream

STREAMED = {"model": MODEL, "input": "hi", "stream": True}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tls.Tls:
    return tls.made(tmp_path_factory.mktemp("tls"))


@pytest.fixture
async def proxy(tmp_path: Path, made: tls.Tls) -> AsyncIterator[Proxy]:
    async with harness.proxy(tmp_path / "data", upstream_ca=str(made.authority)) as running:
        yield running


def place(server: ModelServer) -> tuple[str, int]:
    host, _, port = server.base_url.split("/")[2].partition(":")
    return host, int(port)


async def plain(proxy: Proxy, who: str, url: str, body: bytes = b"") -> Stream:
    """A request of plain HTTP, as clients send one to a proxy."""
    found = await proxy.connect()
    credentials = base64.b64encode(who.encode()).decode()
    head = f"POST {url} HTTP/1.1\r\nhost: x\r\nproxy-authorization: Basic {credentials}\r\ncontent-length: {len(body)}"
    found.writer.write(f"{head}\r\n\r\n".encode() + body)
    await found.head()
    return found


async def test_who_does_not_say_who_she_is_is_asked_on_the_same_connection(proxy: Proxy) -> None:
    token = await proxy.open_live()
    found = await proxy.tunnel("", "localhost", 9)
    assert (found.status, found.headers["proxy-authenticate"]) == (407, 'Basic realm="OneShot Bench"')
    assert b"HTTPS_PROXY=http://SESSION:TOKEN@HOST:PORT" in await found.rest()
    credentials = base64.b64encode(f"live-1:{token}".encode()).decode()
    found.writer.write(f"CONNECT localhost:9 HTTP/1.1\r\nproxy-authorization: Basic {credentials}\r\n\r\n".encode())
    await found.head()
    assert found.status == 200


@pytest.mark.parametrize("who", ["live-1:osb.live-1.guess", "live-2:TOKEN", ":", "live-1", "\xff:\xfe"])
async def test_unknown_credentials_are_407(proxy: Proxy, who: str) -> None:
    token = await proxy.open_live()
    for found in (
        await proxy.tunnel(who.replace("TOKEN", token), "localhost", 9),
        await plain(proxy, who.replace("TOKEN", token), "http://localhost:9/v1/responses"),
    ):
        assert found.status == 407
    await proxy.close("live-1")
    assert (await proxy.tunnel(f"live-1:{token}", "localhost", 9)).status == 407


async def test_a_run_meets_the_same_gate_as_at_the_gateway(proxy: Proxy, made: tls.Tls) -> None:
    async with ModelServer([say("a")], tls=made.server) as upstream:
        await proxy.keys(upstream.base_url)
        token = await proxy.open(limits={"tokens": 1000})
        first, second = [await proxy.tunnel(f"run-1:{token}", *place(upstream), tls="localhost") for _ in range(2)]
        refused = await proxy.ask(token, STREAMED | {"model": "gpt-5-pro"}, via=first)
        assert refused.error["code"] == "oneshot_model_refused"
        assert (await proxy.ask(token, STREAMED, path="/v2/responses", via=first)).error["code"] == (
            "oneshot_endpoint_refused"
        )
        reply = await proxy.ask("placeholder", STREAMED, via=first)
        assert (reply.status, b"response.completed" in reply.body) == (200, True)
        assert (await proxy.ask(token, STREAMED, via=second)).error["code"] == "oneshot_budget_exceeded"
    (seen,) = upstream.requests
    assert (seen.path, seen.headers["authorization"]) == ("/v1/responses", f"Bearer {CANARY}")
    assert token not in str(seen)
    assert "proxy-authorization" not in seen.headers
    calls = await proxy.recorded(4)
    assert [call.status for call in calls] == [400, 400, 200, 400]
    assert (await proxy.session()).usage.input_tokens == 1000
    await harness.assert_nowhere(proxy, CANARY, token)


async def test_a_runs_pinned_api_may_speak_plain_http(proxy: Proxy) -> None:
    async with ModelServer([say("a")]) as upstream:
        await proxy.keys(upstream.base_url)
        token = await proxy.open()
        body = b'{"model": "gpt-5", "stream": true}'
        found = await plain(proxy, f"run-1:{token}", f"{upstream.base_url}/responses", body)
        assert found.status == 200
        assert b"response.completed" in await found.rest()
    assert upstream.requests[0].headers["authorization"] == f"Bearer {CANARY}"
    assert "proxy-authorization" not in upstream.requests[0].headers
    (call,) = await proxy.recorded(1)
    assert call.request_line == "POST /v1/responses"


async def test_a_run_reaches_no_other_host_and_that_is_recorded(proxy: Proxy, made: tls.Tls) -> None:
    async with ModelServer([], tls=made.server) as upstream, ModelServer([]) as other:
        await proxy.keys(upstream.base_url)
        token = await proxy.open()
        host, port = place(other)
        for ours in (port, proxy.port, proxy.forward_port):
            found = await proxy.tunnel(f"run-1:{token}", host, ours)
            assert found.status == 403
        found = await plain(proxy, f"run-1:{token}", f"http://{host}:{port}/v1/responses")
        assert found.status == 403
    calls = await proxy.recorded(4)
    async with asyncio.timeout(0.9):  # nothing is left that the closing would wait for
        await proxy.close()
    assert calls[0].request_line == f"CONNECT {host}:{port}"
    wanted = "the host {}:{} is refused; this run may reach {}:{} only"
    assert calls[0].error == wanted.format(host, port, *place(upstream)) == calls[3].error
    assert other.requests == upstream.requests == []


async def test_a_replayed_run_reaches_no_host(proxy: Proxy) -> None:
    from proxy.test_cassette import HEADER, lines

    token = await proxy.open(cassette=lines(HEADER, {"output": []}))
    assert (await proxy.tunnel(f"run-1:{token}", "api.openai.com", 443)).status == 403
    assert "replayed by the gateway" in (await proxy.recorded(1))[0].error


@pytest.mark.parametrize("bytes_", [b"SSH-2.0-x\r\n\r\n", b"\x00\x01raw\r\n\r\n"])
async def test_what_is_no_http_does_not_pass_a_runs_tunnel(proxy: Proxy, bytes_: bytes) -> None:
    async with ModelServer([]) as upstream:
        await proxy.keys(upstream.base_url)
        token = await proxy.open()
        found = await proxy.tunnel(f"run-1:{token}", *place(upstream))
        assert found.status == 200
        found.writer.write(bytes_)
        await asyncio.wait_for(found.reader.read(), 5)
        assert upstream.requests == []
        assert not upstream.gone.is_set()


async def test_a_run_cannot_have_another_certificate_checked(proxy: Proxy, made: tls.Tls) -> None:
    """Behind one address may be many names: the key goes to the pinned one's certificate only."""
    async with ModelServer([say("a")], tls=made.server) as upstream:
        await proxy.keys(upstream.base_url)
        token = await proxy.open()
        tunnel = await proxy.tunnel(f"run-1:{token}", *place(upstream))
        context = ssl.create_default_context(cafile=proxy.ca)
        context.check_hostname = False
        await tunnel.writer.start_tls(context, server_hostname="evil.example")
        assert (
            await proxy.ask(token, STREAMED, via=tunnel)
        ).status == 200  # the fake has no certificate for evil.example


async def test_a_live_session_sees_what_she_asked_for_behind_a_blind_tunnel(proxy: Proxy, made: tls.Tls) -> None:
    async with ModelServer([say("private")], tls=made.server) as other:
        token = await proxy.open_live()
        tunnel = await proxy.tunnel(f"live-1:{token}", *place(other), tls="localhost", ca=made.authority)
        assert b"private" in (await proxy.ask("mine", STREAMED, via=tunnel)).body
    assert other.requests[0].headers["authorization"] == "Bearer mine"
    assert (await proxy.session("live-1")).calls == 0


async def test_plain_http_passes_a_live_session_unseen(proxy: Proxy) -> None:
    async with ModelServer([say("private")]) as other:
        token = await proxy.open_live()
        found = await plain(proxy, f"live-1:{token}", f"http://127.0.0.1:{place(other)[1]}/any", b"hello")
        assert b"private" in await found.rest()
    assert (other.requests[0].body, other.requests[0].path) == (b"hello", "/any")
    assert "proxy-authorization" not in other.requests[0].headers
    assert (await proxy.session("live-1")).calls == 0


async def test_plain_http_of_a_live_session_has_no_greatest_size_and_a_runs_has(proxy: Proxy) -> None:
    large = b"x" * (65 * 1024 * 1024)
    async with ModelServer([Answer([b"y" * len(large)]), say("never")]) as other:
        await proxy.keys(other.base_url)
        live, run = await proxy.open_live(), await proxy.open()
        found = await plain(proxy, f"live-1:{live}", f"http://127.0.0.1:{place(other)[1]}/any", large)
        size = 0
        while chunk := await found.chunk():
            size += len(chunk)
        assert (found.status, size) == (200, len(large))
        assert len(other.requests[0].body) == len(large)
        for who in (f"run-1:{run}", "nobody:at-all"):
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):  # not kept until it has come
                await plain(proxy, who, f"{other.base_url}/responses", large)
        assert len(other.requests) == 1


async def test_a_tunnel_does_not_outlive_its_session_for_new_calls(
    proxy: Proxy, made: tls.Tls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oneshot_proxy.sessions._SETTLE_SECONDS", 0.1)
    hold = asyncio.Event()
    async with ModelServer([say("a", hold=hold)], tls=made.server) as upstream:
        await proxy.keys(upstream.base_url)
        token = await proxy.open_live()
        busy, idle = [await proxy.tunnel(f"live-1:{token}", *place(upstream), tls="localhost") for _ in range(2)]
        stream = await proxy.stream("mine", STREAMED, via=busy)
        await stream.chunk()
        await proxy.close("live-1")
        hold.set()
        assert b"response.completed" in await stream.rest()  # what was in flight goes on
        assert (await proxy.ask("mine", STREAMED, via=idle)).status == 401
    assert len(upstream.requests) == 1
    await proxy.recorded(1, "live-1")
    assert (await proxy.session("live-1")).calls_succeeded == 1


async def test_a_client_who_does_not_trust_our_authority_is_an_alarm(proxy: Proxy, made: tls.Tls) -> None:
    token = await proxy.open_live()
    who = base64.b64encode(f"live-1:{token}".encode()).decode()

    def connect() -> None:  # asyncio's TLS closes without the alert that other clients send
        with socket.create_connection(("127.0.0.1", proxy.forward_port)) as sock:
            sock.sendall(f"CONNECT api.openai.com:443 HTTP/1.1\r\nproxy-authorization: Basic {who}\r\n\r\n".encode())
            sock.recv(4096)
            context = ssl.create_default_context(cafile=made.authority)
            with pytest.raises(ssl.SSLCertVerificationError):
                context.wrap_socket(sock, server_hostname="api.openai.com")

    await asyncio.to_thread(connect)
    async with asyncio.timeout(5):
        while not (alarms := (await proxy.session("live-1")).alarms):  # noqa: ASYNC110 -- asked over gRPC
            await asyncio.sleep(0.01)
    assert "api.openai.com failed: the client does not trust our CA" in alarms[0]
    assert (await proxy.close("live-1")).alarms == alarms, "the cause is said, and nothing beside it"


async def test_a_fault_of_ours_lets_nobody_in(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("oops")

    token = await proxy.open_live()
    monkeypatch.setattr(Sessions, "find", broken)
    assert (await proxy.tunnel(f"live-1:{token}", "localhost", 9)).status == 500


async def test_the_proxy_does_not_connect_to_itself(proxy: Proxy) -> None:
    token = await proxy.open_live()
    found = await proxy.tunnel(f"live-1:{token}", "127.0.0.1", proxy.forward_port)
    found.writer.write(b"CONNECT x:1 HTTP/1.1\r\n\r\n")
    assert await asyncio.wait_for(found.reader.read(), 5) == b""


async def test_a_taken_forward_port_ends_the_start_with_a_sentence(proxy: Proxy, tmp_path: Path) -> None:
    with pytest.raises(NotReady, match=r"the proxy cannot start: .*failed to listen"):
        async with harness.proxy(tmp_path / "other", forward_port=proxy.forward_port):
            pass
