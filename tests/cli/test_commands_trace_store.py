"""oneshot trace verify and prune."""

import pytest

from cli.harness import House
from oneshot_cli.commands_trace_store import seconds


@pytest.mark.parametrize(("age", "wanted"), [("30d", 2_592_000), ("2w", 1_209_600), ("12h", 43_200), ("0s", 0)])
def test_an_age_in_seconds(age: str, wanted: int) -> None:
    assert seconds(age) == wanted


@pytest.mark.parametrize("age", ["30", "d", "-1d", "1.5d", "30 d", "٣d", "9999999d"])
def test_nonsense_for_an_age(house: House, age: str) -> None:
    ended = house("trace", "prune", f"--older-than={age}")
    assert (ended.code, ended.out) == (2, "")
    assert ended.sentence == (
        f"the age {age!r} is no whole number with one of the units s, m, h, d, w; give for example 30d"
    )


def test_prune_must_be_told_what(house: House) -> None:
    ended = house("trace", "prune")
    assert (ended.code, ended.out) == (2, "")
    assert ended.sentence.startswith("nothing says which sessions go; name some, or give --older-than")


def test_sessions_and_an_age_together_are_refused(house: House) -> None:
    ended = house("trace", "prune", "live-1", "--older-than", "90d")
    assert (ended.code, ended.out) == (2, "")
    assert ended.sentence == "sessions and an age are given, and an age is for all sessions; give only one of the two"


def test_a_session_that_is_not_there(house: House) -> None:
    for command in ("verify", "prune"):
        ended = house("trace", command, "no-such-session")
        assert (ended.code, ended.out) == (2, "")
        assert ended.sentence.startswith("there is no session 'no-such-session'")
        assert ended.sentence.endswith("`oneshot trace list`")


@pytest.mark.parametrize("command", ["verify", "prune", "show"])
def test_an_empty_id_is_not_every_session(house: House, command: str) -> None:
    ended = house("trace", command, "")
    assert (ended.code, ended.out) == (2, "")
    assert ended.sentence == "the session id is empty; `oneshot trace list` shows those that there are"


def test_a_recorded_session_is_verified_and_pruned(own_house: House) -> None:
    run_id = own_house("demo", "--json").json["run_id"]
    verified = own_house("trace", "verify", run_id)
    assert (verified.code, verified.err) == (0, "")
    assert verified.out.startswith(f"{run_id}: ")
    assert verified.out.endswith(" MB, as recorded\n")
    (found,) = own_house("trace", "verify", "--json").json
    assert found == {"session_id": run_id, "calls": 4, "body_bytes": found["body_bytes"], "damaged": []}
    assert found["body_bytes"] > 100_000
    for command in ("verify", "prune"):
        assert repr(run_id) in own_house("trace", command, run_id[:-1]).sentence
    assert own_house("trace", "prune", "--older-than", "1d").out == "0 sessions deleted, 0.0 MB given back.\n"
    planned = own_house("trace", "prune", run_id, "--dry-run")
    assert planned.out.startswith(f"{run_id}\n1 session would be deleted, ")
    gone = own_house("trace", "prune", run_id, "--json")
    assert gone.json["session_ids"] == [run_id]
    assert isinstance(gone.json["freed_bytes"], int)
    assert own_house("trace", "verify", run_id).code == 2
