"""Memory for the bodies of calls in flight: so much for all of them together, so that no number of streams ends the process."""

MAX_KEPT = 32 * 1024 * 1024
"""Bytes that are kept of one body."""
DEFAULT = 128 * 1024 * 1024
_PARTS = 4
_TAIL = 16 * 1024


class Room:
    """So many bytes, in a larger room or by itself. Used in the event loop's thread only."""

    def __init__(self, size: int = DEFAULT, within: "Room | None" = None) -> None:
        self.size = size
        self._used = 0
        self._within = within

    def part(self) -> "Room":
        """What one session may take of it: none may leave nothing to the others."""
        return Room(self.size // _PARTS, self)

    @property
    def left(self) -> int:
        """How many bytes may still be taken."""
        mine = self.size - self._used
        return mine if self._within is None else min(mine, self._within.left)

    def use(self, size: int) -> None:
        """Take as many, no more than are left; a negative number gives them back."""
        self._used += size
        if self._within is not None:
            self._within.use(size)


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
        self._room.use(taken)
        self._taken += taken
        return taken

    def hold(self, size: int) -> bool:
        """Make it so many bytes, more or less than it was; False, and nothing has changed, where there is no room for them."""
        if size - self._taken > self._room.left:
            return False
        self._room.use(size - self._taken)
        self._taken = size
        return True

    def give_back(self) -> None:
        """All of it: the call is recorded."""
        self._room.use(-self._taken)
        self._taken, self._over = 0, True


class Kept:
    """The beginning of one body, as it comes: up to MAX_KEPT, and as long as there is room. What comes after a gap is not kept.

    `passed`: how many bytes came. `tail`: the last of them where the body is cut, whatever room there is: usage stands there.
    """

    def __init__(self, share: Share) -> None:
        self._share = share
        self._data = bytearray()
        self.cut = False
        self.passed = 0
        self.tail = b""

    def __len__(self) -> int:
        return len(self._data)

    def __bytes__(self) -> bytes:
        return bytes(self._data)

    def add(self, chunk: bytes) -> None:
        """The next bytes."""
        self.passed += len(chunk)
        if not self.cut:
            taken = self._share.take(min(len(chunk), MAX_KEPT - len(self._data)))
            self._data += chunk[:taken]
            self.cut, chunk = taken < len(chunk), chunk[taken:]
            self.tail = bytes(self._data[-_TAIL:]) if self.cut else b""
        if self.cut:
            self.tail = (self.tail + chunk)[-_TAIL:]

    def problem(self, what: str) -> str:
        """A few words where not all of it was kept; else empty. `what` names the body."""
        return f"only the first {len(self._data)} bytes of the {what} were kept" if self.cut else ""
