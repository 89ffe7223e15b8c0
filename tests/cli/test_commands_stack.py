"""oneshot up, status, down."""

import time

from cli.harness import House, await_line, end

SLOW = ("run", "hello-world", "--agent", "command", "--command", "sleep 300", "--backend", "local")


def test_status_starts_nothing_and_says_so_by_its_exit_code(own_house: House) -> None:
    status = own_house("status")
    assert status.code == 3
    assert status.out.startswith(f"No stack is up for {own_house.data}; ")
    assert own_house("status", "--json").json == {"up": False, "data": str(own_house.data), "services": []}
    assert own_house("down").out == f"No stack is up for {own_house.data}.\n"
    assert own_house.leftovers() == []


def test_up_status_down(own_house: House) -> None:
    up = own_house("up")
    assert up.code == 0
    assert up.out == f"The stack is up: data in {own_house.data}, logs in {own_house.data / 'state' / 'logs'}.\n"
    services = own_house.services()
    assert list(services) == ["capture", "proxy", "grader", "orchestrator"]
    assert own_house("up").code == 0
    assert own_house.services() == services, "it was joined"
    status = own_house("status")
    assert status.code == 0
    assert "idle for" in status.out
    assert own_house("down").out == "The stack is down.\n"
    assert own_house.leftovers() == []
    assert own_house("status").code == 3


def test_a_stack_at_work_is_left_alone_unless_forced(own_house: House) -> None:
    process = own_house.start(*SLOW)
    await_line(process, "agent at work")
    assert "orchestrator  process" in own_house("status").out
    assert "1 runs" in own_house("status").out
    down = own_house("down")
    assert down.code == 2
    assert down.sentence == "the stack is at work (1 runs); wait for it, or cancel what runs with --force"
    begun = time.monotonic()
    assert own_house("down", "--force").code == 0
    ended = end(process)
    assert ended.code == 130
    assert "was cancelled after" in ended.out
    assert time.monotonic() - begun < 15
    assert own_house.leftovers() == []
