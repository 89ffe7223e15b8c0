"""The provider table: which model APIs are known, where they are, and which variable holds their key."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from oneshot_shared.errors import BadInput, NotReady, nearest


@dataclass(frozen=True)
class Provider:
    """A model API. `price_id` is the provider's id in the genai-prices table, empty where prices are not known.

    `wire_api` "responses": the Responses API and Chat Completions; "messages": Anthropic's Messages. An address ends where
    "/responses" or "/messages" follows; Anthropic's own convention, which leaves "/v1" out, is understood too.
    """

    name: str
    base_url: str
    base_url_variable: str
    key_variable: str
    wire_api: str = "responses"
    key_required: bool = True
    key_header: str = "authorization"
    price_id: str = ""


PROVIDERS = {
    provider.name: provider
    for provider in (
        Provider("openai", "https://api.openai.com/v1", "OPENAI_BASE_URL", "OPENAI_API_KEY", price_id="openai"),
        Provider(
            "openrouter",
            "https://openrouter.ai/api/v1",
            "OPENROUTER_BASE_URL",
            "OPENROUTER_API_KEY",
            price_id="openrouter",
        ),
        Provider(
            "azure",
            "",
            "AZURE_OPENAI_BASE_URL",
            "AZURE_OPENAI_API_KEY",
            key_header="api-key",
            price_id="azure",
        ),
        Provider(
            "anthropic",
            "https://api.anthropic.com/v1",
            "ANTHROPIC_BASE_URL",
            "ANTHROPIC_API_KEY",
            wire_api="messages",
            key_header="x-api-key",
            price_id="anthropic",
        ),
        Provider("vllm", "http://127.0.0.1:8000/v1", "VLLM_BASE_URL", "VLLM_API_KEY", key_required=False),
        Provider("compatible", "", "COMPATIBLE_BASE_URL", "COMPATIBLE_API_KEY", key_required=False),
    )
}
VARIABLES = frozenset(v for p in PROVIDERS.values() for v in (p.base_url_variable, p.key_variable))


@dataclass(frozen=True)
class Upstream:
    """A provider with the address and key to use; `repr` never shows the key."""

    provider: Provider
    base_url: str
    key: str

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        url = urlsplit(self.base_url)
        return url.hostname or "", url.port or (443 if url.scheme == "https" else 80)

    def __repr__(self) -> str:
        return f"Upstream({self.provider.name}, {self.base_url})"


def check_value(name: str, value: str) -> None:
    """:raises BadInput: a variable's value is none that can be sent; the value itself is never shown."""
    if not value.isprintable() or " " in value.strip():
        raise BadInput(f"the value of {name} holds a space, line break or control character; export it again without")


def base_url(provider: Provider, variables: Mapping[str, str]) -> str:
    """Where its API is, without a slash at the end; empty where that is not known."""
    given = (variables.get(provider.base_url_variable, "") or provider.base_url).rstrip("/")
    return f"{given}/v1" if given and provider.wire_api == "messages" and not given.endswith("/v1") else given


def find(name: str) -> Provider:
    """:raises BadInput: unknown name."""
    if name in PROVIDERS:
        return PROVIDERS[name]
    known = list(PROVIDERS)
    raise BadInput(f"provider {name!r} is unknown{nearest(name, known)}; known: {', '.join(known)}")


def resolve(name: str, variables: Mapping[str, str]) -> Upstream:
    """The upstream for a provider's name.

    :raises BadInput: unknown name. NotReady: its key or address is not set.
    """
    provider = find(name)
    given = variables.get(provider.base_url_variable, "") or provider.base_url
    if not given.startswith(("http://", "https://")):
        raise NotReady(
            f"provider {name!r} needs its address: set {provider.base_url_variable} to a URL that begins with http:// or "
            f"https:// and ends before /{provider.wire_api} (it is {given!r})"
        )
    if given.rstrip("/").endswith(("/responses", "/chat/completions", "/messages")):
        raise NotReady(f"{provider.base_url_variable} is {given!r}; leave the last part out: it is added for each call")
    _check_address(provider, given)
    key = variables.get(provider.key_variable, "")
    if provider.key_required and not key:
        raise NotReady(
            f"no key for provider {name!r}: export {provider.key_variable} and run again (after `docker compose up -d` "
            "where the stack is composed), or try without a key: oneshot demo"
        )
    return Upstream(provider, base_url(provider, variables), key)


def _check_address(provider: Provider, base_url: str) -> None:
    try:
        url = urlsplit(base_url)
        usable = bool(url.hostname) and url.port != 0
    except ValueError:
        usable = False
    if not usable or url.username or url.password or url.fragment:
        raise NotReady(
            f"{provider.base_url_variable} must be http(s)://host[:port]/path, without a user or password; set it again"
        )
