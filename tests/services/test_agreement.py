"""The agreement: items cleared and reopened, a text that freezes, two signatures, and what each step makes due."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from lab import models as m
from lab.extensions import db
from lab.queries.diligence import waiting_documents
from lab.rules.agreement import DUE_DILIGENCE, text_hash
from lab.rules.errors import Invalid, LabError, NotAllowed, NotFound, Refused
from lab.rules.facts import PATH, Actor, Stage
from lab.services import agreement as service
from lab.services import award as awards
from lab.services import signing, stages
from tests.factories import START, World, add_document

WorldAt = Callable[..., World]
NOW = START + timedelta(hours=1)
SOON = datetime(2026, 3, 9, 23, tzinfo=UTC)
NAMES = {"organisation": "Lucía Lead", "ilo": "Olivia Officer"}


@pytest.fixture
def world(world_at: WorldAt) -> World:
    """An award whose workplan has just been approved."""
    world = world_at(Stage.AGREEMENT)
    stages._enter(world.award, Stage.AGREEMENT, START)
    return world.again()


def items(world: World, checklist: str = DUE_DILIGENCE) -> list[str]:
    return [item["key"] for item in world.call.definition[checklist]]


def clear(world: World, key: str, note: str = "Seen", checklist: str = DUE_DILIGENCE) -> None:
    if checklist == DUE_DILIGENCE and key in items(world) and not waiting_documents(world.session, world.award.id, key):
        add_document(world, key)
    service.clear_check(world.actor(world.officer), NOW, world.code, checklist, key, note)


def standing(world: World, checklist: str = DUE_DILIGENCE) -> dict[str, m.Check]:
    query = select(m.Check).where(m.Check.checklist == checklist, m.Check.closed_at.is_(None))
    return {check.key: check for check in world.session.scalars(query)}


def clear_all(world: World) -> None:
    for key in items(world):
        clear(world, key)


def opened(world: World) -> str:
    """Clear, open, and return the frozen text's hash."""
    clear_all(world)
    service.open_agreement(world.actor(world.officer), NOW, world.code)
    return text_hash(version(world).content)


def version(world: World) -> m.Version:
    query = select(m.Version).join(m.Document).where(m.Document.kind == "agreement")
    return world.session.scalars(query).one()


def sign(world: World, side: str, shown: str, name: str = "", now: datetime = NOW) -> None:
    who = world.lead if side == "organisation" else world.officer
    signing.sign(world.actor(who), now, world.code, side, name or NAMES[side], shown, "2001:db8::1")


def duties(world: World) -> dict[str, datetime]:
    rows = world.session.execute(
        select(m.Obligation.key, m.Obligation.due_at).where(
            m.Obligation.award_id == world.award.id, m.Obligation.state == "open"
        )
    )
    return {key: due_at for key, due_at in rows}


def events(world: World) -> list[m.Event]:
    return list(world.session.scalars(select(m.Event).where(m.Event.award_id == world.award.id).order_by(m.Event.seq)))


def mails(world: World, person: m.Person) -> list[str]:
    return list(world.session.scalars(select(m.Mail.body).where(m.Mail.to == person.email).order_by(m.Mail.id)))


def refused(world: World, act: Callable[[], object], kind: type[LabError] = Refused, match: str = "") -> None:
    """``act`` is refused, and nothing of the agreement is stored or sent."""
    before = _stored(world)
    with pytest.raises(kind, match=match or None):
        act()
    world.session.rollback()
    assert _stored(world) == before


def _stored(world: World) -> list[object]:
    tables = (m.Check, m.Document, m.Version, m.Signature, m.Event, m.Mail)
    return [
        *(len(world.session.scalars(select(table)).all()) for table in tables),
        world.session.scalar(select(m.Award.stage).where(m.Award.id == world.award.id)),
        sorted(duties(world).items()),
    ]


# Due diligence


def test_an_item_is_cleared_with_its_note_author_and_date(world: World) -> None:
    clear(world, "references", " Called two of three ")
    check = world.session.scalars(select(m.Check)).one()
    assert (check.checklist, check.key, check.note) == (DUE_DILIGENCE, "references", "Called two of three")
    assert (check.by, check.at) == (world.officer.id, NOW)
    assert (events(world)[-1].kind, events(world)[-1].details["item"]) == ("check_cleared", "references")
    assert "clear_due_diligence" in duties(world), "the other items are still open"


