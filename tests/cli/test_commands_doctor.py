"""The command: quick, harmless, and right about the next run."""

import time

from cli.harness import House
from oneshot_cli import doctor
from oneshot_cli.doctor.check import Check
from oneshot_cli.doctor.machine import Machine

KEY = "sk-canary-doctor"


def test_ready_is_what_run_would_do(house: House) -> None:
    before = set(house.root.rglob("*"))
    ended = house("doctor", "--json", "--backend", "local", OPENAI_API_KEY=KEY)
    assert (ended.code, ended.err) == (0, "")
    assert set(ended.json) == {"ready", "checks"}
    assert ended.json["ready"] is True
    assert all(set(check) == {"name", "state", "found", "mend"} for check in ended.json["checks"])
    assert all(check["mend"] for check in ended.json["checks"] if check["state"] in ("warn", "fail"))
    assert not any(check["mend"] for check in ended.json["checks"] if check["state"] in ("ok", "skip"))
    assert len({check["name"] for check in ended.json["checks"]}) == len(doctor.CHECKS)
    assert KEY not in ended.out
    assert set(house.root.rglob("*")) == before


def test_without_a_key_only_a_demo_would_start(own_house: House) -> None:
    begun = time.monotonic()
    ended = own_house("doctor", "--backend", "local")
    assert time.monotonic() - begun < 10, "3 s, on machines with nothing else to do"
    assert ended.code == 2
    assert ended.out.splitlines()[-1] == (
        "Not ready: 1 to mend; `oneshot demo` and --replay would start (backend local), they need no key"
    )
    assert own_house("demo", "--backend", "local").code == 0


def test_without_an_engine_the_next_run_is_local(house: House) -> None:
    ended = house("doctor", OPENAI_API_KEY=KEY, DOCKER_HOST="unix:///nonexistent.sock")
    assert ended.code == 0, ended.out
    assert "backend            local (no Docker engine answers at unix:///nonexistent.sock (no socket))" in ended.out
    assert "no Docker engine answers at unix:///nonexistent.sock (no socket)" in ended.out
    assert ended.out.splitlines()[-1] == "Ready: the next `oneshot run` would start (backend local)"


def test_a_check_that_breaks_hides_no_other(monkeypatch) -> None:
    def broken(machine: Machine) -> Check:
        raise KeyError("odd")

    monkeypatch.setattr(doctor, "CHECKS", (broken, doctor.system.python))
    first, second = doctor.examine(Machine("local"))
    assert (first.state, second.state) == ("warn", "ok")
    assert "KeyError: 'odd'" in first.found
