"""A work is delivered whole and once, whoever is killed and whatever does not answer."""

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from cli.pairing.harness import NOBODY, Person, eventually, person
from oneshot_cli.pairing import deliver, delivery
from oneshot_cli.pairing.works import Work
from oneshot_shared.capture_core import Caller


async def whole(them: Person) -> Work:
    """The newest, which must be delivered, once and whole."""
    work = await them.sent()
    assert (work.state, work.trouble) == ("delivered", "")
    (folder,) = them.service.created
    assert (folder / "tests" / "tests.patch").exists()
    assert (folder / "environment" / "repo" / "README").read_text() == "calc\n"
    assert not (them.place / "git").exists()
    return work


@pytest.mark.parametrize("killed_before_end", [0.0, 0.4, 0.8])
@pytest.mark.parametrize("killed_after_end", [0.0, 0.3, 0.5, 0.7, 0.9, 1.1])
async def test_a_delivery_that_is_killed(person: Person, killed_before_end: float, killed_after_end: float) -> None:
    await person.start()
    await asyncio.sleep(killed_before_end)
    await asyncio.to_thread(person.kill_deliverers)
    person.mend()
    await person.end()
    await asyncio.sleep(killed_after_end)
    await asyncio.to_thread(person.kill_deliverers)
    await whole(person)


async def test_a_service_that_is_killed_in_between(person: Person) -> None:
    await person.start()
    await eventually(lambda: person.work.announced)
    person.service.kill()
    person.mend()
    await person.end()
    await eventually(lambda: person.work.trouble, what=lambda: person.work)
    assert person.work.trouble.startswith("no stack answers at 127.0.0.1:")
    status = await person.tools().task_status(NOBODY)
    assert "The last attempt to reach capture failed: no stack answers at" in status.text
    person.service.start()
    await whole(person)


async def test_a_service_that_is_killed_while_it_writes(person: Person) -> None:
    (person.top / "large").write_bytes(os.urandom(30_000_000))
    await person.start()
    person.mend()
    await person.end()
    for _ in range(3):
        await asyncio.sleep(0.5)
        person.service.kill()
        person.service.start()
    await whole(person)


async def test_a_stack_that_comes_later_gets_what_was_aborted_too(alone: Person) -> None:
    await alone.start("Never told")
    await alone.tools().abort_task(NOBODY)
    await alone.sent()
    assert alone.work.settled, "capture never heard of it, and need not"
    await alone.start()
    alone.mend()
    await alone.end()
    await asyncio.to_thread(alone.kill_deliverers)
    alone.service.start()
    assert [work.title for work in delivery.resume(alone.environment)] == ["Mend add"]
    await whole(alone)
    assert delivery.resume(alone.environment) == []


async def test_two_deliveries_at_once(alone: Person) -> None:
    await alone.start()
    alone.mend()
    await alone.end()
    alone.service.start()
    await asyncio.gather(*(delivery.send(alone.works, alone.work, alone.environment) for _ in range(4)))
    await whole(alone)
    assert len(await alone.service.tasks()) == 1


async def test_what_capture_refuses_is_ended_again() -> None:
    with person(PACK_MB="1") as them:
        them.service.start()
        await them.start()
        them.mend()
        (them.top / "huge").write_bytes(os.urandom(3_000_000))
        await them.end()
        work = await them.sent()
        assert work.state == "refused"
        assert "larger than 1048576 bytes" in work.trouble
        status = await them.tools().task_status(NOBODY)
        assert "refused: the content is larger" in status.text
        assert "End it again, mended, or abort it" in status.text
        assert delivery.resume(them.environment) == [], "it is not tried again"
        (them.top / "huge").unlink()
        await them.end()
        await whole(them)


async def test_what_capture_refuses_can_be_given_up() -> None:
    with person(PACK_MB="1") as them:
        them.service.start()
        await them.start()
        (them.top / "huge").write_bytes(os.urandom(3_000_000))
        await them.end()
        assert (await them.sent()).state == "refused"
        await them.start("Another")
        await them.tools().abort_task(NOBODY)
        first = them.works.all()[-1]
        await them.tools().abort_task(NOBODY, task_id=first.task_id)
        assert (await delivery.send(them.works, first, them.environment)).state == "aborted"
        assert [task.next_step[:7] for task in await them.service.tasks()].count("nothing") >= 1


