"""Content encodings undone, with a cap, and as far as possible: a stream that was cut still shows what arrived."""

import zlib

import brotli  # type: ignore[import-untyped] # it ships no types
import zstandard

MAX_BYTES = 64 * 1024 * 1024
_STEP = 256 * 1024


def decode(data: bytes, encoding: str, limit: int = MAX_BYTES) -> tuple[bytes, str]:
    """The decoded bytes, and a few words on what is wrong with them (empty when whole).

    Bytes in an unknown or broken encoding are not returned: nobody could see whether they hold a key.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return data, ""
    decoders = {"gzip": _zlib, "x-gzip": _zlib, "deflate": _zlib, "br": _brotli, "zstd": _zstd}
    if name not in decoders:
        return b"", f"content encoding {encoding!r} is unknown; known: gzip, deflate, br, zstd"
    out = bytearray()
    problem = decoders[name](data, out, limit)
    if len(out) > limit:
        return bytes(out[:limit]), f"more than {limit} bytes after decoding {name}"
    return bytes(out), problem


def _zlib(data: bytes, out: bytearray, limit: int) -> str:
    raw_deflate = data[:1] and data[:2] != b"\x1f\x8b" and (data[0] & 0x0F != 8 or int.from_bytes(data[:2]) % 31)
    decoder = zlib.decompressobj(-zlib.MAX_WBITS if raw_deflate else zlib.MAX_WBITS | 32)
    try:
        while len(out) <= limit:
            piece = decoder.decompress(data, _STEP)
            out += piece
            data = decoder.unconsumed_tail
            if decoder.eof or (not piece and not data):
                break
    except zlib.error as error:
        return f"broken encoding ({error})"
    return "" if decoder.eof or len(out) > limit else "the encoded body ends early"


def _brotli(data: bytes, out: bytearray, limit: int) -> str:
    decoder = brotli.Decompressor()
    try:
        out += decoder.process(data, output_buffer_limit=_STEP)
        while len(out) <= limit and not decoder.is_finished():
            piece = decoder.process(b"", output_buffer_limit=_STEP)
            if not piece:
                break
            out += piece
    except brotli.error as error:
        return f"broken encoding ({error})"
    return "" if decoder.is_finished() or len(out) > limit else "the encoded body ends early"


def _zstd(data: bytes, out: bytearray, limit: int) -> str:
    reader = zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True)
    try:
        while len(out) <= limit and (piece := reader.read(_STEP)):
            out += piece
    except zstandard.ZstdError as error:
        return f"broken encoding ({error})"
    return ""