def test_the_last_item_discharges_due_diligence(world: World) -> None:
    clear_all(world)
    assert set(duties(world)) & {"clear_due_diligence", "open_agreement"} == {"open_agreement"}


def test_a_note_is_needed_and_the_item_must_be_one_of_the_call(world: World) -> None:
    refused(world, lambda: clear(world, "references", " "), Invalid, "what shows")
    refused(world, lambda: clear(world, "moon"), NotFound)
    refused(world, lambda: clear(world, "references", checklist="moon"), NotFound)
    refused(world, lambda: clear(world, "presentation_held"), NotFound)


def test_the_second_officer_is_told_who_was_first(world: World) -> None:
    clear(world, "references", "The first note")
    refused(world, lambda: clear(world, "references", "The second note"), match="Olivia Officer has cleared")
    assert world.session.scalars(select(m.Check.note)).one() == "The first note"


def test_an_organisation_that_is_too_young_keeps_due_diligence_open(world: World) -> None:
    world.award.organisation.registered_on = date(2019, 7, 1)
    world.again()
    refused(world, lambda: clear(world, "two_years"), match="cannot be cleared")
    world.award.organisation.registered_on = date(2019, 6, 30)
    world.again()
    clear(world, "two_years")


def test_an_item_is_reopened_and_due_again_before_the_signatures(world: World) -> None:
    clear_all(world)
    later = NOW + timedelta(days=3)
    service.reopen_check(world.actor(world.officer), later, world.code, DUE_DILIGENCE, "references")
    assert len(standing(world)) == len(items(world)) - 1
    assert duties(world)["clear_due_diligence"] == SOON + timedelta(days=3)
    assert [event.kind for event in events(world)][-2:] == ["check_cleared", "check_reopened"]
    assert [e.details["note"] for e in events(world) if e.details.get("item") == "references" and "note" in e.details]
    refused(
        world,
        lambda: service.reopen_check(world.actor(world.officer), later, world.code, DUE_DILIGENCE, "references"),
        match="open already",
    )
    clear(world, "references")
    assert "clear_due_diligence" not in duties(world)


def test_due_diligence_can_be_cleared_while_the_team_still_writes(world_at: WorldAt) -> None:
    world = world_at(Stage.WORKPLAN)
    clear_all(world)
    service.reopen_check(world.actor(world.officer), NOW, world.code, DUE_DILIGENCE, "references")
    assert "clear_due_diligence" not in duties(world), "it falls due with the agreement's stage"


@pytest.mark.parametrize("stage", [Stage.SUSPENDED, Stage.CLOSED, Stage.TERMINATED])
def test_a_stopped_award_is_not_checked(world_at: WorldAt, stage: Stage) -> None:
    world = world_at(stage)
    refused(world, lambda: clear(world, "references"), match="stage")
    refused(
        world,
        lambda: service.reopen_check(world.actor(world.officer), NOW, world.code, DUE_DILIGENCE, "references"),
        match="signature|stage",
    )


@pytest.mark.parametrize("stage", [stage for stage in PATH if stage is not Stage.PILOT])
def test_closing_is_ticked_in_the_pilot_only(world_at: WorldAt, stage: Stage) -> None:
    world = world_at(stage)
    refused(world, lambda: clear(world, "presentation_held", checklist="closing"), match="stage")


def test_an_item_of_closing_is_ticked_and_taken_back(world_at: WorldAt) -> None:
    world = world_at(Stage.PILOT)
    clear(world, "presentation_held", checklist="closing")
    service.reopen_check(world.actor(world.officer), NOW, world.code, "closing", "presentation_held")
    assert not standing(world, "closing")


# Opening


