"""`oneshot trace show` on a terminal."""

import os
import pty
import subprocess

from cli.harness import ONESHOT, House, end


def test_colours_only_on_a_terminal(house: House) -> None:
    ended = house("demo", "--backend", "local", "--json")
    assert ended.code == 0, ended
    outer, inner = pty.openpty()
    command = [ONESHOT, "trace", "show", ended.json["run_id"]]
    env = house.env | {"TERM": "xterm-256color", "COLUMNS": "60"}
    with subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=inner, stderr=subprocess.PIPE) as process:
        os.close(inner)
        seen = b""
        try:
            while piece := os.read(outer, 65536):
                seen += piece
        except OSError:  # the other end is closed
            pass
        assert process.wait(30) == 0
    os.close(outer)
    assert b"\x1b[1;36m\xe2\x97\x8f user" in seen
    assert b"\x1b" not in house("trace", "show", ended.json["run_id"]).out.encode()


def test_who_has_seen_enough_is_no_trouble(house: House) -> None:
    run_id = house("demo", "--backend", "local", "--json").json["run_id"]
    for command in (("show", run_id, "--full"), ("list",)):
        process = house.start("trace", *command)
        assert process.stdout
        process.stdout.close()
        process.stdout = None
        ended = end(process)
        assert (ended.code, ended.err) == (141, "")
