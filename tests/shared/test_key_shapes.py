"""Keys are known by their shape, wherever they stand and however the text comes in pieces."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneshot_shared import key_shapes

BODY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n" * 20
ENCRYPTED = f"-----BEGIN RSA PRIVATE KEY-----\nDEK-Info: AES-128-CBC,0\n\n{BODY}-----END RSA PRIVATE KEY-----"
KEYS = [
    "sk-proj-A1b2C3d4E5f6G7h8I9j0_K1l2-M3n4",
    "sk-ant-api03-abcdefghij0123456789",
    "sk-or-v1-" + "0123456789abcdef" * 4,
    "ghp_" + "a1B2" * 9,
    "github_pat_" + "a1B2" * 10,
    "glpat-" + "a1B2" * 6,
    "hf_" + "aBcD" * 9,
    "AKIAIOSFODNN7EXAMPLE",
    "AIza" + "b" * 35,
    "xoxb-1234567890-abcdef",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0." + "s" * 43,
    f"-----BEGIN RSA PRIVATE KEY-----\n{BODY}-----END RSA PRIVATE KEY-----",
]
INNOCENT = [
    "task-0123456789abcdef0123456789",
    "sk-short1",
    "sk-folding-cube-spinner-of-some-length",
    "-----BEGIN PUBLIC KEY-----",
    "-----BEGIN PRIVATE KEY----- is how it begins, and",
    "https://user:password@example.org/",
    "AKIAIOSFODNN7EXAMPLEAKIA",
    "c2stYWJjZGVmMDEyMzQ1Njc4OWFiY2RlZg==",
    "the ghp_ prefix",
]


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key[:12])
def test_a_key_becomes_asterisks_of_its_length(key: str) -> None:
    for text in ("{}", "key={} and", "\n{}\n", '"{}"', "a={}"):
        assert key_shapes.clean(text.format(key)) == text.format("*" * len(key))
    inside = json.dumps({"out": f"x\n{key}\n"})
    cleaned = json.loads(key_shapes.clean(inside))["out"]
    assert key.split("\n")[0] not in cleaned
    assert "MII" not in cleaned


@pytest.mark.parametrize("text", INNOCENT)
def test_what_is_no_key_stays(text: str) -> None:
    assert key_shapes.clean(f"a {text} b") == f"a {text} b"


def test_a_password_of_our_forward_proxy() -> None:
    text = "HTTPS_PROXY=http://live-20261125-041500-a1b2c3:abcDEF0123456789abcDEF_-@127.0.0.1:18080"
    assert key_shapes.clean(text) == text.replace("abcDEF0123456789abcDEF_-", "*" * 24)


def test_a_block_that_is_cut_off_and_one_in_json() -> None:
    begun = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{BODY}"
    assert key_shapes.clean(f"{begun}(cut)") == "*" * len(begun) + "(cut)"
    for text in (begun, f'{begun}"', ENCRYPTED):
        inner = json.dumps({"text": text})
        for whole in (inner, json.dumps({"inner": inner})):
            cleaned = key_shapes.clean(whole)
            assert len(json.loads(cleaned)) == 1
            assert "MII" not in cleaned


@given(st.lists(st.sampled_from([*KEYS, *INNOCENT, "x" * 30_000, "\n", "é", " "])), st.integers(1, 50_000))
def test_pieces_make_no_difference(parts: list[str], size: int) -> None:
    data = "\n".join(parts).encode()
    whole, count = (
        b"".join(piece for piece, _ in key_shapes.masked([data])),
        sum(n for _, n in key_shapes.masked([data])),
    )
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    cleaned = list(key_shapes.masked(pieces))
    assert b"".join(piece for piece, _ in cleaned) == whole
    assert sum(n for _, n in cleaned) == count
    assert len(whole) == len(data)
    assert count == sum(part in KEYS for part in parts) or "-----BEGIN OPENSSH" in "".join(
        parts
    )  # it takes lines to come
