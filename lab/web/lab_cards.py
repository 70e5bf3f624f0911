"""What the pages of the lab show, made ready for their templates: boot camps, versions, threads, and what is next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from flask import url_for
from flask_babel import gettext as _

from lab import clock
from lab.queries.upload import file_ids
from lab.rules.calendar import local_day
from lab.rules.calls import text
from lab.rules.facts import TEAM, Role, Scope, Stage
from lab.rules.lab import publishing_blockers
from lab.rules.permissions import Action
from lab.rules.uploads import may_take_away
from lab.web.access import actor, allowed
from lab.web.files import FileCard, card
from lab.web.task_links import NextStep
from lab.web.words import due, instant, locale

if TYPE_CHECKING:
    from lab.models import BootCamp, Thread, Upload, Version
    from lab.web.frame import Frame

BEFORE = (Stage.WORKPLAN, Stage.AGREEMENT)
EXCERPT = 220


@dataclass(frozen=True)
class CampCard:
    """A boot camp as planned and, once it was held, as recorded."""

    key: str
    place: str
    title: str
    goal: str
    where: str
    planned_on: date
    held_on: date | None
    attended: list[str]
    note: str
    files: list[FileCard]
    state: str
    state_label: str


@dataclass(frozen=True)
class VersionCard:
    """A published version, with how many comments it has and how many of them are open."""

    number: int
    body: str
    link: str
    who: str
    when: str
    files: list[FileCard]
    href: str
    comments: int = 0
    open: int = 0

    @property
    def excerpt(self) -> str:
        """The beginning of its text, on one line."""
        line = " ".join(self.body.split())
        return line if len(line) <= EXCERPT else line[:EXCERPT].rsplit(" ", 1)[0] + " …"


@dataclass(frozen=True)
class Talk:
    """A feedback thread, for the macro ``thread`` and for the list of open ones."""

    id: int
    section_label: str
    state: str
    state_label: str
    comments: list[dict[str, str]]
    version: int
    href: str
    open: bool
    for_team: bool
    due_text: str = ""
    note: str = ""


@dataclass(frozen=True)
class Shelf:
    """The files of an award's lab, by id."""

    award_code: str
    uploads: Mapping[int, Upload] = field(default_factory=dict)

    def of(self, content: Mapping[str, object]) -> list[FileCard]:
        """The files that a version names, also those that were taken away since."""
        found = (self.uploads.get(upload_id) for upload_id in file_ids(content))
        return [card(upload, self.award_code) for upload in found if upload is not None]

    def at(self, place: str, roles: frozenset[Role]) -> list[FileCard]:
        """The files that lie at a place; those that the reader may take away say so."""
        return [
            card(one, self.award_code, may_take_away(roles, place, own=one.uploaded_by == actor().person_id))
            for one in self.uploads.values()
            if one.place == place and one.removed_at is None
        ]


def roles_here(frame: Frame) -> frozenset[Role]:
    """The reader's roles on the award of the page."""
    return actor().roles_on(Scope(call_id=frame.award.call_id, award_id=frame.award.id))


def camp_cards(frame: Frame, camps: Iterable[BootCamp], shelf: Shelf) -> list[CampCard]:
    """The boot camps in the order planned, named as the call names them."""
    plans = {plan.key: plan for plan in frame.definition.boot_camps}
    dues = {owed.key: due(owed.due_at, frame.definition.time_zone) for owed in frame.obligations}
    roles = roles_here(frame)
    found = []
    for camp in camps:
        plan, owed = plans.get(camp.key), dues.get(f"boot_camp:{camp.key}")
        late = owed is not None and owed.tone == "late"
        state = "attended" if camp.held_on else "late" if late else "plain"
        label = (
            _("Held")
            if camp.held_on
            else _("Not recorded yet: %(due)s", due=owed.label)
            if late and owed
            else _("Planned")
        )
        found.append(
            CampCard(
                key=camp.key, place=f"boot_camp:{camp.id}", title=text(plan.title, locale()) if plan else camp.key,
                goal=text(plan.goal, locale()) if plan else "", where=plan.place if plan else "",
                planned_on=camp.planned_on, held_on=camp.held_on, note=camp.note,
                attended=sorted(one.name for one in camp.attendance), files=shelf.at(f"boot_camp:{camp.id}", roles),
                state=state, state_label=label,
            )
        )  # fmt: skip
    return found


