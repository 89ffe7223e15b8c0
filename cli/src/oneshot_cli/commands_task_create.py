"""oneshot task create: Codex does a piece of work alone, and a task is made of it."""

from typing import TYPE_CHECKING

import typer

from oneshot_cli import ending

if TYPE_CHECKING:
    from pathlib import Path

_PROMPT = """\
{words}

Capture this work as a task, with the tools of the MCP server `oneshot` (repo.start_task.v1 and repo.end_task.v1; search your tools for
them where they are not listed):
1. Call start_task before anything else changes, with a title of a few words. Where it says that the repository is not ready, call
   autofix_readiness and try again; where that does not help, stop and say why.
2. Do the work, with tests that fail without it and pass with it, and run them. Do not commit.
3. Call end_task with a summary; instructions from which another agent could do the same work without having seen any of this, and
   which do not give the answer away; a rubric of weighted criteria, each with how it is judged; and your tests.
"""


def create(
    words: str = typer.Argument(
        metavar="WORDS", help="What to do, as for Codex: 'Add a --json option to the list command'."
    ),
    model: str = typer.Option("", "--model", "-m", help="Model for Codex; without it, the one that Codex is set to."),
) -> None:
    """Let Codex do a piece of work in this repository, alone, and make a task of it; the last line is its folder."""

    async def work() -> int:
        from pathlib import Path

        from oneshot_cli import synth
        from oneshot_cli.pairing import telling
        from oneshot_cli.repository import where
        from oneshot_shared.errors import BadInput

        if not words.strip():
            raise BadInput("there is nothing to do; say what, as in oneshot task create 'Add a --json option'")
        _demand_nothing_open((await where.find(Path.cwd())).top)
        chosen = ["--model", model] if model else []
        paired = await synth.pair(["exec", "-s", "workspace-write", *chosen, _PROMPT.format(words=words.strip())])
        for each in reversed(paired.works):
            if each.result:
                print(telling.folder(each))
                return ending.PASS
        synth.say("no task was created; what Codex said above tells why")
        return paired.code or ending.FAIL

    ending.start(work())


def _demand_nothing_open(top: "Path") -> None:
    """:raises BadInput: a task is open, which Codex could not start another over."""
    from oneshot_cli.pairing.works import STARTED, Works
    from oneshot_shared.errors import BadInput

    for work in Works.here().of(top):
        if work.state == STARTED:
            raise BadInput(
                f"the task {work.title!r} is open in {top} since {work.started_at}; end it with `oneshot task end`, or give it up "
                "with `oneshot task abort`"
            )
