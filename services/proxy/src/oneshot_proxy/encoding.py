"""Content encodings undone, with a cap, and as far as possible: a stream that was cut still shows what arrived."""

import zlib
from collections.abc import Callable
from typing import Any, Protocol

import brotli  # type: ignore[import-untyped] # it ships no types
import zstandard

MAX_BYTES = 64 * 1024 * 1024
_STEP = 256 * 1024
_PIECE = 64 * 1024  # what is left of the input is copied at each step
_ZSTD_STEP = 256  # zstandard gives all that comes out of what goes in: at most 128 KiB for four bytes
_ZSTD_WINDOW = 8 * 1024 * 1024  # what RFC 9659 lets a sender of the encoding "zstd" ask for


class _Frame(Protocol):
    """One frame of an encoding, or one member of gzip."""

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """Some decoded bytes, and the input that is left; neither means that more input is needed."""

    @property
    def ended(self) -> bool:
        """Whether the frame is whole."""


class Decoder:
    """Undoes an encoding chunk by chunk. Bytes in an unknown or broken one are not given out: nobody could see whether they hold a
    key. More than `limit` bytes are not given out either."""

    def __init__(self, encoding: str, limit: int = MAX_BYTES) -> None:
        name = encoding.strip().lower()
        self._limit = limit
        self._name = name
        self._given = 0
        self._make = _FRAMES.get(name)
        self._frame: _Frame | None = None
        self._problem = ""
        self.plain = name in ("", "identity")
        if not self.plain and self._make is None:
            self._problem = f"content encoding {encoding!r} is unknown; known: {', '.join(_FRAMES)}"

    def feed(self, data: bytes) -> bytes:
        """What the chunk decodes to."""
        if self.plain:
            return data
        out = bytearray()
        try:
            for start in range(0, len(data), _PIECE):
                self._decode(data[start : start + _PIECE], out)
        except (zlib.error, brotli.error, zstandard.ZstdError) as error:
            self._problem = f"broken encoding ({error})"
        self._given += len(out)
        return bytes(out)

    def _decode(self, data: bytes, out: bytearray) -> None:
        while not self._problem and self._make is not None and (data or self._frame):
            self._frame = self._frame or self._make(data)
            piece, data = self._frame.feed(data)
            out += piece
            self._cap(out)
            if self._frame.ended:
                self._frame = None
            elif not piece and not data:
                break

    def _cap(self, out: bytearray) -> None:
        room = self._limit - self._given
        if len(out) > room:
            del out[room:]
            self._problem = f"more than {self._limit} bytes after decoding {self._name}"

    def end(self, broken: bool = False) -> str:
        """A few words on what was wrong; empty where the encoded bytes were whole, or `broken` off and right so far."""
        return self._problem or ("the encoded body ends early" if self._frame is not None and not broken else "")


def decode(data: bytes, encoding: str, limit: int = MAX_BYTES) -> tuple[bytes, str]:
    """The decoded bytes, and a few words on what is wrong with them (empty when whole)."""
    decoder = Decoder(encoding, limit)
    out = decoder.feed(data)
    return out, decoder.end()


class _Zlib:
    """gzip, and deflate with its header or, as some send it, without."""

    def __init__(self, first: bytes) -> None:
        raw = first[:2] != b"\x1f\x8b" and (first[0] & 0x0F != 8 or int.from_bytes(first[:2]) % 31)
        self._inner = zlib.decompressobj(-zlib.MAX_WBITS if raw and len(first) > 1 else zlib.MAX_WBITS | 32)

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        piece = self._inner.decompress(data, _STEP)
        return piece, self._inner.unused_data if self._inner.eof else self._inner.unconsumed_tail

    @property
    def ended(self) -> bool:
        return self._inner.eof


class _Brotli:
    def __init__(self, first: bytes) -> None:
        self._inner: Any = brotli.Decompressor()

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        full = not self._inner.can_accept_more_data()
        piece = self._inner.process(b"" if full else data, output_buffer_limit=_STEP)
        return piece, data if full else b""

    @property
    def ended(self) -> bool:
        return bool(self._inner.is_finished())


class _Zstd:
    def __init__(self, first: bytes) -> None:
        self._inner: Any = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        out, at = bytearray(), 0
        while at < len(data) and len(out) < _STEP and not self._inner.eof:
            out += self._inner.decompress(data[at : at + _ZSTD_STEP])
            at += _ZSTD_STEP
        return bytes(out), self._inner.unused_data + data[at:]

    @property
    def ended(self) -> bool:
        return bool(self._inner.eof)


_FRAMES: dict[str, Callable[[bytes], _Frame]] = {
    "gzip": _Zlib,
    "x-gzip": _Zlib,
    "deflate": _Zlib,
    "br": _Brotli,
    "zstd": _Zstd,
}
