"""Awards at the gate and at the agreement with as much on them as people write: a plan, its versions, a negotiated text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lab import models as m
from lab.rules import calls
from lab.rules.agreement import text_hash, to_freeze
from lab.rules.facts import Actor, Role, Stage
from lab.rules.review import DocumentKind
from lab.services import agreement, amendment, clauses, documents, signing, workplan
from tests.factories import World, bring_to, join, make_award

ACTIVITIES, MILESTONES, LINES, COMMENTS = 20, 12, 20, 30
KEY = "financial_reporting"
SENT, WRITTEN = 1, 2


def fill_gate(session: Session, call: m.Call, people: dict[str, m.Person], now: datetime) -> dict[str, str]:
    """Five awards of one team, whose lead is ``people["applicant"]`` from now on: their codes by what they are for. Commits."""
    numbers = count(9001)
    first = _award(session, call, people, next(numbers), Stage.WORKPLAN, now)
    people["applicant"] = first.lead
    drafting = first
    reviewed, amended = (_next(first, next(numbers), Stage.WORKPLAN, now) for _ in range(2))
    negotiated, opened = (_next(first, next(numbers), Stage.AGREEMENT, now) for _ in range(2))
    _write(drafting, _plan(now))
    _hand_in_twice(reviewed, now)
    for world in (negotiated, opened):
        clauses.draft_agreement(world.actor(world.officer), now, world.code)
    for n in range(COMMENTS):
        who = negotiated.lead if n % 2 else negotiated.officer
        clauses.discuss_clause(
            negotiated.actor(who), now, negotiated.code, KEY, f"What we think of it, for the {n}th time. " * 4
        )
    _open(opened, now)
    _amend_twice(amended, now)
    session.commit()
    return {
        "drafting": drafting.code, "reviewed": reviewed.code, "negotiated": negotiated.code, "opened": opened.code,
        "amended": amended.code,
    }  # fmt: skip


def _award(
    session: Session, call: m.Call, people: dict[str, m.Person], number: int, stage: Stage, now: datetime
) -> World:
    award = make_award(
        session, call, people["officer"], number=number, code=f"gate-{number}", notice_on=now.date() - timedelta(days=5)
    )
    lead = join(session, award, Role.LEAD, name="Ana Applicant", email="bench-applicant@example.org")
    world = World(
        session=session, call=call, award=award, lead=lead, member=lead, mentor=people["mentor"], committee=people["committee"],
        officer=people["officer"], finance=people["finance"], admin=people["officer"], other_award=award, other_lead=lead,
        other_committee=people["committee"],
    )  # fmt: skip
    bring_to(world, stage, now)
    return world


def _next(first: World, number: int, stage: Stage, now: datetime) -> World:
    """One more award of the same team."""
    award = make_award(
        first.session, first.call, first.officer, number=number, code=f"gate-{number}", notice_on=first.award.notice_on
    )
    first.session.add(m.TeamMember(award_id=award.id, person_id=first.lead.id, role=Role.LEAD, since=now))
    world = replace(first, award=award, other_award=award)
    bring_to(world, stage, now)
    return world


def _plan(now: datetime, words: str = "with everybody who is to use it") -> dict[str, Any]:
    def day(n: int) -> str:
        return (now.date() + timedelta(days=n)).isoformat()

    return {
        "summary": "Small firms see their stock and supply chain on a phone. " * 10,
        "activities": [
            {"id": f"a{n}", "title": f"Activity {n} {words}", "owner": "Ana", "starts_on": day(30 + n), "ends_on": day(60 + n),
             "deliverable": f"Report {n}", "milestone": f"m{n % MILESTONES}"}
            for n in range(ACTIVITIES)
        ],
        "milestones": [
            {"id": f"m{n}", "stage": "prototyping", "title": f"Milestone {n}", "proof": "A report", "due_on": day(40 + n)}
            for n in range(MILESTONES)
        ],
        "budget": [
            {"id": f"b{n}", "category": "staff", "description": f"Line {n}", "quantity": "1", "unit_cost": str(30000 // LINES), "own": "",
             "activity": f"a{n % ACTIVITIES}"}
            for n in range(LINES)
        ],
    }  # fmt: skip


def _write(world: World, plan: dict[str, Any]) -> m.Document:
    document = world.session.scalars(
        select(m.Document).where(m.Document.award_id == world.award.id, m.Document.kind == "workplan")
    ).one()
    document.draft, document.draft_revision = plan, document.draft_revision + 1
    world.session.flush()
    return document


def _hand_in_twice(world: World, now: datetime) -> None:
    """Changes were asked for once; every activity has another wording since."""
    lead: Actor = world.actor(world.lead)
    document = documents.get_document(world.award, DocumentKind.WORKPLAN)
    for plan in (_plan(now), _plan(now, "with the firms alone")):
        _write(world, plan)
        version = documents.add_version(document, plan, lead, now)
        if version.number == 1:
            version.decision, version.decided_by, version.decided_at = "changes_requested", world.officer.id, now
    document.state = "submitted"
    world.session.flush()


def _open(world: World, now: datetime) -> None:
    """Due diligence is clear, and the text is frozen for signature."""
    session, body = world.session, calls.from_json(world.call.definition)
    for item in body.due_diligence:
        session.add(
            m.Check(award_id=world.award.id, checklist="due_diligence", key=item.key, note="Seen", by=world.officer.id, at=now)
        )  # fmt: skip
    session.flush()
    draft = session.scalars(
        select(m.Document.draft).where(m.Document.award_id == world.award.id, m.Document.kind == "agreement")
    ).one()
    agreement.open_agreement(world.actor(world.officer), now, world.code, "", to_freeze(draft)["hash"])


def _amend_twice(world: World, now: datetime) -> None:
    """In force, with two amendments of the scope, each of every activity: the first is sent, the second is being written."""
    lead, officer = world.actor(world.lead), world.actor(world.officer)
    number = workplan.submit_plan(lead, now, world.code, _write(world, _plan(now)).draft_revision)
    workplan.approve(officer, now, world.code, number)
    clauses.draft_agreement(officer, now, world.code)
    _open(world, now)
    frozen = world.session.scalars(
        select(m.Version.content)
        .join(m.Document)
        .where(m.Document.award_id == world.award.id, m.Document.kind == "agreement")
    ).one()
    for side, who in (("organisation", world.lead), ("ilo", world.officer)):
        signing.sign(world.actor(who), now, world.code, side, who.name, text_hash(frozen))
    asked = {"reason": "The firms asked for it. " * 10, "plan": _plan(now, "with the firms alone")}
    for number in (SENT, WRITTEN):
        assert amendment.start(lead, now, world.code, "scope") == number
        revision = amendment.save_draft(lead, now, world.code, number, asked, 0)
        if number == SENT:
            amendment.submit(lead, now, world.code, number, revision)


def rows(made: dict[str, str]) -> Iterator[tuple[str, str, str, int, int, int]]:
    """(page, path, who, statements, times hello, kilobytes): the bars of each page."""
    for page, award, path, who in (
        ("plan", "drafting", "workplan", "applicant"),
        ("plan, editor", "drafting", "workplan/edit", "applicant"),
        ("plan, what is missing", "drafting", "workplan/check", "applicant"),
        ("plan, offline", "drafting", "workplan/offline", "applicant"),
        ("plan, officer's review", "reviewed", "workplan/review", "officer"),
        ("plan, versions compared", "reviewed", "workplan/versions/2/changes", "officer"),
        ("agreement, negotiated", "negotiated", "agreement", "applicant"),
        ("clause with its talk", "negotiated", f"agreement/clauses/{KEY}", "applicant"),
        ("agreement, to be signed", "opened", "agreement", "applicant"),
        ("signatory", "opened", "agreement/signatory/organisation", "applicant"),
        ("amendment, officer's", "amended", f"amendments/{SENT}", "officer"),
        ("amendment, editor", "amended", f"amendments/{WRITTEN}/edit", "applicant"),
        ("amendment, before sending", "amended", f"amendments/{WRITTEN}/check", "applicant"),
    ):
        yield page, f"/awards/{made[award]}/{path}", who, 12, 40, 30
