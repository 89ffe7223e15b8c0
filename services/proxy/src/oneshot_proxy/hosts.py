"""Which hosts are model APIs, and which of their paths are model calls: the one table of the forward door. Pure.

Only these hosts are ever intercepted. On them, only model calls are recorded: what else an account does there (login, usage,
key management) carries secrets that no header announces, and no export reads it; it passes and leaves no record.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from oneshot_shared.errors import BadInput
from oneshot_shared.providers import Provider

_AZURE = r"(?:/openai|/anthropic)?(?:/v1|/deployments/[^/]+)?"
_ANY = r"(?:/[^/]+)*?"
_CALL = re.compile(r"/(responses|chat/completions|messages)(/.*)?")
_WIRE_APIS = {"responses": "responses", "chat/completions": "chat", "messages": "messages"}
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_TLS_PORT = 443


@dataclass(frozen=True)
class ModelHost:
    """A model API. `name` is in lower case, and with a leading dot means every name below it.

    `root` is a regular expression for what stands before "/responses" in its paths; `price_id` as in `providers.Provider`.
    """

    name: str
    root: str
    price_id: str = ""
    port: int = _TLS_PORT

    def has(self, host: str, port: int) -> bool:
        """Whether it answers there."""
        same = host.endswith(self.name) if self.name.startswith(".") else host == self.name
        return same and port == self.port

    def wire_api(self, path: str) -> str | None:
        """The wire API of a model call, empty for one of no known API; None where the path is no model call."""
        plain = path.split("?", 1)[0]
        found = re.fullmatch(self.root + _CALL.pattern, plain)
        if found is None:
            return None
        return "" if found[2] else _WIRE_APIS[found[1]]


# a ChatGPT login is not paid by the token: its calls have no price
TABLE = (
    ModelHost("api.openai.com", "/v1", "openai"),
    ModelHost(".api.openai.com", "/v1", "openai"),
    ModelHost("chatgpt.com", "/backend-api/codex"),
    ModelHost(".chatgpt.com", "/backend-api/codex"),
    ModelHost("openrouter.ai", "/api/v1", "openrouter"),
    ModelHost("api.anthropic.com", "/v1", "anthropic"),
    ModelHost(".openai.azure.com", _AZURE, "azure"),
    ModelHost(".services.ai.azure.com", _AZURE, "azure"),
    ModelHost(".cognitiveservices.azure.com", _AZURE, "azure"),
)


def find(hosts: Iterable[ModelHost], host: str, port: int) -> ModelHost | None:
    """The first that answers there; None where it is no model API."""
    name = host.lower().rstrip(".")
    return next((each for each in hosts if each.has(name, port)), None)


def of_url(base_url: str, provider: Provider) -> ModelHost | None:
    """The host of a provider's base URL; None where it is none that can be used."""
    try:
        url = urlsplit(base_url)
        port = url.port or (_TLS_PORT if url.scheme == "https" else 80)
    except ValueError:
        return None
    return ModelHost(url.hostname, re.escape(url.path.rstrip("/")), provider.price_id, port) if url.hostname else None


def parse(setting: str) -> tuple[ModelHost, ...]:
    """Further hosts, as `host` or `host:port` with commas between them. :raises BadInput: one is none."""
    return tuple(_one(part.strip().lower()) for part in setting.split(",") if part.strip())


def _one(given: str) -> ModelHost:
    name, _, port = given.partition(":")
    usable = not port or (port.isascii() and port.isdecimal() and 0 < int(port) < 65536)
    if not usable or not _NAME.fullmatch(name.removeprefix(".")):
        raise BadInput(
            f"ONESHOT_PROXY_MODEL_HOSTS names {given!r}; give hosts such as 'llm.example.com:8443', with commas between them"
        )
    return ModelHost(name, _ANY, port=int(port or _TLS_PORT))
