"""The part of a session in which one task was worked on, as a session of its own: the exports need not know of it."""
