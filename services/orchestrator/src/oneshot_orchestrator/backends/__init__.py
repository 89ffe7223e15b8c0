"""Backends: docker.py (containers; docker_engine, _images, _slots, _sandbox), local.py (processes here; local_sandbox)."""

from pathlib import Path

from oneshot_orchestrator.contract import Backend
from oneshot_orchestrator.settings import OrchestratorSettings
from oneshot_shared import needs


def make(name: str, settings: OrchestratorSettings, state: Path) -> Backend:
    """The backend of a name; its libraries are imported here and nowhere else. :raises BadInput: unknown name."""
    if name not in settings.backends:
        raise needs.unknown_backend(name, settings.backends)
    if name == "docker":
        from oneshot_orchestrator.backends.docker import DockerBackend

        return DockerBackend(settings, state)
    from oneshot_orchestrator.backends.local import LocalBackend

    return LocalBackend(settings, state)