def version_card(version: Version, shelf: Shelf, talks: Iterable[Talk] = ()) -> VersionCard:
    """One version. Its submitter must be loaded."""
    counts = Counter(talk.open for talk in talks if talk.version == version.number)
    return VersionCard(
        number=version.number,
        body=str(version.content.get("body", "")),
        link=str(version.content.get("link", "")),
        who=version.submitter.name,
        when=instant(version.submitted_at),
        files=shelf.of(version.content),
        href=url_for("lab.version", award_code=shelf.award_code, number=version.number),
        comments=counts.total(),
        open=counts[True],
    )


def talks_of(frame: Frame, threads: Iterable[Thread], numbers: Mapping[int, int]) -> list[Talk]:
    """The threads, open ones first, oldest first; ``numbers`` is version id → number."""
    dues = {owed.key: due(owed.due_at, frame.definition.time_zone) for owed in frame.obligations}
    talks = []
    for thread in threads:
        owed = dues.get(f"thread:{thread.id}")
        is_open, for_team = thread.resolved_at is None, owed is not None
        if not is_open:
            state, label = "resolved", _("Resolved %(when)s", when=instant(thread.resolved_at))
        elif owed is not None:
            state, label = (
                ("late" if owed.tone == "late" else "changes"),
                _("The team answers: %(due)s", due=owed.label),
            )
        else:
            state, label = "open", _("Answered: to be read by the mentor")
        number = numbers[thread.version_id]
        talks.append(
            Talk(
                id=thread.id, section_label=thread.section, state=state, state_label=label,
                comments=[{"author": c.author.name, "when": instant(c.at), "body": c.body} for c in thread.comments],
                version=number, open=is_open, for_team=for_team, due_text=owed.label if owed else "",
                href=url_for("lab.version", award_code=frame.award.code, number=number, _anchor=f"thread-{thread.id}"),
            )
        )  # fmt: skip
    return sorted(talks, key=lambda talk: not talk.open)


def next_in_lab(frame: Frame, camps: list[CampCard], newest: int, talks: list[Talk]) -> NextStep | None:
    """What this reader does next in the lab, or whom it waits for; None once there is nothing left to do here."""
    code = frame.award.code
    if frame.ended or frame.stage in BEFORE or not camps:
        return None
    if frame.stage is Stage.SUSPENDED:
        return NextStep(_("The award is suspended"), _("Nothing is published until it is resumed."), tone="wait")
    waiting = [talk for talk in talks if talk.open]
    if roles_here(frame) & TEAM:
        return _team_step(code, newest, [talk for talk in waiting if talk.for_team])
    if allowed(Action.RESOLVE_THREAD):
        return _adviser_step(frame, camps, newest, [talk for talk in waiting if not talk.for_team])
    return None


def _team_step(code: str, newest: int, asked: list[Talk]) -> NextStep | None:
    if asked:
        return NextStep(
            _("Answer the comment on “%(topic)s”", topic=asked[0].section_label),
            _("Version %(number)s, %(due)s", number=asked[0].version, due=asked[0].due_text),
            asked[0].href,
            _("Read and answer"),
            "late" if asked[0].state == "late" else "",
        )
    if not newest:
        return NextStep(
            _("Publish a first version of the prototype"),
            _("A sketch that people can try is enough: mentors comment on it."),
            url_for("lab.publish", award_code=code),
            _("Write the first version"),
        )
    return None


def _adviser_step(frame: Frame, camps: list[CampCard], newest: int, answered: list[Talk]) -> NextStep | None:
    code, today = frame.award.code, local_day(clock.now(), frame.definition.time_zone)
    if answered:
        return NextStep(
            _("Read the team’s answer on “%(topic)s”", topic=answered[0].section_label),
            _("Version %(number)s: resolve the comment, or go on talking.", number=answered[0].version),
            answered[0].href,
            _("Read the answer"),
        )
    passed = next((camp for camp in camps if not camp.held_on and camp.planned_on <= today), None)
    if passed:
        return NextStep(
            _("Record the boot camp “%(title)s”", title=passed.title),
            _("When it was held, and who of the team was there."),
            url_for("lab.boot_camp", award_code=code, key=passed.key),
            _("Record it"),
            "late" if passed.state == "late" else "",
        )
    if not newest:
        return NextStep(
            _("The team publishes a first version"), _("You are told as soon as it can be tried."), tone="wait"
        )
    return None


def may_publish(frame: Frame) -> bool:
    """Whether the reader may write the next version now."""
    return allowed(Action.PUBLISH_PROTOTYPE) and not publishing_blockers(frame.stage)
