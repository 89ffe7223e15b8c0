"""What the proxy recorded of the work: its slice of a session, in a format, as a file. What comes is not trusted by its size."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from oneshot.capture.v1 import capture_pb2 as pb
from oneshot.proxy.v1 import proxy_pb2, proxy_pb2_grpc
from oneshot_shared.errors import sentence
from oneshot_shared.transfer import Incoming

_ANSWER_SECONDS = 10.0
_EXPORT_SECONDS = 120.0
_PAUSE_SECONDS = 0.5
_MOST_BYTES = 256 * 1024 * 1024
_MOST_LOSSES, _LOSS_LENGTH = 10, 500


class NotExported(RuntimeError):  # noqa: N818 -- it names what happened
    """Why there is no file, as the second half of a sentence."""


@dataclass(frozen=True)
class Recorded:
    """The part of a session that is one task's work. :raises NotExported: from every method, when it cannot be had."""

    proxy: "proxy_pb2_grpc.ProxyServiceAsyncStub"
    task: pb.CaptureTask

    @property
    def session_id(self) -> str:
        """The session in which the work ended; empty for none."""
        return self.task.ending.session_id or self.task.start.session_id

    async def check(self) -> None:
        """Whether the proxy answers and knows the session, soon."""
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                await self.proxy.GetSession(proxy_pb2.GetSessionRequest(session_id=self.session_id))
        except TimeoutError:
            raise NotExported(f"the proxy did not answer within {_ANSWER_SECONDS:.0f} s") from None
        except (OSError, RuntimeError, ValueError) as error:
            raise NotExported(sentence(error)) from None

    async def export(self, form: "proxy_pb2.TraceFormat", file: Path) -> list[str]:
        """Write the slice into a new file; what the format cannot carry of it, a sentence each.

        An agent calls a tool before the answer that told it to has ended: what is not recorded yet is waited for, for a while.
        """
        patience = time.monotonic() + (_ANSWER_SECONDS if self.task.ending.end_call_id else 0)
        try:
            async with asyncio.timeout(_EXPORT_SECONDS):
                losses, ended = await self._export(form, file)
                while not ended and time.monotonic() < patience:
                    await asyncio.sleep(_PAUSE_SECONDS)
                    losses, ended = await self._export(form, file)
        except TimeoutError:
            file.unlink(missing_ok=True)
            raise NotExported(f"the proxy did not send it within {_EXPORT_SECONDS:.0f} s") from None
        except (OSError, RuntimeError, ValueError) as error:
            file.unlink(missing_ok=True)
            raise NotExported(sentence(error)) from None
        return [loss[:_LOSS_LENGTH] for loss in losses[:_MOST_LOSSES]]

    async def _export(self, form: "proxy_pb2.TraceFormat", file: Path) -> tuple[list[str], bool]:
        """The losses, and whether the end is in it."""
        losses: list[str] = []
        ended = False
        request = proxy_pb2.ExportTraceRequest(session_id=self.session_id, format=form, slice=self._slice())
        with Incoming(_MOST_BYTES, file.open("w+b")) as incoming:
            async for message in self.proxy.ExportTrace(request):
                await asyncio.to_thread(incoming.take, message.chunk, message.sha256)
                losses += message.losses[:_MOST_LOSSES]
                ended = message.ended
            incoming.whole()
        return losses, ended

    def _slice(self) -> proxy_pb2.Slice:
        ending = self.task.ending
        return proxy_pb2.Slice(
            task_id=self.task.task_id,
            thread_id=ending.thread_id,
            begin_call_id=ending.begin_call_id,
            end_call_id=ending.end_call_id,
            repository=ending.repository,
            final_message=ending.summary,
        )
