"""The names of tests."""

import pytest

from oneshot_shared import testnames


@pytest.mark.parametrize(
    "path",
    [
        *["tests/x", "a/test/x", "src/__tests__/x.js", "test_a.py", "a/test_b.py", "a_test.py", "conftest.py"],
        *["pkg/a_test.go", "a.test.ts", "a.spec.tsx", "a.test.mjs", "a_spec.rb", "a_test.rb", "FooTest.java"],
        *["FooTests.cs", "FooTest.kt", "a_test.exs", "a_test.cc", "tests/\udcff"],
    ],
)
def test_looks_like_a_test(path: str) -> None:
    assert testnames.by_name(path.encode("utf-8", "surrogateescape"))


@pytest.mark.parametrize(
    "path", ["a.py", "test", "contest.py", "testing/x.py", "latest.ts", "spec/api.yaml", "a/tests.rs"]
)
def test_looks_like_none(path: str) -> None:
    assert not testnames.by_name(path.encode())
