"""Whether an instruction gives the answer away."""

import pytest

from oneshot_cli.pairing import leaks

PATCH = b"""\
diff --git a/calc.py b/calc.py
--- a/calc.py
+++ b/calc.py
@@ -2 +2,3 @@
-    return a - b
+    total = sum([a, b])
+    return total
+else:
""".splitlines()


@pytest.mark.parametrize(
    ("instructions", "found"),
    [
        ("Have add(a, b) return the sum.", []),
        ("Write\n\n    total  =  sum([a, b])\n", ["total = sum([a, b])"]),
        ("First total = sum([a, b]), then return total.", ["total = sum([a, b])"]),
        ("return a - b is wrong, else: it is fine", []),
        ("See +++ b/calc.py", []),
        ("", []),
    ],
)
def test_added_lines_word_for_word(instructions: str, found: list[str]) -> None:
    assert leaks.found(instructions, PATCH) == found


def test_a_few_are_enough() -> None:
    lines = [f"+value_number_{i} = {i}" for i in range(9)]
    found = leaks.found("\n".join(line[1:] for line in lines), [line.encode() for line in lines] * 2)
    assert found == ["value_number_0 = 0", "value_number_1 = 1", "value_number_2 = 2"]
    assert leaks.warning(found[:1]) == (
        "the instructions hold lines of the answer word for word ('value_number_0 = 0'); say what is wanted, not how it is done"
    )


def test_lines_that_are_no_text() -> None:
    assert leaks.found("abc", [b"+\xff\xfe\0" * 20, b""]) == []
