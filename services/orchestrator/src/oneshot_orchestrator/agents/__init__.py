"""Agents, one module each: codex.py (the Codex CLI), oracle.py (the reference), nop.py (nothing), command.py (a command)."""

from oneshot_orchestrator.agents.codex import Codex
from oneshot_orchestrator.agents.command import Command
from oneshot_orchestrator.agents.nop import Nop
from oneshot_orchestrator.agents.oracle import Oracle
from oneshot_orchestrator.contract import Agent
from oneshot_shared.errors import BadInput, nearest

AGENTS: dict[str, Agent] = {"codex": Codex(), "oracle": Oracle(), "nop": Nop(), "command": Command()}


def find(name: str) -> Agent:
    """The agent of a name. :raises BadInput: unknown."""
    if name not in AGENTS:
        raise BadInput(f"agent {name!r} is unknown{nearest(name, list(AGENTS))}; known: {', '.join(AGENTS)}")
    return AGENTS[name]
