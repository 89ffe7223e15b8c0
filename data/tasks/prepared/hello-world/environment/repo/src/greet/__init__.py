"""Greets people by name."""


def greet(*names: str) -> str:
    """One greeting for everybody named."""
    return f"Hello, {_together(names)}!"


def farewell(*names: str) -> str:
    """One farewell for everybody named."""
    return f"Goodbye, {_together(names)}!"


def _together(names: tuple[str, ...]) -> str:
    if not names:
        return "world"
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
