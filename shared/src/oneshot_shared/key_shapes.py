"""Keys in texts that others will read, known by their shape: each becomes as many asterisks.

The same length keeps JSON, offsets and Content-Length as they were. Shapes: those that the issuers themselves give so that
scanners find them (GitHub's, GitLab's, Hugging Face's … prefixes), the `sk-` of OpenAI, Anthropic and others, AWS key ids, JSON
Web Tokens, private key blocks (RFC 7468), and the passwords of our own forward proxy. The library detect-secrets knows most of them too, but
names lines, not places, and of a private key no more than its first line; and without what it takes for passwords in examples a
cassette no longer replays.
"""

import re
from collections.abc import Iterable, Iterator

_REACH = 24 * 1024  # no match is longer
_BEFORE = 64  # nor looks further back
_MOST = b"{20,4096}"
_WORD = rb"[A-Za-z0-9_-]"
_SHAPES = (
    rb"sk-(?=" + _WORD + rb"{0,200}[0-9])" + _WORD + _MOST,
    rb"[rs]k_live_[0-9A-Za-z]{20,255}",
    rb"gh[pousr]_[A-Za-z0-9]{36,255}",
    rb"github_pat_[A-Za-z0-9_]{22,255}",
    rb"glpat-" + _WORD + rb"{20,255}",
    rb"hf_[A-Za-z0-9]{30,255}",
    rb"npm_[A-Za-z0-9]{36}",
    rb"pypi-AgE" + _WORD + _MOST,
    rb"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])",
    rb"AIza[0-9A-Za-z_-]{35}",
    rb"xox[abeprs]-[0-9A-Za-z-]{10,255}",
    rb"eyJ" + _WORD + rb"{10,4096}\.eyJ" + _WORD + rb"{10,8192}\." + _WORD + _MOST,
    rb"(?<=live-[0-9]{8}-[0-9]{6}-[0-9a-f]{6}:)" + _WORD + _MOST,
)
_BEGIN, _END = (rb"-----" + word + rb" [A-Z0-9 ]{0,30}PRIVATE KEY-----" for word in (b"BEGIN", b"END"))
_BREAK = rb"\\+[nrt]|[\r\n]"  # as it is, or in JSON, however deep; a quote ends every text
_BLOCK = (
    _BEGIN + rb"(?:(?:[A-Za-z0-9+/=:,. \t]|-(?!----)|" + _BREAK + rb"){0,20000}+" + _END
    + rb"|(?:[A-Za-z0-9+/=]|" + _BREAK + rb"){40,20000}+)"
)  # fmt: skip
# in JSON a key at a line's beginning follows the letter of an escape
_KEY = re.compile(rb"(?:(?<![A-Za-z0-9_+/-])|(?<=\\[bfnrt]))(?:" + rb"|".join(_SHAPES) + rb")|" + _BLOCK)


def masked(pieces: Iterable[bytes]) -> Iterator[tuple[bytes, int]]:
    """The same bytes in other pieces, and in each how many keys were masked. Memory: a piece and a little."""
    before, held = b"", b""  # what a key stands behind tells whether it is one
    for piece in pieces:
        held += piece
        cut = max(len(held) - _REACH, 0)
        text, at, count = _until(before, held, cut)
        before, held = (before + held[:at])[-_BEFORE:], held[at:]
        yield text, count
    text, _, count = _until(before, held, len(held))
    yield text, count


def _until(before: bytes, held: bytes, cut: int) -> tuple[bytes, int, int]:
    """Clean text, how much of `held` it is, and how many keys were in it: those that begin before the cut."""
    text, skipped = before + held, len(before)
    parts = []
    at, count = skipped, 0
    for match in _KEY.finditer(text, skipped):
        if match.start() - skipped >= cut:
            break
        parts += [text[at : match.start()], b"*" * (match.end() - match.start())]
        at, count = match.end(), count + 1
    end = max(at, skipped + cut)
    return b"".join([*parts, text[at:end]]), end - skipped, count


def clean(text: str) -> str:
    """A text without keys."""
    return b"".join(piece for piece, _ in masked([text.encode("utf-8", "surrogatepass")])).decode(
        "utf-8", "surrogatepass"
    )
