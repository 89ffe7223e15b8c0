"""Deliveries are processes of their own, for the stack that a work began with."""

import asyncio
import json
import os

from cli.pairing.harness import NOBODY, Person, eventually
from oneshot_cli.pairing import delivery
from oneshot_cli.pairing.works import Works


def test_the_places_lead_to_the_same_stack_later() -> None:
    given = {
        "ONESHOT_ENDPOINT": "a:1",
        "CODEX_HOME": "/c",
        "ONESHOT_DATA": "/d",
        "OPENAI_API_KEY": "sk-1",
        "PATH": "/bin",
    }
    assert delivery.the_places(given) == {"ONESHOT_ENDPOINT": "a:1", "CODEX_HOME": "/c", "ONESHOT_DATA": "/d"}


async def test_whoever_asks_elsewhere_the_work_goes_where_it_began(person: Person) -> None:
    await person.start()
    person.mend()
    await person.end()
    await asyncio.to_thread(person.kill_deliverers)
    misled = person.environment | {"ONESHOT_ENDPOINT": "127.0.0.1:9", "ONESHOT_PORT_CAPTURE": "9"}
    work = await delivery.send(person.works, person.work, misled)
    assert (work.state, work.trouble) == ("delivered", "")


async def test_what_is_owed_is_found_again_and_nothing_else(alone: Person) -> None:
    assert delivery.resume(alone.environment) == []
    await alone.start()
    await asyncio.to_thread(alone.kill_deliverers)
    assert [work.task_id for work in delivery.resume(alone.environment)] == [alone.work.task_id]
    await alone.tools().abort_task(NOBODY)
    await alone.sent()
    assert alone.work.settled
    assert delivery.resume(alone.environment) == []


async def test_who_is_cancelled_leaves_it_at_work(alone: Person) -> None:
    await alone.start()
    alone.mend()
    await alone.end()
    await asyncio.to_thread(alone.kill_deliverers)
    waiting = asyncio.create_task(delivery.send(alone.works, alone.work, alone.environment))
    await eventually(alone.deliverers)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert alone.deliverers(), "it goes on"
    alone.service.start()
    await eventually(lambda: alone.work.state == "delivered", what=lambda: alone.work)


async def test_a_delivery_that_breaks_says_why(alone: Person) -> None:
    await alone.start()
    await asyncio.to_thread(alone.kill_deliverers)
    broken = alone.environment | {"PYTHONPATH": str(alone.root / "broken")}
    (alone.root / "broken").mkdir()
    (alone.root / "broken" / "grpc.py").write_text("raise SystemExit('no grpc here')\n")
    work = await delivery.send(alone.works, alone.work, broken)
    assert work.trouble == "the delivery ended with 1; its log says: no grpc here"


async def test_it_outlives_whoever_started_it(alone: Person) -> None:
    await alone.start()
    (process,) = alone.deliverers()
    assert os.getsid(process.pid) == process.pid
    assert process.environ()["ONESHOT_STATE"] == str(Works.here(alone.environment).state)


async def test_a_delivery_that_cannot_be_started_is_no_failure_of_the_tool(alone: Person) -> None:
    await alone.start()
    alone.mend()
    await asyncio.to_thread(alone.kill_deliverers)
    log = alone.place / "delivery.log"
    log.unlink()
    log.mkdir()  # as good as a full disk
    told = await alone.end()
    assert told.text.startswith(f"Task {alone.work.task_id} is ended")
    assert "its delivery could not be started" in alone.work.trouble
    log.rmdir()
    alone.service.start()
    await alone.end()  # the same again has it delivered
    await eventually(lambda: alone.work.state == "delivered", what=lambda: alone.work)


async def test_the_same_start_again_has_it_delivered(alone: Person) -> None:
    await alone.start()
    await asyncio.to_thread(alone.kill_deliverers)
    alone.service.start()
    await alone.start()
    await eventually(lambda: not alone.work.owes, what=lambda: alone.work)


async def test_a_start_s_delivery_knows_what_to_hide_too(alone: Person) -> None:
    await alone.start()
    (process,) = alone.deliverers()
    assert isinstance(json.loads(process.environ()[delivery.HIDDEN]), list)
