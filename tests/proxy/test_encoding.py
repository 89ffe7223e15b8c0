"""Content encodings undone."""

import gzip
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from oneshot_proxy.encoding import Decoder, decode

ENCODERS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
    "": bytes,
}


@given(st.binary(max_size=2000), st.sampled_from(sorted(ENCODERS)))
def test_what_was_encoded_comes_back(data: bytes, name: str) -> None:
    assert decode(ENCODERS[name](data), name.upper()) == (data, "")


def test_deflate_without_its_header_comes_back() -> None:
    encoder = zlib.compressobj(wbits=-15)
    assert decode(encoder.compress(b"hello" * 9) + encoder.flush(), "deflate") == (b"hello" * 9, "")


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
def test_a_bomb_is_cut_at_the_limit(name: str) -> None:
    body, problem = decode(ENCODERS[name](bytes(3_000_000)), name, limit=1_000_000)
    assert len(body) == 1_000_000
    assert "more than 1000000 bytes" in problem


@given(st.binary(max_size=300_000), st.sampled_from(sorted(ENCODERS)), st.integers(1, 100_000))
def test_chunks_come_back_as_they_come(data: bytes, name: str, size: int) -> None:
    decoder, sent = Decoder(name), ENCODERS[name](data)
    found = b"".join(decoder.feed(sent[at : at + size]) for at in range(0, len(sent), size))
    assert (found, decoder.end()) == (data, "")


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_several_frames_are_one_body(name: str) -> None:
    assert decode(ENCODERS[name](b"a") + ENCODERS[name](b"b" * 900), name) == (b"a" + b"b" * 900, "")


def test_a_window_of_zstd_is_bounded() -> None:
    how = zstandard.ZstdCompressionParameters(window_log=27)
    encoder = zstandard.ZstdCompressor(compression_params=how).compressobj()
    body, problem = decode(encoder.compress(b"a") + encoder.flush(), "zstd")
    assert body == b""
    assert problem.startswith("broken encoding")


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
def test_a_cut_body_shows_what_arrived(name: str) -> None:
    whole = bytes(range(256)) * 4000
    body, problem = decode(ENCODERS[name](whole)[:-3], name)
    assert whole.startswith(body)
    assert problem == "the encoded body ends early"


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd", "rot13"])
def test_what_cannot_be_decoded_is_not_kept(name: str) -> None:
    body, problem = decode(b"\x07not encoded at all", name)
    assert body == b""
    assert "encoding" in problem


@given(st.binary(max_size=200), st.sampled_from(sorted(ENCODERS)))
def test_any_bytes_are_read_without_an_error(data: bytes, name: str) -> None:
    decode(data, name)
