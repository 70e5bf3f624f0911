"""Amendments asked for, judged and applied: all of it or nothing, what it replaces kept, and the right people told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from sqlalchemy import func, select

from lab.extensions import db
from lab.models import (
    AppliedAmendment,
    BankAccount,
    BudgetLine,
    Document,
    Event,
    Mail,
    Obligation,
    TeamMember,
    Tranche,
    Version,
)
from lab.queries.amendment import get_amendment, terms_of
from lab.queries.awards import definition_of
from lab.queries.disbursement import tranches_of
from lab.queries.report import lines_of, milestones_of
from lab.rules.amendment import AmendmentKind, Terms, shown_hash, terms_from_json
from lab.rules.amendment_effect import amended
from lab.rules.errors import Conflict, Invalid, NotAllowed, NotFound, Refused
from lab.rules.facts import Role, Stage
from lab.rules.reports import sections_of
from lab.rules.review import DocumentKind
from lab.services import amendment as service
from lab.services import amendment_apply, disbursement, report
from tests.factories import World, add_account

WorldAt = Callable[..., World]
NOW = datetime(2026, 3, 20, 9, tzinfo=UTC)


@pytest.fixture(name="world_at")
def joined(world_at: WorldAt) -> WorldAt:
    """Worlds in which the team has arrived: somebody who was only invited cannot lead it."""

    def build(*args: Any) -> World:
        world: World = world_at(*args)
        world.lead.password = world.member.password = "not a hash of anything"
        return world.again()

    return build


def standing(world: World, now: datetime = NOW) -> Terms:
    world.again()
    return terms_of(world.session, world.award, now)[0]


def begin(world: World, kind: str, who: str = "lead", now: datetime = NOW, **content: Any) -> int:
    """A draft of an amendment with ``content`` over what stands."""
    actor = world.actor(getattr(world, who))
    number = service.start(actor, now, world.code, kind)
    draft = get_amendment(world.session, world.award.id, number).document
    service.save_draft(actor, now, world.code, number, {**draft.draft, "reason": "Prices rose.", **content}, 0)
    return number


def send(world: World, kind: str, who: str = "lead", now: datetime = NOW, **content: Any) -> int:
    number = begin(world, kind, who, now, **content)
    service.submit(world.actor(getattr(world, who)), now, world.code, number, 1)
    return number


def approve(world: World, number: int, who: str = "officer", now: datetime = NOW, shown: str | None = None) -> None:
    world.again()
    terms, ground = terms_of(world.session, world.award, now)
    page = get_amendment(world.session, world.award.id, number)
    assert page.newest is not None
    after = amended(terms, ground, AmendmentKind(page.kind), page.newest.content).after
    seen = shown if shown is not None else shown_hash(terms, after) if after else ""
    service.approve(world.actor(getattr(world, who)), now, world.code, number, page.newest.number, seen)


def undo(world: World) -> None:
    db.session.rollback()
    world.again()


def budget(world: World, **by_id: dict[str, str] | None) -> list[dict[str, str]]:
    rows = {row["id"]: dict(row) for row in standing(world).plan["budget"]}  # type: ignore[attr-defined]
    for item, change in by_id.items():
        if change is None:
            rows.pop(item)
        else:
            rows[item] = rows.get(item, {"id": item}) | change
    return list(rows.values())


def scope(world: World, **sections: Any) -> dict[str, Any]:
    return {**standing(world).plan, **sections}


def open_keys(world: World) -> dict[str, datetime]:
    rows = world.session.execute(
        select(Obligation.key, Obligation.due_at).where(
            Obligation.award_id == world.award.id, Obligation.state == "open"
        )
    )
    return {key: due_at for key, due_at in rows}


def kinds(world: World) -> list[str]:
    return list(world.session.scalars(select(Event.kind).where(Event.award_id == world.award.id).order_by(Event.seq)))


def told(world: World) -> list[str]:
    return list(world.session.scalars(select(Mail.to).order_by(Mail.id)))


LICENCES = {"category": "equipment", "description": "Licences", "quantity": "1", "unit_cost": "1000", "activity": "a1"}
NEW_MILESTONE = {"id": "m2", "stage": "prototyping", "title": "Version tested", "proof": "Test", "due_on": "2026-08-01"}
NEW_ACTIVITY = {
    "id": "a2", "title": "Build", "owner": "Luis", "starts_on": "2026-05-20", "ends_on": "2026-07-30",
    "deliverable": "Version", "milestone": "m2",
}  # fmt: skip


def content_of(world: World, kind: AmendmentKind) -> dict[str, Any]:
    """Something sensible to ask for."""
    plan = standing(world).plan
    match kind:
        case AmendmentKind.BUDGET:
            return {"budget": budget(world, b2={"unit_cost": "900"}, b9=LICENCES)}
        case AmendmentKind.SCOPE:
            milestones, activities = [*plan["milestones"], NEW_MILESTONE], [*plan["activities"], NEW_ACTIVITY]  # type: ignore[misc]
            return {"plan": scope(world, milestones=milestones, activities=activities)}
        case AmendmentKind.TIME:
            return {"until": "2026-11-30", "days": {"milestones:m1:due_on": "2026-06-30"}}
        case AmendmentKind.TEAM:
            return {"lead": str(world.member.id)}
        case AmendmentKind.ACCOUNT:
            name = world.award.organisation.legal_name
            return {"account": {"holder": name, "bank": "Otro Banco", "number": "EC0000111122", "swift": ""}}
        case AmendmentKind.PAYMENTS:
            first = {"number": "1", "amount": "20000", "milestones": []}
            return {"payments": [first, {"number": "", "amount": "10000", "like": "1", "milestones": ["1"]}]}


@pytest.mark.parametrize("kind", list(AmendmentKind))
@pytest.mark.parametrize("side", ["lead", "officer"])
def test_what_was_shown_is_what_is_there_afterwards(world_at: WorldAt, kind: AmendmentKind, side: str) -> None:
    world = world_at(Stage.PROTOTYPING)
    add_account(world)
    before = standing(world)
    number = send(world, kind, side, **content_of(world, kind))
    asked = get_amendment(world.session, world.award.id, number).newest
    assert asked is not None and standing(world) == before, "asking changes nothing"
    approve(world, number, "officer" if side == "lead" else "lead")
    page = get_amendment(world.session, world.award.id, number)
    assert page.applied is not None and page.state == "accepted"
    after = standing(world)
    assert terms_from_json(page.applied.after) == after == terms_from_json(asked.content["asked"]["after"])
    assert terms_from_json(page.applied.before) == before != after
    assert f"amendment:{number}:review" not in open_keys(world)
    assert kinds(world)[-1] == "amendment_approved" or kind is AmendmentKind.ACCOUNT
    assert world.lead.email in told(world) and world.officer.email in told(world)


def test_a_budget_moves_and_reports_are_held_against_the_new_lines(world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING)
    approve(world, send(world, "budget", budget=budget(world, b2={"unit_cost": "900"}, b9=LICENCES)))
    lines = lines_of(world.session, world.award, None)
    assert [(line.label, line.amount) for line in lines] == [
        ("Developers", D("20000.00")), ("Phones for tests", D("9000.00")), ("Licences", D("1000.00")),
    ]  # fmt: skip
    workplan = world.session.scalars(
        select(Document).where(Document.kind == "workplan", Document.award_id == world.award.id)
    ).one()
    versions = world.session.scalars(
        select(Version).where(Version.document_id == workplan.id).order_by(Version.number)
    ).all()
    assert [version.decision for version in versions] == ["accepted", "accepted"], "the plan before stays readable"
    assert versions[0].content["budget"][1]["unit_cost"] == "1000.00"
    approve(world, send(world, "budget", budget=budget(world, b9=None, b2={"unit_cost": "1000"})))
    assert [line.label for line in lines_of(world.session, world.award, None)] == ["Developers", "Phones for tests"]
    gone = world.session.scalars(select(BudgetLine).where(BudgetLine.dropped_at.is_not(None))).one()
    assert (gone.description, gone.number) == ("Licences", 4)


def spend(world: World, accepted: bool) -> None:
    """A report with spending on the first line, handed in; accepted or not."""
    line = world.session.scalars(
        select(BudgetLine).where(BudgetLine.award_id == world.award.id, BudgetLine.number == 1)
    ).one()
    actor, code = world.actor(world.lead), world.code
    report.start_report(actor, NOW, code, "progress_report", 1)
    world.again()

    sections = sections_of(DocumentKind.PROGRESS_REPORT, definition_of(world.award).reports.sections, "en")
    content = {"sections": dict.fromkeys(sections, "Done."), "spending": {str(line.id): "12000"}}
    report.submit_report(actor, NOW, code, "progress_report", 1, content, 0)
    if accepted:
        report.accept_report(world.actor(world.officer), NOW, code, "progress_report", 1, 1)


@pytest.mark.parametrize("accepted", [True, False])
def test_money_that_a_report_spent_cannot_be_amended_away(world_at: WorldAt, accepted: bool) -> None:
    world = world_at(Stage.PROTOTYPING)
    spend(world, accepted)
    number = begin(world, "budget", budget=budget(world, b1={"unit_cost": "2500"}, b2={"unit_cost": "2000"}))
    with pytest.raises(Invalid) as refused:
        service.submit(world.actor(world.lead), NOW, world.code, number, 1)
    assert "12000.00 USD were spent on “Developers”" in str(refused.value)
    undo(world)
    assert get_amendment(world.session, world.award.id, number).versions == []


def test_what_became_impossible_meanwhile_is_not_applied(world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING)
    number = send(world, "budget", budget=budget(world, b1={"unit_cost": "2500"}, b2={"unit_cost": "2000"}))
    spend(world, False)
    before = standing(world)
    with pytest.raises(Refused, match="no longer possible.*12000.00 USD"):
        approve(world, number)
    undo(world)
    assert standing(world) == before
    assert get_amendment(world.session, world.award.id, number).state == "submitted"


def test_nobody_approves_what_they_did_not_see(world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING)
    first = send(world, "team", lead=str(world.member.id))
    second = send(world, "budget", budget=budget(world, b2={"unit_cost": "900"}, b9=LICENCES))
    terms, ground = terms_of(world.session, world.award, NOW)
    page = get_amendment(world.session, world.award.id, second)
    assert page.newest is not None
    after = amended(terms, ground, AmendmentKind.BUDGET, page.newest.content).after
    assert after is not None
    stale = shown_hash(terms, after)
    approve(world, first)
    with pytest.raises(Refused, match="has changed since you opened"):
        approve(world, second, shown=stale)
    undo(world)
    approve(world, second)


def test_each_side_judges_what_the_other_asks_for(world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING)
    number = send(world, "team", lead=str(world.member.id))
    for who, error in (("lead", NotAllowed), ("member", NotAllowed), ("finance", NotAllowed), ("mentor", NotAllowed),
                       ("committee", NotAllowed), ("other_lead", NotFound), ("other_committee", NotFound)):  # fmt: skip
        with pytest.raises(error):
            approve(world, number, who)
        undo(world)
    with pytest.raises(NotAllowed):
        service.save_draft(world.actor(world.officer), NOW, world.code, number, {}, 1)
    undo(world)
    with pytest.raises(NotAllowed):
        service.take_back(world.actor(world.officer), NOW, world.code, number)


def test_sent_back_taken_back_refused_and_withdrawn(world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING)
    lead, officer, code = world.actor(world.lead), world.actor(world.officer), world.code
    number = send(world, "team", lead=str(world.member.id))
    with pytest.raises(Invalid):
        service.request_changes(officer, NOW, code, number, 1, " ")
    undo(world)
    service.request_changes(officer, NOW, code, number, 1, "Say until when.")
    assert f"amendment:{number}:review" not in open_keys(world)
    with pytest.raises(Conflict):
        service.submit(lead, NOW, code, number, 0)
    undo(world)
    service.submit(lead, NOW, code, number, 1)
    service.take_back(lead, NOW, code, number)
    service.submit(lead, NOW, code, number, 1)
    with pytest.raises(Refused, match="newer version"):
        service.refuse(officer, NOW, code, number, 2, "No.")
    undo(world)
    service.refuse(officer, NOW, code, number, 3, "She has no contract with the organisation.")
    page = get_amendment(world.session, world.award.id, number)
    assert (page.state, page.versions[-1].reason) == ("rejected", "She has no contract with the organisation.")
    with pytest.raises(Refused):
        service.withdraw(lead, NOW, code, number)
    undo(world)
    other = begin(world, "budget")
    service.withdraw(lead, NOW, code, other)
    assert get_amendment(world.session, world.award.id, other).state == "withdrawn"
    assert world.session.scalar(select(func.count(AppliedAmendment.id))) == 0


@pytest.mark.parametrize("stage", [Stage.WORKPLAN, Stage.AGREEMENT, Stage.SUSPENDED, Stage.CLOSED])
def test_only_an_agreement_in_force_is_amended(world_at: WorldAt, stage: Stage) -> None:
    world = world_at(stage)
    with pytest.raises(Refused):
        service.start(world.actor(world.lead), NOW, world.code, "team")
    undo(world)
    assert not world.session.scalars(select(Document).where(Document.kind == "amendment")).all()


def test_all_of_it_or_nothing(world_at: WorldAt, monkeypatch: pytest.MonkeyPatch) -> None:
    world = world_at(Stage.PROTOTYPING)
    number = send(world, "scope", **content_of(world, AmendmentKind.SCOPE))
    before, rows = standing(world), len(kinds(world))

    def broken(*_: object) -> None:
        raise RuntimeError("the power went")

    monkeypatch.setattr(amendment_apply, "_write_payments", broken)
    with pytest.raises(RuntimeError):
        approve(world, number)
    undo(world)
    assert standing(world) == before and len(kinds(world)) == rows
    assert get_amendment(world.session, world.award.id, number).state == "submitted"


def test_a_longer_stage_moves_what_hangs_on_it_and_a_shorter_one_takes_it_back(world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING)
    first = open_keys(world)
    approve(world, send(world, "time", until="2027-01-15"))
    longer = open_keys(world)
    assert longer["report:prototype_report:1"] == datetime(2027, 1, 15, 23, tzinfo=UTC)
    assert set(longer) - set(first), "further periods are reported"
    approve(world, send(world, "time", until="2026-09-02"))
    assert open_keys(world) == first, "what an amendment opened another closes"
    approve(world, send(world, "time", until="2027-01-15"))
    assert open_keys(world) == longer
    assert world.award.prototyping_until == date(2027, 1, 15)


def test_a_pilot_passes_its_ceiling_only_with_the_committee(world_at: WorldAt) -> None:
    world = world_at(Stage.PILOT)
    number = send(world, "time", until="2027-05-31")
    owed = open_keys(world)
    assert {f"amendment:{number}:review", f"amendment:{number}:committee"} <= set(owed)
    with pytest.raises(Refused, match="the steering committee decides first"):
        approve(world, number)
    undo(world)
    committee = world.actor(world.committee)
    with pytest.raises(Invalid) as refused:
        service.decide(committee, NOW, world.code, number, 1, None, "No", "Twelve months are enough.")
    assert set(refused.value.problems) == {"agrees"}
    undo(world)
    service.decide(committee, NOW, world.code, number, 1, False, "Twelve months are enough", "No further time.")
    with pytest.raises(Refused, match="decided against it: Twelve months"):
        approve(world, number)
    undo(world)
    service.decide(committee, NOW, world.code, number, 1, True, "Two more months", "The harvest is late.")
    approve(world, number)
    assert world.award.pilot_until == date(2027, 5, 31)
    assert open_keys(world)["report:final_report:1"] == datetime(2027, 5, 31, 22, tzinfo=UTC)
    assert f"amendment:{number}:committee" not in open_keys(world)
    shorter = send(world, "time", until="2027-04-30")
    assert f"amendment:{shorter}:committee" not in open_keys(world)
    with pytest.raises(Refused, match="asks nothing of the steering committee"):
        service.decide(committee, NOW, world.code, shorter, 1, True, "Yes", "Yes.")


def test_another_account_is_verified_anew_and_only_by_amendment(world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING)
    add_account(world)
    lead, name = world.actor(world.lead), world.award.organisation.legal_name
    with pytest.raises(Refused, match="another account is an amendment"):
        disbursement.enter_account(lead, NOW, world.code, name, "Otro", "EC0000111122", "")
    undo(world)
    disbursement.propose(world.actor(world.officer), NOW, world.code, 1)
    approve(world, send(world, "account", **content_of(world, AmendmentKind.ACCOUNT)))
    account = world.session.scalars(select(BankAccount).order_by(BankAccount.id.desc()).limit(1)).one()
    assert (account.number, account.entered_by, account.verified_at) == ("EC0000111122", world.lead.id, None)
    assert tranches_of(world.session, world.award.id)[0].state == "planned", "a proposal for the former account is void"
    assert "verify_account" in open_keys(world)


def test_money_on_its_way_keeps_the_account_and_its_payment(world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING)
    add_account(world)
    number = send(world, "account", **content_of(world, AmendmentKind.ACCOUNT))
    disbursement.propose(world.actor(world.officer), NOW, world.code, 1)
    disbursement.authorise(world.actor(world.finance), NOW, world.code, 1)
    with pytest.raises(Refused, match="is authorised for the account on record"):
        approve(world, number)
    undo(world)
    with pytest.raises(Refused, match="none that could be amended"):
        begin(world, "payments")


def test_payments_are_split_with_their_conditions_and_cancelled_ones_are_history(world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING)
    first = tranches_of(world.session, world.award.id)[0]
    labels = {condition.kind: condition.label for condition in first.conditions}
    approve(world, send(world, "payments", **content_of(world, AmendmentKind.PAYMENTS)))
    one, two = tranches_of(world.session, world.award.id)
    assert (one.amount, two.amount, two.number, two.state) == (D(20000), D(10000), 2, "planned")
    assert {c.kind for c in two.conditions} == set(labels) | {"milestone_accepted"}
    assert all(c.label == labels[c.kind] for c in two.conditions if c.kind in labels)
    added = next(c for c in two.conditions if c.kind == "milestone_accepted")
    assert added.params == {"key": "1", "title": "Needs known"}
    approve(
        world, send(world, "payments", payments=[{"number": "1", "amount": "30000"}, {"number": "2", "amount": ""}])
    )
    assert [tranche.number for tranche in tranches_of(world.session, world.award.id)] == [1]
    assert (
        world.session.scalars(
            select(Tranche.state).where(Tranche.number == 2, Tranche.award_id == world.award.id)
        ).one()
        == "cancelled"
    )
    approve(world, send(world, "payments", **content_of(world, AmendmentKind.PAYMENTS)))
    assert [tranche.number for tranche in tranches_of(world.session, world.award.id)] == [1, 3], "no number twice"


def test_a_milestone_that_leaves_the_plan_is_no_longer_owed(world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING)
    approve(world, send(world, "scope", **content_of(world, AmendmentKind.SCOPE)))
    assert open_keys(world)["milestone:2"] == datetime(2026, 8, 1, 22, tzinfo=UTC)
    plan = standing(world).plan
    kept = scope(world, milestones=plan["milestones"][:1], activities=plan["activities"][:1])  # type: ignore[index]
    approve(world, send(world, "scope", plan=kept))
    assert "milestone:2" not in open_keys(world)
    assert [milestone.number for milestone in milestones_of(world.session, world.award.id)] == [1]
    approve(world, send(world, "scope", **content_of(world, AmendmentKind.SCOPE)))
    assert [milestone.number for milestone in milestones_of(world.session, world.award.id)] == [1, 3]


def test_the_lead_changes_places(world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING)
    for old, new in ((world.lead, world.member), (world.member, world.lead)):
        who = "lead" if old is world.lead else "member"
        approve(world, send(world, "team", who, lead=str(new.id)))
        places = world.session.execute(
            select(TeamMember.person_id, TeamMember.role).where(
                TeamMember.award_id == world.award.id, TeamMember.until.is_(None), TeamMember.role != Role.MENTOR
            )
        )
        assert set(places.tuples()) == {(new.id, "lead"), (old.id, "member")}


def test_a_draft_is_kept_as_typed_and_two_of_one_side_do_not_overwrite_each_other(world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING)
    number = begin(world, "payments", payments=[{"number": "1", "amount": "twenty"}])
    draft = get_amendment(world.session, world.award.id, number).document.draft
    assert draft["payments"][0]["amount"] == "twenty" and draft["side"] == "organisation"
    with pytest.raises(Conflict):
        service.save_draft(world.actor(world.lead), NOW, world.code, number, {"reason": "other"}, 0)


def test_what_was_amended_before_the_pilot_holds_in_it(world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING)
    approve(world, send(world, "time", until="2026-12-31"))
    assert standing(world).pilot_ends == date(2027, 12, 31)
    assert standing(world, NOW + timedelta(days=1)).prototyping_ends == date(2026, 12, 31)


def test_an_accepted_report_keeps_its_names_and_budgets(world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING)
    spend(world, True)
    then = NOW + timedelta(seconds=1)
    before = lines_of(world.session, world.award, None, then)
    approve(
        world,
        send(world, "budget", now=then + timedelta(days=1), budget=budget(world, b2={"unit_cost": "900"}, b9=LICENCES)),
        now=then + timedelta(days=1),
    )
    assert lines_of(world.session, world.award, None, then) == before
    assert [line.label for line in lines_of(world.session, world.award, None)][-1] == "Licences"


def test_an_approved_account_is_not_replaced_by_its_lead_alone(world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING)
    add_account(world)
    approve(world, send(world, "account", **content_of(world, AmendmentKind.ACCOUNT)))
    with pytest.raises(Refused, match="another account is an amendment"):
        disbursement.enter_account(
            world.actor(world.lead), NOW, world.code, world.award.organisation.legal_name, "Otro", "SWAPPED-9999", ""
        )


def test_a_draft_begun_before_another_was_approved_undoes_none_of_it(world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING)
    scoped = begin(world, "scope", plan=scope(world, summary="Told better."))
    approve(world, send(world, "budget", budget=budget(world, b2={"unit_cost": "900"}, b9=LICENCES)))
    amounts = [line.amount for line in standing(world).lines]
    service.submit(world.actor(world.lead), NOW, world.code, scoped, 1)
    approve(world, scoped)
    assert [line.amount for line in standing(world).lines] == amounts
    assert standing(world).plan["summary"] == "Told better."
