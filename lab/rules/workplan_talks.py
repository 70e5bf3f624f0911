"""The talk about a workplan (guide §6): which places can be commented on, where a thread stands, and who may still write."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from lab.rules.errors import Invalid
from lab.rules.review import ReviewState
from lab.rules.text import N_, M, Message
from lab.rules.workplan_changes import rows_of
from lab.rules.workplan_content import MAX_TEXT

WHOLE = "whole"
PLACE_NAMES: dict[str, str] = {
    "summary": N_("Summary"),
    WHOLE: N_("The plan as a whole"),
    "activities": N_("Activities"),
    "milestones": N_("Milestones"),
    "budget": N_("Budget"),
}
# What an item is called before its name.
ITEM_NAMES: dict[str, str] = {
    "activities": N_("Activity: %(name)s"),
    "milestones": N_("Milestone: %(name)s"),
    "budget": N_("Budget: %(name)s"),
}
# A party is told of answers at most once in so many minutes: what follows stands on the page that the mail leads to.
QUIET_MINUTES = 60


class TalkState(StrEnum):
    """Where a thread stands: the team's answer is awaited, it has come, or the officer is content."""

    OPEN = "open"
    ANSWERED = "answered"
    SETTLED = "settled"


TALK_STATES: dict[TalkState, str] = {
    TalkState.OPEN: N_("To be answered"),
    TalkState.ANSWERED: N_("Answered"),
    TalkState.SETTLED: N_("Settled"),
}


def state_of_talk(*, settled: bool, by_team: bool, plan: ReviewState) -> TalkState:
    """Where a thread stands; ``by_team``: the last word in it is the team's. A decided plan leaves nothing to answer."""
    if settled or plan in (ReviewState.ACCEPTED, ReviewState.REJECTED):
        return TalkState.SETTLED
    return TalkState.ANSWERED if by_team else TalkState.OPEN


def names_of(content: Mapping[str, object], categories: Mapping[str, str]) -> dict[str, Message]:
    """What everything that can be commented on in a plan is called, in the order of its page: sections, items,
    categories (which ``categories`` name), the whole."""
    found = {"summary": M(PLACE_NAMES["summary"])}
    for section in ("activities", "milestones"):
        found[section] = M(PLACE_NAMES[section])
        for key, row in rows_of(content, section).items():
            found[f"{section}:{key}"] = M(ITEM_NAMES[section], name=row["title"] or key)
    found["budget"] = M(PLACE_NAMES["budget"])
    for key in dict.fromkeys(row["category"] for row in rows_of(content, "budget").values() if row["category"]):
        found[f"budget:{key}"] = M(ITEM_NAMES["budget"], name=categories.get(key, key))
    return found | {WHOLE: M(PLACE_NAMES[WHOLE])}


def places_of(content: Mapping[str, object]) -> tuple[str, ...]:
    """Everything in a plan that can be commented on, in the order of its page."""
    return tuple(names_of(content, {}))


def name_of_place(place: str, names: Mapping[str, Message]) -> Message:
    """What a place is called by ``names`` (:func:`names_of`); one that is not there by its key."""
    if place in names:
        return names[place]
    section, _, key = place.partition(":")
    return M(ITEM_NAMES[section], name=key) if key and section in ITEM_NAMES else M(PLACE_NAMES.get(section, section))


def talk_blockers(plan: ReviewState, *, at_gate: bool, settled: bool, by_team: bool) -> tuple[Message, ...]:
    """Why nobody can write in a thread now, or the team cannot; empty when they can. An officer's answer reopens it."""
    if plan is ReviewState.ACCEPTED:
        return (M(N_("The plan is approved and frozen: its comments stay as they are.")),)
    if plan is ReviewState.REJECTED or not at_gate:
        return (M(N_("The award is no longer at the gate: the plan's comments stay as they are.")),)
    if settled and by_team:
        return (M(N_("The programme officer has settled this comment: there is nothing left to answer.")),)
    return ()


def read_answer(typed: str) -> str:
    """An answer in a thread as typed, without the space around it. Raises Invalid (``body``)."""
    text = typed.strip()
    if not text:
        raise Invalid({"body": M(N_("Write the answer before you send it."))})
    if len(text) > MAX_TEXT:
        raise Invalid({"body": M(N_("This is too long: keep it within %(limit)s characters."), limit=MAX_TEXT)})
    return text
