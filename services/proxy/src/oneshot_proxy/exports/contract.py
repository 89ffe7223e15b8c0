"""What every export is: read this first."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from oneshot_proxy.records import CallRecord, SessionRecord


@dataclass
class Losses:
    """What a format cannot carry of the session at hand, a sentence each, once; only what this very session has and loses.

    What a format never carries stands in its module's first words and in guides/traces.md, not here.

    losses.add("the encrypted reasoning in its answers")
    """

    sentences: list[str] = field(default_factory=list)
    ended: bool = False
    """Of a slice: whether the call that ended the task is recorded."""

    def add(self, sentence: str) -> None:
        """Name a loss; a second time is harmless. It ends the sentence "This format does not carry …"."""
        if sentence not in self.sentences:
            self.sentences.append(sentence)


@dataclass(frozen=True)
class Slice:
    """The part of a session between the call that started a task and the one that ended it, as `Slice` in proxy.proto has it.

    Empty strings where nothing was said.
    """

    task_id: str
    thread_id: str = ""
    begin_call_id: str = ""
    end_call_id: str = ""
    repository: str = ""
    final_message: str = ""


type Exporter = Callable[[SessionRecord, AsyncIterator[CallRecord], Losses], AsyncIterator[bytes]]
"""An async generator `export(session, calls, losses)` that yields the document in pieces of any size, none empty.

Calls come in the order of their start, each read only when it is asked for: hold what is new in each of them, never the calls
themselves, for every request repeats the whole conversation. `losses` is whole when the last piece was yielded.
"""
