"""Settings come from environment variables; each service has one frozen model and a prefix of its own."""

import os
from pathlib import Path
from typing import Literal

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from oneshot_shared.errors import BadInput, NotReady, nearest, sentence


class ServiceSettings(BaseSettings):
    """What every service needs to be told."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    listen: str = "127.0.0.1:0"
    """Where to serve gRPC: host:port, or unix:/path."""
    token_file: Path
    """File (0600) whose content every caller must send as metadata."""
    data: Path
    """The data folder; each service writes only what it owns there."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """debug, info, warning or error."""
    exit_on_stdin_eof: bool = False
    """Stop when standard input ends: the embedded stack's services never outlive their supervisor."""

    def token(self) -> str:
        """What the token file holds. :raises NotReady: nothing, or it cannot be read."""
        try:
            token = self.token_file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise NotReady(f"the token file cannot be read ({sentence(error)}); make it, or name another") from None
        if not token:
            raise NotReady(f"the token file {self.token_file} is empty; write a random token into it")
        return token


def load[S: ServiceSettings](model: type[S]) -> S:
    """Read the settings, refusing unknown variables under the service's prefix.

    :raises BadInput: with the variable, what is wrong with it and the nearest known name.
    """
    prefix = model.model_config["env_prefix"]
    known = [f"{prefix}{name}".upper() for name in model.model_fields]
    for variable in os.environ:
        if variable.startswith(prefix) and variable not in known:
            raise BadInput(
                f"{variable} is no setting of this service{nearest(variable, known)}; known: {', '.join(known)}"
            )
    try:
        return model()  # type: ignore[call-arg] # pydantic-settings fills them from the environment
    except ValidationError as error:
        first = error.errors()[0]
        name = f"{prefix}{'_'.join(map(str, first['loc']))}".upper()
        raise BadInput(f"{name}: {first['msg']}; set it in the environment") from None
