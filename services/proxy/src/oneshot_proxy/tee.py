"""The tee in a stream: bytes go on as they come, and what is needed for the record stays."""

import time
from collections.abc import Callable

from oneshot_proxy import encoding, offload, outcome
from oneshot_proxy.outcome import Outcome
from oneshot_proxy.redact import Scrubber
from oneshot_proxy.room import Kept, Share
from oneshot_proxy.sse import Scanner
from oneshot_proxy.usage import Usage


class Tee:
    """Called by mitmproxy with each chunk, and with nothing at the end; returns what goes on to the agent.

    `count` is called with the usage as soon as the answer says that it is whole. `patterns` never reach the agent: an
    upstream that echoes its key would otherwise put it into the sandbox. That works for bodies without content encoding,
    which is why the gateway asks for them so.
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
        self._encoding = content_encoding
        self._plain = content_encoding.strip().lower() in ("", "identity")
        self._scrubber = Scrubber(patterns)
        self._count = count
        self._scanner = Scanner()
        self._kept = Kept(share)
        self._outcome = Outcome()
        self._ended = False
        self.first_byte_at = 0.0

    def __call__(self, chunk: bytes) -> bytes:
        """One chunk."""
        if chunk and not self.first_byte_at:
            self.first_byte_at = time.time()
        if self._plain:
            chunk = self._scrubber.feed(chunk) if chunk else self._scrubber.end()
        self._kept.add(chunk)
        if self._plain and self._sse:
            self._scan(chunk)
            if self._outcome.finished:
                self._count(self._outcome.usage)
        return chunk

    @property
    def size(self) -> int:
        """About how many bytes `end` has to work on: how much comes out of encoded ones, only decoding tells."""
        return len(self._kept) if self._plain else max(len(self._kept), offload.LARGE)

    def _scan(self, data: bytes) -> None:
        for event in self._scanner.feed(data):
            self._outcome = outcome.after(self._outcome, event)

    def end(self) -> tuple[bytes, Outcome, str]:
        """Once, when nothing more will come: the decoded body, its outcome, and what is wrong with the record of it.

        It may be called on any thread; the outcome's usage is the caller's to count.
        """
        body, problem = encoding.decode(bytes(self._kept), self._encoding)
        if self._sse and not self._plain:
            self._scan(body)
        if self._sse:
            self._scan(b"\n\n")  # the last event may lack its empty line
        else:
            self._outcome = outcome.of_json(body)
        return body, self._outcome, self._kept.problem("answer") or problem
