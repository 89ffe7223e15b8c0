"""The program that delivers works: python -m oneshot_cli.pairing.deliver TASK_ID..., below ONESHOT_STATE."""

import asyncio
import sys

from oneshot_cli.pairing import delivery
from oneshot_cli.pairing.works import Works
from oneshot_shared.errors import sentence


async def _all(task_ids: list[str]) -> int:
    works = Works.here()
    failed = 0
    for task_id in task_ids:
        try:
            await delivery.deliver(works, task_id)
        except (OSError, RuntimeError, ValueError) as error:  # a full disk: there is only the log to say so, if that
            print(f"oneshot: {task_id} is not delivered: {sentence(error)}", file=sys.stderr)
            failed = 1
    return failed


def main(*task_ids: str) -> int:
    """0, unless there is one of which nothing could even be written down."""
    return asyncio.run(_all(list(task_ids)))


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
