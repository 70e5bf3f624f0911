"""What people write down for good."""

from __future__ import annotations

import pytest

from lab.rules.errors import Invalid
from lab.rules.records import MAX_BODY, MAX_TITLE, Written, read_record


def test_a_title_is_one_line_and_a_body_keeps_its_own() -> None:
    assert read_record("  Start \n small ", " One.\n\nTwo. \n") == Written("Start small", "One.\n\nTwo.")


@pytest.mark.parametrize(
    ("title", "body", "problems"),
    [
        ("", "Text", {"title": "needed"}),
        (" \n", "Text", {"title": "needed"}),
        ("Title", " \t\n", {"body": "needed"}),
        ("", "", {"title": "needed", "body": "needed"}),
        ("x" * (MAX_TITLE + 1), "Text", {"title": "300"}),
        ("Title", "x" * (MAX_BODY + 1), {"body": "20000"}),
    ],
)
def test_what_is_missing_or_too_long_is_named(title: str, body: str, problems: dict[str, str]) -> None:
    with pytest.raises(Invalid) as refused:
        read_record(title, body)
    assert set(refused.value.problems) == set(problems)
    for place, words in problems.items():
        assert words in str(refused.value.problems[place][0])


def test_the_limits_themselves_are_taken() -> None:
    assert len(read_record("x" * MAX_TITLE, "y" * MAX_BODY).body) == MAX_BODY
