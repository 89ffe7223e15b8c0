"""The benchmark's model API; its sockets are what the benchmarks' own tests run."""

import json
import time

import pytest

from benchmarks import programs


def test_an_event_is_one_and_holds_the_time_of_its_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(programs.FOLDER))
    import model_api

    before = time.monotonic()
    kind, data, *rest = model_api.event(b"word").decode().splitlines()
    assert (kind, rest) == ("event: response.output_text.delta", [""])
    event = json.loads(data.removeprefix("data: "))
    assert event["type"] == "response.output_text.delta"
    assert before - 0.001 <= event["at"] <= time.monotonic() + 0.001
