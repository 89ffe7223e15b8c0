"""Memory for the bodies of calls in flight: so much for all of them together, so that no number of streams ends the process."""

MAX_KEPT = 32 * 1024 * 1024
"""Bytes that are kept of one body."""
DEFAULT = 128 * 1024 * 1024


class Room:
    """What is left of it. Used in the event loop's thread only."""

    def __init__(self, size: int = DEFAULT) -> None:
        self.left = size


class Share:
    """One call's part of the room."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._taken = 0
        self._over = False

    def take(self, wanted: int) -> int:
        """Take as much as is wanted, or as is left: so many bytes may be kept. None once it was given back: nobody would again."""
        if self._over:
            return 0
        taken = min(wanted, self._room.left)
        self._room.left -= taken
        self._taken += taken
        return taken

    def give_back(self) -> None:
        """All of it: the call is recorded."""
        self._room.left += self._taken
        self._taken, self._over = 0, True


class Kept:
    """The beginning of one body, as it comes: up to MAX_KEPT, and as long as there is room. What comes after a gap is not kept."""

    def __init__(self, share: Share) -> None:
        self._share = share
        self._data = bytearray()
        self.cut = False

    def __len__(self) -> int:
        return len(self._data)

    def __bytes__(self) -> bytes:
        return bytes(self._data)

    def add(self, chunk: bytes) -> None:
        """The next bytes."""
        if self.cut:
            return
        taken = self._share.take(min(len(chunk), MAX_KEPT - len(self._data)))
        self._data += chunk[:taken]
        self.cut = taken < len(chunk)

    def problem(self, what: str) -> str:
        """A few words where not all of it was kept; else empty. `what` names the body."""
        return f"only the first {len(self._data)} bytes of the {what} were kept" if self.cut else ""
