"""A command: its words, variables, place and user, and how it ends."""

import json
import os
import time

from oneshot_orchestrator.contract import Exit, Role
from orchestrator import harness
from orchestrator.backends.contract.bench import SLEEP, SOAK, Bench, Box, fresh, own, shared

ODD = [
    "",
    " ",
    "a  b",
    "-n",
    "--",
    "*",
    "$HOME",
    "`id`",
    '"',
    "'",
    "\\",
    "a\nb\n",
    "\t",
    "ü€𝄞",
    "%s",
    "#",
    "~",
    "=",
    "\x7f",
]
COMMANDS = 200 if SOAK else 40


@shared
async def a_command_gets_its_words_as_they_are(box: Box) -> None:
    assert await box.says('for word; do printf "%s\\0" "$word"; done', *ODD) == "".join(f"{word}\0" for word in ODD)


@shared
async def a_word_of_a_hundred_thousand_letters_arrives_whole(box: Box) -> None:
    word = "xü" * 33_000 + "end"
    assert await box.says('printf %s "$1"', word) == word


@shared
async def a_variable_arrives_as_it_is(box: Box) -> None:
    variables = {f"V{number}": value for number, value in enumerate(ODD)}
    source = "import json, os, sys; print(json.dumps([os.environ[name] for name in sys.argv[1:]]))"
    ran = await box.run("python3", "-c", source, *variables, **variables)
    assert json.loads(ran.out) == ODD


@shared
async def an_empty_variable_is_set(box: Box) -> None:
    assert await box.says('echo "${V-unset}|${W-unset}"', V="") == "|unset\n"


@shared
async def variables_are_those_of_one_command_alone(box: Box) -> None:
    await box.says("true", ONLY_HERE="1")
    assert "ONLY_HERE" not in await box.says("env")


@shared
async def its_environment_holds_nothing_of_ours(box: Box) -> None:
    out = await box.says("env")
    assert harness.CANARY not in out
    assert "ONESHOT_ORCHESTRATOR" not in out
    assert "PYTEST_CURRENT_TEST" not in out


@shared
async def a_commands_place_is_the_tree(box: Box) -> None:
    assert await box.says("pwd -P; echo $PWD") == f"{box.sandbox.tree}\n" * 2
    assert await box.python("import os; print(os.getcwd())") == f"{box.sandbox.tree}\n"


@shared
async def a_command_runs_as_the_environments_user(box: Box) -> None:
    expected = f"{box.bench.environment.uid} {box.bench.environment.gid}\n"
    assert await box.says("echo $(id -u) $(id -g)") == expected


@own
async def a_supervisor_is_whom_the_backend_says_and_the_agent_beside_it_the_user(bench: Bench) -> None:
    async with bench.box(supervised=True) as box:
        uid = b"0" if bench.backend.supervisor_is_root else b"%d" % bench.environment.uid
        assert (await box.run("id", "-u", role=Role.SUPERVISOR)).out.strip() == uid
        assert await box.says("id -u") == f"{bench.environment.uid}\n"


@shared
async def home_is_a_folder_of_the_users_own_outside_of_the_tree(box: Box) -> None:
    home = await box.says('cd "$HOME" && echo x > mine && rm mine && mkdir -p .a/b && rmdir .a/b .a && pwd -P')
    assert not f"{home.strip()}/".startswith(f"{box.sandbox.tree}/")
    assert home.strip() != "/"


@shared
async def temporary_files_can_be_made_outside_of_the_tree(box: Box) -> None:
    made = await box.says('t=$(mktemp) && echo x > "$t" && echo "$t" && rm "$t"')
    assert not made.startswith(f"{box.sandbox.tree}/")
    assert await box.python("import tempfile; tempfile.TemporaryFile().write(b'x')") == ""


@shared
async def scratch_is_the_users_own_outside_of_the_tree(box: Box) -> None:
    await box.says('cd "$1" && mkdir -p s/t && echo x > s/t/u && rm -r s', box.sandbox.scratch)
    assert not f"{box.sandbox.scratch}/".startswith(f"{box.sandbox.tree}/")


@shared
async def standard_input_is_closed(box: Box) -> None:
    assert (await box.sh("cat; echo over", timeout=5)).out == b"over\n"


@shared
async def an_exit_code_arrives_as_it_is(box: Box) -> None:
    for code in (0, 1, 2, 126, 127, 128, 255):
        assert (await box.sh(f"exit {code}")).exit == Exit(code)


@shared
async def an_end_by_signal_is_128_and_its_number(box: Box) -> None:
    for signal in (1, 9, 11, 15):
        assert (await box.sh(f"kill -{signal} $$")).exit == Exit(128 + signal)


@shared
async def a_missing_program_is_a_result(box: Box) -> None:
    ran = await box.run("no-such-program")
    assert ran.exit.code in (126, 127)
    assert b"no-such-program" in ran.out + ran.err


@shared
async def a_file_that_is_no_program_is_a_result(box: Box) -> None:
    for program in (f"{box.sandbox.tree}/README.md", box.sandbox.tree):
        ran = await box.run(program)
        assert (ran.exit.code in (126, 127), b"denied" in ran.out + ran.err) == (True, True), ran


@shared
async def many_short_commands_run_one_after_the_other(box: Box) -> None:
    for number in range(COMMANDS):
        ran = await box.run("echo", str(number))
        assert (ran.exit, ran.out, ran.err) == (Exit(0), b"%d\n" % number, b"")


@shared
async def the_clock_is_ours(box: Box) -> None:
    assert abs(float(await box.says("date +%s")) - time.time()) < 5


@shared
async def text_is_utf_8(box: Box) -> None:
    script = "import sys; print('ü€', sys.getfilesystemencoding(), sys.stdout.encoding.lower())"
    assert await box.python(script) == "ü€ utf-8 utf-8\n"


@shared
async def the_sandboxs_programs_are_found(box: Box) -> None:
    for program in ("git", "sh", "python3", "pytest"):
        assert os.path.isabs((await box.says('command -v "$1"', program)).strip())  # noqa: PTH117 -- its path, not ours


@fresh
async def what_runs_in_the_background_outlives_its_command_and_not_the_stop(box: Box) -> None:
    await box.says(f"(setsid sleep {SLEEP} > /dev/null 2>&1 &); nohup sleep {SLEEP} > /dev/null 2>&1 &")
    await box.says("true")
    assert len(harness.marked(SLEEP)) >= 2
    await box.sandbox.stop()
    assert harness.marked(SLEEP) == []