def test_opening_freezes_the_calls_clauses_in_the_awards_language(world: World) -> None:
    frozen = opened(world)
    found = version(world)
    assert found.content["language"] == "es" and found.content["hash"] == frozen
    assert [clause["key"] for clause in found.content["clauses"]] == items(world, "clauses")
    assert "30.000,00 dólares estadounidenses" in found.content["clauses"][2]["text"]
    assert world.award.organisation.legal_name in found.content["clauses"][0]["text"]
    document = world.session.scalars(select(m.Document).where(m.Document.kind == "agreement")).one()
    assert (document.number, document.state, found.number, found.submitted_by) == (
        1, "submitted", 1, world.officer.id,
    )  # fmt: skip


def test_opening_makes_both_signatures_due_and_tells_the_lead(world: World) -> None:
    opened(world)
    due = duties(world)
    assert "open_agreement" not in due
    assert due["sign_organisation"] == due["sign_ilo"] == SOON
    owed = {
        row.key: (row.debtor, row.creditor)
        for row in world.session.scalars(select(m.Obligation))
        if row.key.startswith("sign")
    }
    assert owed == {"sign_organisation": ("team", "officer"), "sign_ilo": ("officer", "team")}
    assert "/agreement" in mails(world, world.lead)[-1]
    assert events(world)[-1].kind == "agreement_opened"


def test_what_is_missing_is_refused_as_the_page_says_it(world_at: WorldAt) -> None:
    world = world_at(Stage.WORKPLAN)
    with pytest.raises(Refused) as reasons:
        service.open_agreement(world.actor(world.officer), NOW, world.code)
    assert len(reasons.value.reasons) == 2
    world.session.rollback()
    assert not world.session.scalars(select(m.Document).where(m.Document.kind == "agreement")).all()


def test_it_is_opened_once(world: World) -> None:
    opened(world)
    refused(world, lambda: service.open_agreement(world.actor(world.officer), NOW, world.code), match="open already")


def test_what_was_opened_does_not_change_with_the_call_or_the_award(world: World) -> None:
    frozen = opened(world)
    changed = {**world.call.definition, "clauses": world.call.definition["clauses"][::-1]}
    world.call.definition, world.call.definition_hash = changed, "another"
    world.award.project = "Another title"
    world.again()
    assert text_hash(version(world).content) == frozen
    sign(world, "organisation", frozen)


# Signing


def test_two_signatures_bring_it_into_force(world: World) -> None:
    frozen = opened(world)
    sign(world, "organisation", frozen)
    assert "sign_organisation" not in duties(world) and "sign_ilo" in duties(world)
    assert world.award.stage == Stage.AGREEMENT
    assert "brings it into force" in mails(world, world.officer)[-1]
    later = NOW + timedelta(days=1)
    sign(world, "ilo", frozen, now=later)
    assert world.award.stage == Stage.PROTOTYPING and world.award.prototyping_on == later.date()
    assert not {"sign_organisation", "sign_ilo"} & set(duties(world))
    assert any(key.startswith("boot_camp") for key in duties(world))
    document = world.session.scalars(select(m.Document).where(m.Document.kind == "agreement")).one()
    assert (document.state, version(world).decision) == ("accepted", "accepted")
    kinds = [event.kind for event in events(world)]
    assert kinds.count("agreement_signed") == 2 and "agreement_in_force" in kinds
    for person in (world.lead, world.officer):
        assert "in force" in mails(world, person)[-1]


def test_a_signature_says_who_signed_what_when_and_from_where(world: World) -> None:
    frozen = opened(world)
    sign(world, "organisation", frozen, " lucía  LEAD")
    signature = world.session.scalars(select(m.Signature)).one()
    assert (signature.side, signature.person_id, signature.typed_name) == (
        "organisation", world.lead.id, "lucía LEAD",
    )  # fmt: skip
    assert (signature.text_hash, signature.address, signature.at) == (frozen, "2001:db8::1", NOW)
    assert signature.version_id == version(world).id
    assert events(world)[-1].details["hash"] == frozen


def test_the_order_of_the_signatures_does_not_matter(world: World) -> None:
    frozen = opened(world)
    sign(world, "ilo", frozen)
    assert "brings it into force" in mails(world, world.lead)[-1]
    sign(world, "organisation", frozen)
    assert world.award.stage == Stage.PROTOTYPING


