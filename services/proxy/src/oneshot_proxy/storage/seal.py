"""Small compressed pieces of a session's stream into large ones, so that what recurs in the session costs next to nothing.

Measured on the new bytes of 200 turns of Codex (12 MB): level 9 with one window over 8 MiB takes 0.03 s and 20 MB of memory, and
its result is 4 % larger than that of level 19 (1.3 s, 94 MB); blocks of 4 MiB are 2 % larger, of 16 MiB 2 % smaller.
"""

import sqlite3

import zstandard

from oneshot_proxy.storage import file

BLOCK_BYTES = 8 * 1024 * 1024
"""So much of the stream, before compression, makes a block; one piece may take it over that."""
_LEVEL = 9


def seal(connection: sqlite3.Connection, number: int) -> bool:
    """Make one block of what lies in `hot`; whether there is more.

    :raises zstandard.ZstdError: a piece cannot be read; nothing was changed. sqlite3.Error: likewise.
    """
    pieces, size = _pieces(connection, number)
    if not pieces:
        return False
    first, last = pieces[0][0], pieces[-1][0]
    block = _compressed([data for _, data in pieces], size)
    with file.transaction(connection):
        connection.execute("DELETE FROM hot WHERE session = ? AND start BETWEEN ? AND ?", (number, first, last))
        connection.execute("INSERT INTO blocks VALUES (?, ?, ?)", (number, first, block))
    return connection.execute("SELECT 1 FROM hot WHERE session = ? LIMIT 1", (number,)).fetchone() is not None


def _pieces(connection: sqlite3.Connection, number: int) -> tuple[list[tuple[int, bytes]], int]:
    """The first pieces that make a block, as they are stored, and how many bytes they hold."""
    pieces: list[tuple[int, bytes]] = []
    size = 0
    query = "SELECT start, data FROM hot WHERE session = ? ORDER BY start"
    for start, data in connection.execute(query, (number,)):
        if size >= BLOCK_BYTES:
            break
        pieces.append((start, data))
        size += zstandard.frame_content_size(data)
    return pieces, size


def _compressed(pieces: list[bytes], size: int) -> bytes:
    window = max(zstandard.WINDOWLOG_MIN, min((size - 1).bit_length(), BLOCK_BYTES.bit_length()))
    parameters = zstandard.ZstdCompressionParameters.from_level(
        _LEVEL, source_size=size, window_log=window, write_checksum=True, write_content_size=True
    )
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj(size=size)
    out = [compressor.compress(zstandard.decompress(piece)) for piece in pieces]
    return b"".join([*out, compressor.flush()])
