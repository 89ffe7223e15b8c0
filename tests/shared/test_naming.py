"""Names and times."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneshot_shared import naming
from oneshot_shared.task import SLUG

MOMENT = datetime(2025, 8, 12, 23, 59, 59, 1000, UTC)


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Update README with 'hello world'", "update-readme-with-hello-world"),
        ("../../etc/passwd", "etc-passwd"),
        ("Größe über Null", "große-uber-null".replace("ß", "")),
        ("日本語", "task"),
        ("CON", "con"),
        ("--- -", "task"),
        ("a" * 59 + " b", "a" * 59),
    ],
)
def test_slug(title: str, slug: str) -> None:
    assert naming.slug(title) == slug


@given(st.text())
def test_every_title_becomes_a_task_folders_name(title: str) -> None:
    assert SLUG.fullmatch(naming.folder(title, MOMENT, lambda _: False))


def test_a_name_that_is_taken_is_a_second_later() -> None:
    taken = {"a_20250812_235959", "a_20250813_000000"}
    assert naming.folder("a", MOMENT, lambda _: False) == "a_20250812_235959"
    assert naming.folder("a", MOMENT, taken.__contains__) == "a_20250813_000001"


def test_rfc3339() -> None:
    assert naming.rfc3339(MOMENT) == "2025-08-12T23:59:59.001Z"
