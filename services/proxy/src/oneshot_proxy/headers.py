"""Which headers are kept in a record: none that is a credential or says whose account it is. Pure."""

from collections.abc import Iterable
from functools import lru_cache

_DENIED = frozenset(
    {
        "cookie",
        "set-cookie",
        "chatgpt-account-id",
        "openai-organization",
        "openai-project",
        "anthropic-organization-id",
    }
)
_DENIED_PARTS = ("auth", "api-key", "apikey", "secret", "password", "credential", "attestation", "account-id", "cookie")
_DENIED_ENDS = ("token", "-key")
_SECRET_PARTS = ("authorization", "api-key", "apikey", "secret", "password", "credential")
_SECRET_ENDS = ("token", "-auth")
_DENIED_STARTS = ("proxy-",)


def kept(fields: Iterable[tuple[bytes, bytes]], patterns: tuple[bytes, ...]) -> tuple[tuple[str, str], ...]:
    """Names in lower case and values; those of one name are joined as HTTP allows it.

    A header whose name sounds like a credential is left out, and so is one that holds one of the patterns.
    """
    found: dict[str, list[str]] = {}
    for name, value in fields:
        plain = name.decode("latin-1").lower()
        if not _denied(plain) and not any(pattern in value or pattern in name for pattern in patterns):
            found.setdefault(plain, []).append(value.decode("utf-8", "replace"))
    return tuple((name, ", ".join(values)) for name, values in found.items())


def secret(name: str) -> bool:
    """Whether what a header of this name, in lower case, holds is a secret that must not stand anywhere else either."""
    return name.endswith(_SECRET_ENDS) or any(part in name for part in _SECRET_PARTS)


@lru_cache(1024)
def _denied(name: str) -> bool:
    return (
        name in _DENIED
        or name.startswith(_DENIED_STARTS)
        or name.endswith(_DENIED_ENDS)
        or any(part in name for part in _DENIED_PARTS)
    )
