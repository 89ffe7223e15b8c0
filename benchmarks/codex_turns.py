"""A session of the real Codex: a scripted model on loopback has it run a command of its own choice in every turn.

The answers are shaped as the Responses API streams them: `response.created`, `response.in_progress` and `response.completed`
echo instructions and tools; reasoning comes encrypted (random, so that nothing can compress it); arguments and text come as
deltas. The commands read, search, edit and test a copy of this repository, chosen by a seed.
"""

import asyncio
import base64
import itertools
import json
import os
import random
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import codex_cli_bin

from oneshot_shared.errors import NotReady

MODEL = "gpt-5.5"
ROOT = Path(__file__).parent.parent
_CODEX = Path(codex_cli_bin.__file__).parent / "bin" / "codex"
_TURN_SECONDS = 20
_CONFIG = """
model = "{model}"
model_provider = "oneshot"
check_for_update_on_startup = false
web_search = "disabled"
[model_providers.oneshot]
name = "oneshot"
base_url = "http://127.0.0.1:{port}/v1"
wire_api = "responses"
env_key = "ONESHOT_RUN_KEY"
request_max_retries = 0
stream_max_retries = 0
[features]
plugins = false
shell_snapshot = false
unbounded_connection_retries = false
[otel]
metrics_exporter = "none"
[analytics]
enabled = false
"""


async def codex(port: int, token: str, folder: Path, turns: int) -> None:
    """Run it to its end in a copy of this repository. :raises NotReady: it did not end well."""
    home, work = folder / "home", folder / "work"
    home.mkdir()
    clone = await asyncio.create_subprocess_exec("git", "clone", "--quiet", "--depth", "1", f"file://{ROOT}", work)
    if await clone.wait():
        raise NotReady(f"{ROOT} cannot be cloned; a session of Codex works in a copy of it")
    (home / "config.toml").write_text(_CONFIG.format(model=MODEL, port=port))
    process = await asyncio.create_subprocess_exec(
        *(_CODEX, "exec", "--skip-git-repo-check", "-s", "danger-full-access", "-C", work),
        "Find out how this repository's proxy records calls, and mend what the tests show.",
        env={"PATH": os.environ["PATH"], "HOME": str(home), "CODEX_HOME": str(home), "ONESHOT_RUN_KEY": token},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), _TURN_SECONDS * turns)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise NotReady(f"Codex ended with exit code {process.returncode}: {said.decode(errors='replace')[-300:]}")


@dataclass
class Model:
    """What was received and sent, byte for byte, in order."""

    turns: int
    base_url: str = ""
    requests: list[bytes] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.turns)  # noqa: S311 -- the same session every time
        self._commands = commands(self._random)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request; the connection ends with it."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        body = await reader.readexactly(int(head.partition("content-length: ")[2].partition("\r")[0]))
        answer = b"".join(self._events(json.loads(body)))
        self.requests.append(body)
        self.answers.append(answer)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n")
        writer.write(b"x-request-id: req_%s\r\n\r\n" % self._random.randbytes(16).hex().encode() + answer)
        await writer.drain()
        writer.close()

    def _id(self, kind: str) -> str:
        return f"{kind}_{self._random.randbytes(24).hex()}"

    def _output(self) -> list[dict[str, Any]]:
        secret = base64.b64encode(self._random.randbytes(self._random.randrange(500, 2500))).decode()
        thought = {"id": self._id("rs"), "type": "reasoning", "summary": [], "encrypted_content": secret}
        if len(self.requests) + 1 >= self.turns:
            text = {
                "type": "output_text",
                "annotations": [],
                "logprobs": [],
                "text": "The tests pass; nothing is left to mend.",
            }
            return [
                thought,
                {
                    "id": self._id("msg"),
                    "type": "message",
                    "status": "completed",
                    "role": "assistant",
                    "content": [text],
                },
            ]
        arguments = json.dumps({"cmd": next(self._commands), "yield_time_ms": 10000, "max_output_tokens": 6000})
        call = {"id": self._id("fc"), "type": "function_call", "status": "completed", "name": "exec_command"}
        return [thought, call | {"call_id": self._id("call"), "arguments": arguments}]

    def _events(self, request: dict[str, Any]) -> Iterator[bytes]:
        number = itertools.count()
        response = {"id": self._id("resp"), "object": "response", "created_at": 1764000000 + len(self.requests)}
        response |= {
            "status": "in_progress",
            "error": None,
            "instructions": request.get("instructions"),
            "model": MODEL,
        }
        response |= {"output": [], "tools": request.get("tools"), "store": False, "temperature": 1.0, "usage": None}

        def event(kind: str, **fields: object) -> bytes:
            data = json.dumps({"type": kind, "sequence_number": next(number)} | fields, separators=(",", ":"))
            return f"event: {kind}\ndata: {data}\n\n".encode()

        yield event("response.created", response=response)
        yield event("response.in_progress", response=response)
        output = self._output()
        for index, item in enumerate(output):
            text = item.get("arguments") or item.get("content", [{}])[0].get("text", "")
            kind = "function_call_arguments" if "arguments" in item else "output_text"
            started = item | {key: type(item[key])() for key in ("arguments", "content") if key in item}
            yield event("response.output_item.added", output_index=index, item=started)
            where = {"item_id": item["id"], "output_index": index}
            for delta in (text[at : at + 4] for at in range(0, len(text), 4)):
                noise = base64.b64encode(self._random.randbytes(9)).decode()[: 16 - len(delta)]
                yield event(f"response.{kind}.delta", **where, delta=delta, obfuscation=noise)
            if text:
                yield event(f"response.{kind}.done", **where, **{"arguments" if "arguments" in item else "text": text})
            yield event("response.output_item.done", output_index=index, item=item)
        usage = {"input_tokens": len(json.dumps(request)) // 4, "output_tokens": 200, "total_tokens": 0}
        details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 100}}
        usage["total_tokens"] = usage["input_tokens"] + 200
        whole = response | {"status": "completed", "output": output, "usage": usage | details}
        yield event("response.completed", response=whole)


@asynccontextmanager
async def model(turns: int) -> AsyncIterator[Model]:
    """It serves on loopback."""
    made = Model(turns)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    async with server:
        yield made


def commands(chance: random.Random) -> Iterator[str]:
    """What an agent runs: most of it reads, some searches, edits, tests."""
    files = sorted(str(file.relative_to(ROOT)) for file in (ROOT / "services").rglob("*.py"))
    files += sorted(str(file.relative_to(ROOT)) for file in (ROOT / "tests").rglob("*.py"))
    names = ("session", "record", "store", "BadInput", "async def", "usage", "digest", "sandbox", "timeout", "sqlite")
    while True:
        file, name, start = chance.choice(files), chance.choice(names), chance.randrange(1, 120)
        folder = str(Path(file).parent)
        yield chance.choice(
            (
                f"sed -n '{start},{start + chance.randrange(20, 160)}p' {file}",
                f"sed -n '1,{chance.randrange(40, 200)}p' {file}",
                f"cat {file}",
                f"grep -rn '{name}' {folder} | head -{chance.randrange(10, 60)}",
                f"ls -la {folder}",
                f"wc -l {folder}/*.py",
                f"sed -i 's/\\b{name}\\b/{name}_{start}/' {file} && git diff --stat && git diff {file} | head -80",
                f"python3 -m compileall -q {folder}; python3 -c 'import ast; print(ast.dump(ast.parse(open(\"{file}\").read()).body[0]))'",
            )
        )