def test_what_is_no_signature_is_refused_and_not_kept(world: World) -> None:
    refused(world, lambda: sign(world, "organisation", ""), match="no agreement to sign yet")
    frozen = opened(world)
    refused(world, lambda: sign(world, "organisation", frozen, "Somebody Else"), Invalid, "Lucía Lead")
    refused(world, lambda: sign(world, "organisation", "0" * 64), match="not the one to be signed")
    refused(world, lambda: signing.sign(world.actor(world.lead), NOW, world.code, "moon", "x", frozen), NotFound)
    sign(world, "organisation", frozen)
    refused(world, lambda: sign(world, "organisation", frozen), match="signed already")
    sign(world, "ilo", frozen)
    refused(world, lambda: sign(world, "ilo", frozen), match="signed already")


@pytest.mark.parametrize("turn", ["suspend", "terminate"])
def test_a_stopped_award_is_not_signed(world: World, turn: str) -> None:
    frozen = opened(world)
    awards.steer(world.actor(world.officer), NOW, world.code, turn, "A question")
    refused(world, lambda: sign(world, "organisation", frozen), match="stage")
    refused(
        world,
        lambda: service.open_agreement(world.actor(world.officer), NOW, world.code),
        match="stage|open already",
    )


def test_nobody_signs_over_an_item_that_is_open_again(world: World) -> None:
    frozen = opened(world)
    service.reopen_check(world.actor(world.officer), NOW, world.code, DUE_DILIGENCE, "references")
    refused(world, lambda: sign(world, "organisation", frozen), match="open again")
    clear(world, "references")
    sign(world, "organisation", frozen)
    refused(
        world,
        lambda: service.reopen_check(world.actor(world.officer), NOW, world.code, DUE_DILIGENCE, "references"),
        match="bears a signature",
    )


# Who


def test_each_step_has_its_person(world: World) -> None:
    frozen = opened(world)
    officers: list[Callable[[Actor], object]] = [
        lambda actor: service.clear_check(actor, NOW, world.code, DUE_DILIGENCE, "references", "Seen"),
        lambda actor: service.reopen_check(actor, NOW, world.code, DUE_DILIGENCE, "references"),
        lambda actor: service.open_agreement(actor, NOW, world.code),
        lambda actor: signing.sign(actor, NOW, world.code, "ilo", actor.name, frozen),
    ]
    for who in ("lead", "member", "mentor", "committee", "finance"):
        for act in officers:
            refused(world, lambda act=act, who=who: act(world.actor(getattr(world, who))), NotAllowed)  # type: ignore[misc]
    # Of the team only the one who is named: by default the lead.
    for who in ("member", "mentor", "committee", "finance", "officer"):
        actor = world.actor(getattr(world, who))
        refused(
            world,
            lambda actor=actor: signing.sign(actor, NOW, world.code, "organisation", actor.name, frozen),  # type: ignore[misc]
            Refused if who == "member" else NotAllowed,
        )
    stranger = world.actor(world.other_lead)
    refused(world, lambda: signing.sign(stranger, NOW, world.code, "organisation", stranger.name, frozen), NotFound)


def test_two_at_once_have_one_effect_and_the_second_is_told(world: World, app: Flask, session: Session) -> None:
    """Two officers open it, and the lead's form arrives twice, each in a transaction of its own."""
    clear_all(world)
    officer, lead, code = world.actor(world.officer), world.actor(world.lead), world.code
    assert _at_once(app, lambda: service.open_agreement(officer, NOW, code)) == ["", "The agreement is open already."]
    session.expire_all()
    frozen = text_hash(version(world).content)
    answers = _at_once(app, lambda: signing.sign(lead, NOW, code, "organisation", lead.name, frozen))
    assert answers == ["", "This side has signed already."]
    session.expire_all()
    assert len(session.scalars(select(m.Signature)).all()) == 1
    assert [event.kind for event in events(world)].count("agreement_signed") == 1


def _at_once(app: Flask, act: Callable[[], None]) -> list[str]:
    """What two threads that start together are told; nothing for the one that did it."""
    start, answers = threading.Barrier(2), []

    def run() -> None:
        with app.app_context():
            start.wait()
            try:
                act()
                answers.append("")
            except LabError as error:
                answers.append(str(error))
            finally:
                db.session.rollback()

    db.session.rollback()
    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return sorted(answers)
