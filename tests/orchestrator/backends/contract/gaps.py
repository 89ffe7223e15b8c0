"""What a backend cannot do: a dictionary from a check's name to the reason."""

import pytest

from orchestrator.backends.contract.bench import CHECKS, Bench, Check

type Gaps = dict[str, str]


async def hold(bench: Bench, check: Check, gaps: Gaps) -> None:
    """Run a check. Where it is a gap it must fail by its own assertion: a gap that passes is an error."""
    if check.name not in gaps:
        await check.run(bench)
        return
    try:
        await check.run(bench)
    except AssertionError:
        pytest.xfail(gaps[check.name])
    pytest.fail(f"{check.name} is no gap: {bench.backend.name} passes it; take it off GAPS")


def unknown(gaps: Gaps) -> list[str]:
    """Gaps that name no check."""
    return sorted(gaps.keys() - {check.name for check in CHECKS})
