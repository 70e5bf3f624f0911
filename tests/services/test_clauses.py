"""Clauses negotiated by both sides, frozen and taken back; documents that run out; what the signed clauses oblige to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from lab import models as m
from lab.queries.awards import facts_of
from lab.queries.upload import readable
from lab.rules.agreement import DUE_DILIGENCE, text_hash, to_freeze
from lab.rules.errors import Conflict, Invalid, NotAllowed, NotFound, Refused
from lab.rules.facts import Scope, Stage
from lab.rules.obligations import ObligationKind
from lab.services import agreement, clause_duties, clauses, diligence, reminders, signing, stages, upload
from lab.services import award as awards
from tests.factories import START, World, add_document

WorldAt = Callable[..., World]
NOW = START + timedelta(hours=1)
KEY = "financial_reporting"


@pytest.fixture
def world(world_at: WorldAt) -> World:
    """An award whose workplan has just been approved."""
    world = world_at(Stage.AGREEMENT)
    stages._enter(world.award, Stage.AGREEMENT, START)
    return world.again()


def draft(world: World) -> None:
    clauses.draft_agreement(world.actor(world.officer), NOW, world.code)


def say(world: World, who: m.Person, body: str, proposal: str = "") -> None:
    clauses.discuss_clause(world.actor(who), NOW, world.code, KEY, body, proposal)


def settle(world: World, who: m.Person) -> None:
    clauses.discuss_clause(world.actor(who), NOW, world.code, KEY, "", settle_it=True)


ALL = ("accounts", "final_accounts", "vouchers")


def reword(world: World, text: str, revision: int, standing: tuple[str, ...] = ALL, *, drop_rest: bool = False) -> int:
    officer = world.actor(world.officer)
    return clauses.change_clause(officer, NOW, world.code, KEY, text, revision, standing, drop_rest=drop_rest)


def clear_all(world: World, now: datetime = NOW, until: date | None = None) -> None:
    for item in world.call.definition["due_diligence"]:
        add_document(world, item["key"])
        day = until if item["key"] == "legal_registration" else None
        agreement.clear_check(world.actor(world.officer), now, world.code, DUE_DILIGENCE, item["key"], "Seen", day)


def opened(world: World, reason: str = "", now: datetime = NOW) -> str:
    agreement.open_agreement(world.actor(world.officer), now, world.code, reason)
    return text_hash(versions(world)[-1].content)


def in_force(world: World) -> None:
    clear_all(world)
    frozen = opened(world)
    signing.sign(world.actor(world.lead), NOW, world.code, "organisation", world.lead.name, frozen)
    signing.sign(world.actor(world.officer), NOW, world.code, "ilo", world.officer.name, frozen)


def versions(world: World) -> list[m.Version]:
    return list(
        world.session.scalars(
            select(m.Version).join(m.Document).where(m.Document.kind == "agreement").order_by(m.Version.number)
        )
    )


def owed(world: World, state: str = "open") -> dict[str, m.Obligation]:
    query = select(m.Obligation).where(m.Obligation.award_id == world.award.id, m.Obligation.state == state)
    return {row.key: row for row in world.session.scalars(query)}


def text_of(world: World) -> str:
    document = world.session.scalars(select(m.Document).where(m.Document.kind == "agreement")).one()
    return next(str(clause["text"]) for clause in document.draft["clauses"] if clause["key"] == KEY)


def mails(world: World, person: m.Person) -> list[str]:
    return list(world.session.scalars(select(m.Mail.body).where(m.Mail.to == person.email).order_by(m.Mail.id)))


# Negotiation


def test_it_is_drafted_once_and_the_lead_is_told(world: World) -> None:
    draft(world)
    rows = world.session.scalars(select(m.ClauseRevision)).all()
    assert {row.number for row in rows} == {1} and len(rows) == 5
    assert "/agreement" in mails(world, world.lead)[-1]
    with pytest.raises(Refused, match="drafted already"):
        draft(world)
    world.session.rollback()
    facts = facts_of(world.session, world.award)
    assert facts.agreement_drafted and not facts.agreement_open


def test_each_side_answers_the_other_until_it_is_settled(world: World) -> None:
    draft(world)
    say(world, world.member, "Five years is long.", text_of(world).replace("cinco", "tres"))
    assert owed(world)[f"answer:{KEY}"].debtor == "officer"
    assert KEY in mails(world, world.officer)[-1]
    say(world, world.officer, "The auditors ask for five.")
    assert owed(world)[f"answer:{KEY}"].debtor == "team"
    settle(world, world.lead)
    assert f"answer:{KEY}" not in owed(world)
    with pytest.raises(Refused, match="Nothing is open"):
        settle(world, world.lead)
    world.session.rollback()
    sides = [(row.side, row.settles) for row in world.session.scalars(select(m.ClauseComment))]
    assert sides == [("organisation", False), ("ilo", False), ("organisation", True)]


def test_two_editors_get_the_newer_wording_and_nothing_is_lost(world: World) -> None:
    draft(world)
    assert reword(world, "A second wording.", 1) == 2
    with pytest.raises(Conflict) as conflict:
        reword(world, "Another second wording.", 1)
    assert (conflict.value.theirs["text"], conflict.value.revision) == ("A second wording.", 2)
    world.session.rollback()
    assert reword(world, "A second wording.", 1) == 2, "the same again is no conflict"
    assert reword(world, "A third wording.", 2) == 3
    assert text_of(world) == "A third wording."
    rows = world.session.scalars(select(m.ClauseRevision.text).where(m.ClauseRevision.key == KEY)).all()
    assert rows[1:] == ["A second wording.", "A third wording."]


def clause_of(world: World) -> dict[str, Any]:
    document = world.session.scalars(select(m.Document).where(m.Document.kind == "agreement")).one()
    return next(clause for clause in document.draft["clauses"] if clause["key"] == KEY)


def test_whoever_rewords_a_clause_says_what_it_still_obliges_to(world: World) -> None:
    draft(world)
    for standing in ((), ("accounts", "final_accounts")):
        with pytest.raises(Invalid, match="Tick each obligation"):
            reword(world, "Kept for two years.", 1, standing)
        world.session.rollback()
    assert text_of(world) != "Kept for two years." and len(clause_of(world)["obligations"]) == 3
    assert reword(world, "Kept for two years.", 1, ("accounts", "final_accounts"), drop_rest=True) == 2
    assert [plan["key"] for plan in clause_of(world)["obligations"]] == ["accounts", "final_accounts"]
    assert "no longer obliges to the same" in mails(world, world.lead)[-1]
    noted = world.session.scalars(select(m.Event).where(m.Event.kind == "obligation_dropped")).one()
    assert "facturas" in noted.details["what"]
    # The same wording again, with the tick: it comes back, and that is a wording of its own.
    assert reword(world, "Kept for two years.", 2, ALL) == 3
    assert reword(world, "Kept for two years.", 3, (), drop_rest=False) == 3, "nothing is said, nothing is changed"
    assert world.session.scalars(select(m.Event.kind).where(m.Event.kind == "obligation_restored")).all()
    assert clause_of(world)["former"][0] | {"plan": 0} == {"plan": 0, "gone": 2, "back": 3}


def test_what_was_dropped_is_neither_frozen_nor_planned(world: World) -> None:
    draft(world)
    reword(world, "Accounts are shown on request.", 1, ("final_accounts",), drop_rest=True)
    in_force(world)
    frozen = next(clause for clause in versions(world)[0].content["clauses"] if clause["key"] == KEY)
    assert [plan["key"] for plan in frozen["obligations"]] == ["final_accounts"]
    alive = owed(world)
    assert {key for key in alive if key.startswith("duty:")} == {"duty:support_named", "duty:visit"}
    assert "clause" not in alive["report:progress_report:1"].params, "owed by the calendar, and cites nothing"


def test_a_place_that_nothing_fills_is_not_kept(world: World) -> None:
    draft(world)
    with pytest.raises(Invalid, match="{amount}"):
        reword(world, "The grant is {amount}.", 1)
    world.session.rollback()
    with pytest.raises(Invalid, match="{amount}"):
        say(world, world.lead, "Say how much", "The grant is {amount}.")
    world.session.rollback()
    assert world.session.scalars(select(m.ClauseComment)).all() == []


def test_a_text_from_before_obligations_were_covered_is_opened_anew_in_the_second_form(world: World) -> None:
    draft(world)
    clear_all(world)
    assert "form" not in world.session.scalars(select(m.Document.draft).where(m.Document.kind == "agreement")).one()
    hashed = opened(world)
    content = versions(world)[0].content
    assert (content["form"], content["hash"]) == (2, hashed)
    assert text_hash({**content, "form": 1}) != hashed


def test_what_was_negotiated_is_frozen_and_changes_no_more(world: World) -> None:
    draft(world)
    reword(world, "Agreed by both.", 1)
    clear_all(world)
    opened(world)
    assert next(c for c in versions(world)[0].content["clauses"] if c["key"] == KEY)["text"] == "Agreed by both."
    for act in (lambda: reword(world, "Later.", 2), lambda: say(world, world.lead, "Wait"), lambda: draft(world)):
        with pytest.raises(Refused):
            act()
        world.session.rollback()


def test_open_talks_are_settled_or_a_reason_is_kept(world: World) -> None:
    draft(world)
    clear_all(world)
    say(world, world.lead, "Not yet.")
    with pytest.raises(Invalid, match="talked about"):
        opened(world)
    world.session.rollback()
    opened(world, "Said on the telephone.")
    events = world.session.scalars(select(m.Event).where(m.Event.kind == "opened_over_talks")).one()
    assert events.details["reason"] == "Said on the telephone."
    assert f"answer:{KEY}" not in owed(world)


def test_it_is_taken_back_before_the_first_signature_only(world: World) -> None:
    draft(world)
    clear_all(world)
    first = opened(world)
    with pytest.raises(Invalid):
        clauses.take_back(world.actor(world.officer), NOW, world.code, " ")
    world.session.rollback()
    clauses.take_back(world.actor(world.officer), NOW, world.code, "A clause is missing.")
    assert {"open_agreement"} <= set(owed(world)) and not {"sign_ilo", "sign_organisation"} & set(owed(world))
    with pytest.raises(Refused, match="no agreement to sign"):
        signing.sign(world.actor(world.lead), NOW, world.code, "organisation", world.lead.name, first)
    world.session.rollback()
    reword(world, "Now it is there.", 1)
    second = opened(world)
    old, new = versions(world)
    assert (old.decision, old.reason, new.number) == ("taken_back", "A clause is missing.", 2)
    assert text_hash(old.content) == first != second
    with pytest.raises(Refused, match="not the one"):
        signing.sign(world.actor(world.lead), NOW, world.code, "organisation", world.lead.name, first)
    world.session.rollback()
    signing.sign(world.actor(world.lead), NOW, world.code, "organisation", world.lead.name, second)
    with pytest.raises(Refused, match="bears a signature"):
        clauses.take_back(world.actor(world.officer), NOW, world.code, "Too late")
    world.session.rollback()


def test_who_may_negotiate(world: World) -> None:
    draft(world)
    for person in (world.mentor, world.committee, world.finance):
        with pytest.raises(NotAllowed):
            say(world, person, "Hello")
        world.session.rollback()
    with pytest.raises(NotFound):
        say(world, world.other_lead, "Hello")
    world.session.rollback()
    for person in (world.lead, world.finance):
        with pytest.raises(NotAllowed):
            clauses.change_clause(world.actor(person), NOW, world.code, KEY, "Ours", 1)
        world.session.rollback()
    with pytest.raises(NotFound):
        clauses.discuss_clause(world.actor(world.lead), NOW, world.code, "moon", "Hello")
    world.session.rollback()


# Documents

LAST = date(2026, 3, 10)
AFTER = datetime(2026, 3, 10, 23, tzinfo=UTC)


def test_an_item_with_a_document_is_not_cleared_without_one(world: World) -> None:
    with pytest.raises(Invalid, match="needs a document"):
        agreement.clear_check(world.actor(world.officer), NOW, world.code, DUE_DILIGENCE, "legal_registration", "Seen")
    world.session.rollback()


def test_an_expired_document_reopens_its_item_and_the_officer_is_told_once(world: World) -> None:
    clear_all(world, until=LAST)
    frozen = opened(world)
    before = AFTER - timedelta(seconds=1)
    assert facts_of(world.session, world.award, before).due_diligence_clear
    assert not facts_of(world.session, world.award, AFTER).due_diligence_clear
    assert diligence.flag_expired(before) == 0
    assert (diligence.flag_expired(AFTER), diligence.flag_expired(AFTER)) == (1, 0)
    renewal = next(row for key, row in owed(world).items() if key.startswith("expired:"))
    assert (renewal.kind, renewal.debtor) == (ObligationKind.RENEW_DOCUMENT, "officer")
    for person in (world.officer, world.lead):
        assert "valid until 10 March 2026" in mails(world, person)[-1]
    with pytest.raises(Refused, match="was valid until 2026-03-10"):
        signing.sign(world.actor(world.lead), AFTER, world.code, "organisation", world.lead.name, frozen)
    world.session.rollback()
    with pytest.raises(Invalid):
        agreement.clear_check(
            world.actor(world.officer), AFTER, world.code, DUE_DILIGENCE, "legal_registration", "Seen", LAST
        )
    world.session.rollback()
    add_document(world, "legal_registration")
    agreement.clear_check(
        world.actor(world.officer), AFTER, world.code, DUE_DILIGENCE, "legal_registration", "New", date(2027, 3, 1)
    )
    assert not [key for key in owed(world) if key.startswith("expired:")]
    rows = world.session.scalars(select(m.Check).where(m.Check.key == "legal_registration").order_by(m.Check.id)).all()
    assert [(row.note, row.closed_at) for row in rows] == [("Seen", AFTER), ("New", None)]
    signing.sign(world.actor(world.lead), AFTER, world.code, "organisation", world.lead.name, frozen)


def test_once_both_have_signed_a_document_may_run_out(world: World) -> None:
    clear_all(world, until=LAST)
    frozen = opened(world)
    signing.sign(world.actor(world.lead), NOW, world.code, "organisation", world.lead.name, frozen)
    signing.sign(world.actor(world.officer), NOW, world.code, "ilo", world.officer.name, frozen)
    assert facts_of(world.session, world.award, AFTER).due_diligence_clear
    assert diligence.flag_expired(AFTER) == 0


def test_documents_are_read_by_officers_finance_and_the_lead_what_came_from_the_team(world: World) -> None:
    ours = add_document(world, "non_profit", world.member)
    theirs = add_document(world, "no_suspicion", world.officer)
    may = {"officer": {ours.id, theirs.id}, "finance": {ours.id, theirs.id}, "lead": {ours.id}}
    for who in ("lead", "member", "mentor", "committee", "officer", "finance"):
        roles = world.actor(getattr(world, who)).roles_on(Scope(world.award.call_id, world.award.id))
        for paper in (ours, theirs):
            if paper.id in may.get(who, set()):
                assert readable(world.session, world.award.id, paper.id, roles) is paper
            else:
                with pytest.raises(NotFound):
                    readable(world.session, world.award.id, paper.id, roles)


def test_evidence_stays_and_what_waits_can_be_taken_away(world: World, app: object) -> None:
    from lab.files import open_store

    store = open_store(str(app.extensions["lab_config"].files))  # type: ignore[attr-defined]
    paper = add_document(world, "non_profit")
    with pytest.raises(NotAllowed):
        upload.remove_file(world.actor(world.lead), NOW, world.code, paper.id, store)
    world.session.rollback()
    agreement.clear_check(world.actor(world.officer), NOW, world.code, DUE_DILIGENCE, "non_profit", "Seen")
    with pytest.raises(Refused, match="stays with it"):
        upload.remove_file(world.actor(world.officer), NOW, world.code, paper.id, store)
    world.session.rollback()


# What clauses oblige to


def test_what_was_signed_comes_alive_and_reports_cite_their_clause(world: World) -> None:
    in_force(world)
    alive = owed(world)
    assert {key for key in alive if key.startswith("duty:")} == {"duty:vouchers", "duty:support_named", "duty:visit"}
    assert alive["duty:support_named"].params["clause"] == "implementation"
    assert alive["report:progress_report:1"].params["clause_title"] == "Informes financieros"
    began = world.award.prototyping_on
    assert began == date(2026, 3, 2)
    assert alive["duty:support_named"].due_at == datetime(2026, 6, 2, 22, tzinfo=UTC)


def test_the_pilot_dates_them_anew_and_what_is_done_stays_done(world: World) -> None:
    in_force(world)
    planned = owed(world)["duty:vouchers"].due_at
    visit = owed(world)["duty:visit"]
    clause_duties.keep_duty(world.actor(world.member), NOW, world.code, visit.id, "Came early.")
    later = NOW + timedelta(days=250)
    stages._enter(world.award, Stage.PILOT, later)
    world.session.commit()
    assert owed(world)["duty:vouchers"].due_at > planned and "duty:visit" not in owed(world)
    assert owed(world)["report:final_report:1"].params["clause"] == KEY


def test_done_with_a_note_by_the_team_and_records_by_the_officer_alone(world: World) -> None:
    in_force(world)
    alive = owed(world)
    shown, records = alive["duty:support_named"].id, alive["duty:vouchers"].id
    with pytest.raises(Invalid):
        clause_duties.keep_duty(world.actor(world.lead), NOW, world.code, shown, " ")
    world.session.rollback()
    clause_duties.keep_duty(world.actor(world.lead), NOW, world.code, shown, "On every page.")
    assert owed(world, "discharged")["duty:support_named"].params["note"] == "On every page."
    with pytest.raises(Refused, match="no longer owed"):
        clause_duties.keep_duty(world.actor(world.lead), NOW, world.code, shown, "Again.")
    world.session.rollback()
    with pytest.raises(NotAllowed):
        clause_duties.keep_duty(world.actor(world.lead), NOW, world.code, records, "Thrown away.")
    world.session.rollback()
    report = alive["report:progress_report:1"].id
    for person, which in ((world.lead, report), (world.other_lead, records)):
        with pytest.raises(NotFound):
            clause_duties.keep_duty(world.actor(person), NOW, world.code, which, "Done.")
        world.session.rollback()


def test_an_end_waives_all_but_the_records_which_end_on_their_day(world: World) -> None:
    in_force(world)
    due = owed(world)["duty:vouchers"].due_at
    awards.steer(world.actor(world.officer), NOW, world.code, "terminate", "A reason")
    assert set(owed(world)) == {"duty:vouchers"}
    assert clause_duties.release_records(due - timedelta(seconds=1)) == 0
    assert clause_duties.release_records(due) == 1
    assert not owed(world)


def test_a_reminder_of_what_is_late_cites_the_clause(world: World) -> None:
    in_force(world)
    due = owed(world)["duty:support_named"].due_at
    reminders.sweep(due + timedelta(days=3, hours=9))
    assert any("overdue by 3 days: clause “Ejecución”" in mail for mail in mails(world, world.lead))


def test_what_is_opened_is_the_text_that_was_read(world: World) -> None:
    officer = world.actor(world.officer)
    clear_all(world)
    clauses.draft_agreement(officer, NOW, world.code)
    draft = world.session.scalars(select(m.Document.draft).where(m.Document.kind == "agreement")).one()
    read = to_freeze(draft)["hash"]
    reword(world, "Another wording.", 1)
    with pytest.raises(Refused, match="changed since"):
        agreement.open_agreement(officer, NOW, world.code, "", read)
    world.session.rollback()
    agreement.open_agreement(
        officer,
        NOW,
        world.code,
        "",
        to_freeze(world.session.scalars(select(m.Document.draft).where(m.Document.kind == "agreement")).one())["hash"],
    )
