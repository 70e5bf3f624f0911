"""The lab's rules: what a version, a comment and a boot camp need; who may read and take away which file."""

from __future__ import annotations

from datetime import date

import pytest

from lab.rules.errors import Invalid
from lab.rules.facts import Role, Stage
from lab.rules.lab import (
    MAX_LINK,
    MAX_TOPIC,
    PUBLISHING,
    check_camp,
    publishing_blockers,
    read_feedback,
    read_prototype,
    read_reply,
)
from lab.rules.records import MAX_BODY
from lab.rules.uploads import may_read, may_take_away


@pytest.mark.parametrize("stage", list(Stage))
def test_versions_are_published_in_prototyping_and_the_pilot_only(stage: Stage) -> None:
    assert (publishing_blockers(stage) == ()) is (stage in PUBLISHING)
    assert {Stage.PROTOTYPING, Stage.PILOT} == PUBLISHING


@pytest.mark.parametrize(
    "link",
    ["", "https://example.org/test", "http://localhost:8000", "HTTPS://Example.org", "https://ñandú.example/a?b=c#d"],
)
def test_addresses_that_are_taken(link: str) -> None:
    assert read_prototype("It counts stock.", f" {link} ").link == link


@pytest.mark.parametrize(
    "link",
    [
        "example.org", "javascript:alert(1)", "data:text/html,x", "ftp://example.org", "https://", "https:///path",
        "https://exa mple.org", "https://[::1", "https://example.org:port", "https://ilo.org@evil.example/",
        "https:\\\\evil.example", "https://example.org/\u202egpj.exe", "https://example.org/\x00", "//example.org",
    ],
)  # fmt: skip
def test_addresses_that_are_not(link: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_prototype("It counts stock.", link)
    assert set(refused.value.problems) == {"link"}


def test_a_version_needs_words_and_no_more_than_fit() -> None:
    for body, link, wrong in (
        ("", "", {"body"}),
        (" \n ", "x", {"body", "link"}),
        ("x" * (MAX_BODY + 1), "", {"body"}),
        ("x", "https://example.org/" + "x" * MAX_LINK, {"link"}),
    ):
        with pytest.raises(Invalid) as refused:
            read_prototype(body, link)
        assert set(refused.value.problems) == wrong
    assert read_prototype("  " + "x" * MAX_BODY, "").body == "x" * MAX_BODY
    assert read_prototype("one\n two ", "").body == "one\n two"


def test_a_comment_needs_a_topic_and_words() -> None:
    found = read_feedback("  Stock \n list ", " Too small. ")
    assert (found.topic, found.body) == ("Stock list", "Too small.")
    for topic, body, wrong in (
        ("", "", {"topic", "body"}),
        ("x" * (MAX_TOPIC + 1), "y", {"topic"}),
        ("x", "y" * (MAX_BODY + 1), {"body"}),
    ):
        with pytest.raises(Invalid) as refused:
            read_feedback(topic, body)
        assert set(refused.value.problems) == wrong
    assert read_reply(" yes ") == "yes"
    with pytest.raises(Invalid):
        read_reply(" \n")


def test_a_boot_camp_is_on_a_day_that_was_with_people_of_the_team() -> None:
    notice, today, team = date(2026, 2, 23), date(2026, 3, 2), {1: "Ana", 2: "Luis"}
    for day in (notice, today):
        check_camp(day, "", [1, 2], team, notice, today)
    for day, note, who, wrong in (
        (date(2026, 3, 3), "", [], {"held_on"}),
        (date(2026, 2, 22), "", [], {"held_on"}),
        (today, "", [3], {"attendees"}),
        (today, "x" * (MAX_BODY + 1), [], {"note"}),
    ):
        with pytest.raises(Invalid) as refused:
            check_camp(day, note, who, team, notice, today)
        assert set(refused.value.problems) == wrong


AROUND = {Role.LEAD, Role.MEMBER, Role.MENTOR, Role.COMMITTEE, Role.OFFICER, Role.FINANCE}
DRAFT_READERS = {Role.LEAD, Role.MEMBER, Role.OFFICER}


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("place", ["boot_camp:3", "prototype", "report:final_report:1"])
def test_who_reads_which_file(role: Role, place: str) -> None:
    drafts = AROUND if place.startswith("boot_camp") else DRAFT_READERS
    assert may_read({role}, place, handed_in=True, removed=False) is (role in AROUND)
    assert may_read({role}, place, handed_in=True, removed=True) is (role in AROUND)
    assert may_read({role}, place, handed_in=False, removed=False) is (role in drafts)
    assert not may_read({role}, place, handed_in=False, removed=True)
    assert not may_read(set(), place, handed_in=True, removed=False)


@pytest.mark.parametrize("role", [Role.LEAD, Role.MEMBER, Role.MENTOR, Role.OFFICER])
def test_who_takes_away_which_file(role: Role) -> None:
    runs_it = role in (Role.MENTOR, Role.OFFICER)
    assert may_take_away({role}, "boot_camp:3", own=False) is runs_it
    assert may_take_away({role}, "boot_camp:3", own=True)
    assert may_take_away({role}, "prototype", own=False)
    assert may_take_away({role}, "report:final_report:1", own=False)
