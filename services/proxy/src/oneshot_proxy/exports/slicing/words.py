"""What a person said, told from what an agent puts into a person's mouth. Pure."""

import re

from oneshot_proxy.cassette import Item, text_of

# as Codex 0.163.0 writes them, each a message of the role user
_AGENTS_OWN = re.compile(
    r"\s*(?:<(environment_context|user_instructions|instructions|turn_aborted|skill|user_shell_command|subagent_notification|"
    r"context_window_reminder|current_time_reminder|image_resize_notice|recommended_plugins|codex_internal_context)\b.*</\1>\s*$"
    r"|# AGENTS\.md instructions\b|Another language model started to solve this problem\b"
    r"|You are performing a CONTEXT CHECKPOINT COMPACTION\b)",
    re.DOTALL | re.IGNORECASE,
)


def persons(item: Item) -> bool:
    """Whether an item of a request is a person's words."""
    if item.get("role") != "user" or item.get("type", "message") != "message":
        return False
    return not _AGENTS_OWN.match(text_of(item.get("content")))


def is_context(item: Item) -> bool:
    """Whether it is a message that stands before what a person says: instructions, the environment, definitions of tools."""
    kind = item.get("type", "message")
    if kind == "additional_tools":
        return True
    return kind == "message" and item.get("role") in ("system", "developer", "user") and not persons(item)


def last(items: list[Item], text: str | None = None) -> int:
    """Where a person's last words stand, or the last ones with this text; -1 where there are none."""
    for place in range(len(items) - 1, -1, -1):
        if persons(items[place]) and (text is None or text_of(items[place].get("content")) == text):
            return place
    return -1
