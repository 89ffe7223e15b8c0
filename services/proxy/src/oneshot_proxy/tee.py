"""The tee in a stream: bytes go on as they come, and what is needed for the record stays."""

import time
from collections.abc import Callable

from oneshot_proxy import encoding, outcome
from oneshot_proxy.outcome import Outcome
from oneshot_proxy.redact import Scrubber
from oneshot_proxy.room import Kept, Share
from oneshot_proxy.sse import Scanner
from oneshot_proxy.usage import Usage


class Tee:
    """Called by mitmproxy with each chunk, and with nothing at the end; returns what goes on to the agent.

    `count` is called with the usage as soon as the answer says that it is whole. `patterns` never reach the agent: an
    upstream that echoes its key would otherwise put it into the sandbox. To see them, an answer that comes encoded, although
    the gateway asks for none, goes on decoded (`decodes`); one that cannot be decoded does not go on at all. Without patterns
    every byte goes on as it came. Times are Unix seconds, 0 where nothing came.
    """

    def __init__(
        self,
        content_type: str,
        content_encoding: str,
        patterns: tuple[bytes, ...],
        count: Callable[[Usage | None], None],
        share: Share,
    ) -> None:
        self._sse = content_type.lower().startswith("text/event-stream")
        self._decoder = encoding.Decoder(content_encoding)
        self._scrubber = Scrubber(patterns)
        self._count = count
        self._scanner = Scanner()
        self._kept = Kept(share)
        self._outcome = Outcome()
        self._passes = not patterns
        self.decodes = bool(patterns) and not self._decoder.plain
        self.first_byte_at = 0.0
        self.first_token_at = 0.0
        self.last_token_at = 0.0

    def __call__(self, chunk: bytes) -> bytes:
        """One chunk."""
        now = time.time()
        if chunk and not self.first_byte_at:
            self.first_byte_at = now
        data = self._decoder.feed(chunk)
        if not self._passes:
            data = self._scrubber.feed(data) if chunk else self._scrubber.end()
        self._kept.add(data)
        if self._sse:
            self._scan(data, now)
            if self._outcome.finished:
                self._count(self._outcome.usage)
        elif data:
            self._token(now)
        return chunk if self._passes else data

    @property
    def size(self) -> int:
        """How many bytes `end` has to work on."""
        return len(self._kept)

    @property
    def passed(self) -> int:
        """How many bytes came, decoded; not all of them need be kept."""
        return self._kept.passed

    def _scan(self, data: bytes, now: float) -> None:
        for event in self._scanner.feed(data):
            self._outcome = outcome.after(self._outcome, event)
            if outcome.brings_tokens(event):
                self._token(now)

    def _token(self, now: float) -> None:
        self.first_token_at = self.first_token_at or now
        self.last_token_at = now

    def end(self, broken: bool = False) -> tuple[bytes, Outcome, str]:
        """Once, when nothing more will come: the decoded body, its outcome, and what is wrong with the record of it.

        It may be called on any thread; the outcome's usage is the caller's to count. `broken`: the answer was broken off, so that
        its encoding has no end either.
        """
        body = bytes(self._kept)
        if self._sse:
            self._scan(b"\n\n", self.last_token_at)  # the last event may lack its empty line
        else:
            self._outcome = outcome.of_tail(self._kept.tail) if self._kept.cut else outcome.of_json(body)
        return body, self._outcome, self._kept.problem("answer") or self._decoder.end(broken)
