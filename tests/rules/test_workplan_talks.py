"""The talk about a plan: its places, their names, where a thread stands and who may write."""

from __future__ import annotations

import pytest

from lab.rules.errors import Invalid
from lab.rules.review import ReviewState
from lab.rules.workplan_talks import (
    TalkState,
    name_of_place,
    names_of,
    places_of,
    read_answer,
    state_of_talk,
    talk_blockers,
)
from tests.factories import PLAN


def test_every_item_category_and_the_whole_can_be_commented_on() -> None:
    assert places_of(PLAN) == (
        "summary", "activities", "activities:a1", "milestones", "milestones:m1", "budget", "budget:staff",
        "budget:equipment", "whole",
    )  # fmt: skip
    assert places_of({}) == ("summary", "activities", "milestones", "budget", "whole")


@pytest.mark.parametrize(
    ("place", "name"),
    [("activities:a1", "Interview firms"), ("milestones:m1", "Needs known"), ("budget:staff", "Staff time"),
     ("activities:gone", "gone"), ("budget:gone", "gone")],
)  # fmt: skip
def test_an_item_is_called_by_its_name(place: str, name: str) -> None:
    assert name_of_place(place, names_of(PLAN, {"staff": "Staff time"})).params == {"name": name}


def test_a_section_is_called_by_its_own() -> None:
    assert name_of_place("whole", names_of(PLAN, {})).msgid == "The plan as a whole"
    assert name_of_place("unheard of", {}).msgid == "unheard of"


@pytest.mark.parametrize("plan", ReviewState)
@pytest.mark.parametrize("settled", [False, True])
@pytest.mark.parametrize("by_team", [False, True])
def test_where_a_thread_stands_and_who_may_write(plan: ReviewState, settled: bool, by_team: bool) -> None:
    decided = plan in ("accepted", "rejected")
    state = state_of_talk(settled=settled, by_team=by_team, plan=plan)
    assert state == ("settled" if settled or decided else "answered" if by_team else "open")
    assert isinstance(state, TalkState)
    refused = talk_blockers(plan, at_gate=True, settled=settled, by_team=by_team)
    assert bool(refused) == (decided or (settled and by_team))
    assert talk_blockers(plan, at_gate=False, settled=settled, by_team=by_team)


def test_an_answer_has_words_and_not_too_many() -> None:
    assert read_answer("  Done. \n") == "Done."
    for typed in ("", " \n", "x" * 4001):
        with pytest.raises(Invalid):
            read_answer(typed)
