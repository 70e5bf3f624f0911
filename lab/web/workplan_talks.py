"""What stands beside the items of a plan on its pages: the threads on them, what changed in them, a box for a comment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lab.forms.workplan_review import AnswerForm, ReviewForm
from lab.rules.facts import TEAM, Scope, Stage
from lab.rules.permissions import Action
from lab.rules.text import Message
from lab.rules.workplan_talks import (
    TALK_STATES,
    TalkState,
    name_of_place,
    names_of,
    places_of,
    state_of_talk,
    talk_blockers,
)
from lab.web.access import actor, allowed
from lab.web.words import instant, say
from lab.web.workplan_changes import Change, Comparison

if TYPE_CHECKING:
    from lab.models import Thread
    from lab.queries.workplan import WorkplanPage
    from lab.web.frame import Frame


@dataclass(frozen=True)
class Talk:
    """A thread on an item of a plan, for the macro ``thread``; ``version`` is the one that it was opened on."""

    id: int
    place: str
    section_label: str
    version: int
    state: str
    state_label: str
    comments: list[dict[str, str]]
    may_answer: bool
    may_settle: bool

    @property
    def settled(self) -> bool:
        """Whether it asks for nothing any more."""
        return self.state == TalkState.SETTLED

    @property
    def awaits_team(self) -> bool:
        """Whether the team's answer is awaited."""
        return self.state == TalkState.OPEN


def talks_of(page: WorkplanPage, frame: Frame, categories: Mapping[str, str]) -> dict[int, list[Talk]]:
    """The threads on each version, by its number; items are called as they were in it."""
    mine = bool(actor().roles_on(Scope(call_id=frame.award.call_id, award_id=frame.award.id)) & TEAM)
    found: dict[int, list[Talk]] = {}
    for version in page.versions:
        threads = page.threads_on(version)
        names = names_of(version.content, categories) if threads else {}
        found[version.number] = [_talk(thread, version.number, page, frame, names, mine) for thread in threads]
    return found


def _talk(
    thread: Thread, number: int, page: WorkplanPage, frame: Frame, names: Mapping[str, Message], mine: bool
) -> Talk:
    settled = thread.resolved_at is not None
    by_team = bool(thread.comments) and thread.comments[-1].author_id in page.team
    state = state_of_talk(settled=settled, by_team=by_team, plan=page.state)
    at_gate = frame.stage is Stage.WORKPLAN
    shut = talk_blockers(page.state, at_gate=at_gate, settled=settled, by_team=mine)
    return Talk(
        id=thread.id,
        place=thread.section,
        section_label=say(name_of_place(thread.section, names)),
        version=number,
        state=state,
        state_label=say(TALK_STATES[state]),
        comments=[{"author": c.author.name, "when": instant(c.at), "body": c.body} for c in thread.comments],
        may_answer=not shut and allowed(Action.ANSWER_WORKPLAN),
        may_settle=not shut and not settled and allowed(Action.REVIEW_WORKPLAN),
    )


@dataclass(frozen=True)
class Margin:
    """What stands beside the items of one content: ``talks`` by place, ``gone`` where the place is no longer in it."""

    talks: Mapping[str, list[Talk]] = field(default_factory=dict)
    gone: list[Talk] = field(default_factory=list)
    comparison: Comparison | None = None
    form: ReviewForm | None = None
    answers: Mapping[int, AnswerForm] = field(default_factory=dict)
    failed: int = 0
    homeless: list[Any] = field(default_factory=list)

    def at(self, place: str) -> list[Talk]:
        """The threads on a place, oldest first."""
        return self.talks.get(place, [])

    def box(self, place: str) -> Any:
        """The field for a comment on a place, on the officer's page."""
        return self.form.comment(place) if self.form is not None else None

    def change(self, section: str, key: str = "") -> Change | None:
        """What changed in an item, None when nothing did or nothing is compared."""
        return self.comparison.at(section, key) if self.comparison is not None else None

    def removed(self, section: str) -> list[Change]:
        """The items of a section that the earlier version had."""
        return self.comparison.removed(section) if self.comparison is not None else []


def margin_of(
    talks: list[Talk],
    content: Mapping[str, object],
    *,
    comparison: Comparison | None = None,
    form: ReviewForm | None = None,
    failed: tuple[int, AnswerForm] | None = None,
) -> Margin:
    """Threads and comments beside the items of ``content``; ``failed`` is an answer that was refused, as it was typed."""
    places = set(places_of(content))
    by_place: dict[str, list[Talk]] = {}
    for talk in talks:
        by_place.setdefault(talk.place, []).append(talk)
    # The officer's page is one form: there answers are its fields.
    answers = {talk.id: AnswerForm(formdata=None).about(talk.id) for talk in talks if talk.may_answer and not form}
    answers.update([failed] if failed else [])
    return Margin(
        talks={place: found for place, found in by_place.items() if place in places},
        gone=[talk for talk in talks if talk.place not in places],
        comparison=comparison,
        form=form,
        answers=answers,
        failed=failed[0] if failed else 0,
        # Typed on an item that a newer version has no longer: not lost.
        homeless=[form.comment(place) for place in form.places if place not in places] if form is not None else [],
    )
