"""Keys are removed, however they are written and cut."""

import io
import json
import logging

import structlog
from hypothesis import given
from hypothesis import strategies as st

from oneshot_proxy import redact

KEY = "sk-canary/0123"


def test_every_spelling_is_removed_at_the_same_length() -> None:
    patterns = redact.spellings(KEY)
    text = f"{KEY} {json.dumps(KEY)} {KEY.replace('/', '%2F')} {KEY.replace('/', chr(92) + '/')}"
    cleaned = redact.clean_text(text, patterns)
    assert "canary" not in cleaned
    assert len(cleaned) == len(text)


def test_text_that_is_no_unicode_is_made_so() -> None:
    assert redact.clean_text("a\ud800b\udcff", ()) == "a?b?"


def test_placeholders_are_no_secrets() -> None:
    assert redact.spellings("EMPTY") == ()


@given(
    st.lists(st.sampled_from([b"sk-canary/0123", b"sk-", b"canary", b"/0123", b"\n", b"x", b"s"])), st.integers(1, 20)
)
def test_a_stream_gives_what_the_whole_would_give(parts: list[bytes], size: int) -> None:
    whole = b"".join(parts)
    scrubber = redact.Scrubber(redact.spellings(KEY))
    chunks = [whole[at : at + size] for at in range(0, len(whole), size)]
    passed = b"".join(scrubber.feed(chunk) for chunk in chunks) + scrubber.end()
    assert KEY.encode() not in passed
    assert passed == redact.clean(whole, redact.spellings(KEY))


def test_a_stream_holds_back_only_what_may_begin_a_key() -> None:
    scrubber = redact.Scrubber(redact.spellings(KEY))
    assert scrubber.feed(b"data: x\n\n") == b"data: x\n\n"
    assert scrubber.feed(b"data: sk-can") == b"data: "
    assert scrubber.feed(b"dy\n\n") == b"sk-candy\n\n"


def test_logs_are_cleaned_with_their_tracebacks() -> None:
    secrets = redact.Secrets()
    secrets.add(KEY)
    try:
        int(KEY)
    except ValueError as error:
        record = logging.LogRecord(
            "x", logging.ERROR, "f", 1, "no %s", (KEY,), (type(error), error, error.__traceback__)
        )
    assert redact.LogFilter(lambda: secrets.patterns).filter(record)
    assert "canary" not in logging.Formatter("%(message)s").format(record)
    assert "ValueError: invalid literal" in logging.Formatter("%(message)s").format(record)


def test_structlogs_lines_are_cleaned_too() -> None:
    secrets, said = redact.Secrets(), io.StringIO()
    secrets.add(KEY)
    logger = structlog.wrap_logger(structlog.PrintLogger(said))
    with redact.cleaned_logs(lambda: secrets.patterns):
        try:
            int(KEY)
        except ValueError:
            logger.exception(f"no {KEY}", deep={"key": [KEY]})
    assert KEY not in said.getvalue()
    assert "invalid literal" in said.getvalue()
    logger.error(KEY)
    assert KEY in said.getvalue()
