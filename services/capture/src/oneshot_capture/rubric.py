"""The rubric of a task whose author gave none."""

_DEFAULT = """\
[[criterion]]
id = "task_completion"
weight = 0.4
description = "What the instruction asks for is done, whole and exactly."
{completion}

[[criterion]]
id = "code_quality"
weight = 0.3
description = "The change is as small and clear as the request: it fits the code around it and leaves nothing behind."
decided_by = "judge"

[[criterion]]
id = "testing"
weight = 0.3
description = "Whatever worked before still works, and what is new has tests."
{testing}
"""
_JUDGE = 'decided_by = "judge"'


def default_rubric(has_tests: bool) -> bytes:
    """The default weights; tests decide what they can, where there are any."""
    by_tests = 'decided_by = "tests"\ntests = ["{}"]'
    completion, testing = (
        by_tests.format(group) if has_tests else _JUDGE for group in ("fail_to_pass", "pass_to_pass")
    )
    return _DEFAULT.format(completion=completion, testing=testing).encode()
