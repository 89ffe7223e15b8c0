"""The contract of a sandbox as one list of named checks; see README.md."""

from orchestrator.backends.contract import (  # noqa: F401 -- each registers its checks
    commands,
    concurrency,
    files,
    isolation,
    lifetime,
    limits,
    output,
    taking,
    timeouts,
)
from orchestrator.backends.contract.bench import CHECKS, Bench, Check, bench, gateway
from orchestrator.backends.contract.gaps import Gaps, hold, unknown

__all__ = ["CHECKS", "Bench", "Check", "Gaps", "bench", "gateway", "hold", "unknown"]