async def test_it_goes_where_the_work_was_started(person: Person) -> None:
    await person.start()
    person.mend()
    elsewhere = {"ONESHOT_ENDPOINT": "127.0.0.1:9", "ONESHOT_DATA": "/nowhere", "ONESHOT_TOKEN_FILE": "/nowhere"}
    await person.tools(**elsewhere).end_task(NOBODY, summary="Mended.")
    await whole(person)


async def test_the_trees_are_safe_from_the_persons_own_tidying(person: Person) -> None:
    await person.start()
    await eventually(lambda: person.work.kept)
    person.mend()
    await person.end()
    person.service.kill()
    shutil.rmtree(person.top)
    person.service.start()
    await whole(person)


@pytest.fixture
def small_disk() -> Iterator[Person]:
    """A person whose state folder is a disk of its own, of 2 MiB."""
    with person() as them:
        state = them.root / "state"
        state.mkdir(mode=0o700)
        mount = ["mount", "-t", "tmpfs", "-o", "size=2m,mode=700", "none", str(state)]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("mounting is not allowed here")
        try:
            yield them
        finally:
            them.kill_deliverers()
            subprocess.run(["umount", str(state)], check=True)


async def test_a_full_disk(small_disk: Person) -> None:
    """The tool says so, nothing is half there, and with room it goes on."""
    them = small_disk
    (them.top / "large").write_bytes(os.urandom(5_000_000))
    with pytest.raises(OSError, match="No space left on device"):
        await them.start()
    assert them.works.all() == []
    assert not list((them.root / "state" / "works").glob("*/"))
    (them.top / "large").unlink()
    await them.start()
    them.mend()
    filler = them.root / "state" / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as out:
        while True:
            out.write(b"x" * 4096)
    with pytest.raises(OSError, match="No space left on device"):
        await them.end()
    assert them.work.state == "started"
    filler.unlink()
    await them.end()
    them.service.start()
    await whole(them)


async def test_without_an_agents_record_it_is_said(person: Person) -> None:
    caller = Caller("0199aaaa-bbbb", "call_1")
    await person.start(caller=caller)
    person.mend()
    await person.end(caller=caller)
    work = await whole(person)
    (remark,) = work.remarks
    assert remark.startswith("Codex's own record of the conversation '0199aaaa-bbbb' is not in ")


async def test_the_agents_record_goes_along(person: Person) -> None:
    folder = person.root / "codex" / "sessions" / "2026" / "01" / "01"
    folder.mkdir(parents=True)
    lines = [
        {"type": "session_meta", "timestamp": "2026-01-01T00:00:00Z", "payload": {"id": "0199aaaa-bbbb"}},
        {"type": "response_item", "payload": {"type": "message", "role": "user", "content": [{"text": "Mend it."}]}},
        {
            "type": "response_item",
            "payload": {"type": "function_call", "call_id": "call_1", "name": "repo_start_task_v1"},
        },
        {
            "type": "response_item",
            "payload": {"type": "function_call", "call_id": "call_2", "name": "repo_end_task_v1"},
        },
        {"type": "response_item", "payload": {"type": "message", "role": "user", "content": [{"text": "Later."}]}},
    ]
    (folder / "rollout-2026-01-01T00-00-00-0199aaaa-bbbb.jsonl").write_text(
        "".join(json.dumps(each) + "\n" for each in lines)
    )
    await person.start(caller=Caller("0199aaaa-bbbb", "call_1"))
    person.mend()
    await person.end(caller=Caller("0199aaaa-bbbb", "call_2"))
    assert (await whole(person)).remarks == ()
    (created,) = person.service.created
    kept = (created / "oneshot" / "trace" / "rollout.jsonl").read_text()
    assert "Mend it." in kept
    assert "Later." not in kept


async def test_a_delivery_has_an_end(alone: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    await alone.start()
    await asyncio.to_thread(alone.kill_deliverers)
    for name, value in alone.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(deliver, "_LIFE_SECONDS", 0.5)
    assert await asyncio.to_thread(deliver.main, alone.work.task_id) == 0
    assert alone.work.trouble == "capture was not done with it within 0.5 s"
    assert alone.work.owes
