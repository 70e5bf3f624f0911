"""Reports: begun when due, never lost, handed in by the lead, judged per section; spending counts once accepted, and once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lab import models as m
from lab.queries.awards import facts_of, money_of
from lab.queries.report import find_report, lines_of, reports_of
from lab.rules.errors import Conflict, Invalid, NotAllowed, NotFound, Refused
from lab.rules.facts import Stage
from lab.rules.review import DocumentKind
from lab.services import award as awards
from lab.services import report, stages
from lab.services.steps import enter
from tests.factories import World

WorldAt = Callable[..., World]
PROGRESS, PROTOTYPE, FINAL = "progress_report", "prototype_report", "final_report"


class Desk:
    """One report of a world, handled by the people whose step it is; the world's award is always read anew."""

    def __init__(self, world: World, now: datetime, kind: str = PROGRESS, number: int = 1) -> None:
        self.world, self.now, self.kind, self.number = world, now, kind, number

    def _at(self, who: m.Person | None) -> tuple[Any, ...]:
        self.world.session.rollback()
        person = who or self.world.lead
        return self.world.actor(person), self.now, self.world.code, self.kind, self.number

    def begin(self, who: m.Person | None = None) -> int:
        return report.start_report(*self._at(who))

    def save(self, content: dict[str, Any], revision: int, who: m.Person | None = None) -> int:
        return report.save_draft(*self._at(who), content, revision)

    def submit(self, content: dict[str, Any] | None, revision: int, who: m.Person | None = None) -> int:
        return report.submit_report(*self._at(who), content, revision)

    def ask(self, version: int, comments: dict[str, str], who: m.Person | None = None) -> None:
        report.request_changes(*self._at(who or self.world.officer), version, comments)

    def accept(self, version: int = 1, who: m.Person | None = None) -> None:
        report.accept_report(*self._at(who or self.world.officer), version)

    def hand_in(self, spent: tuple[str, ...] = (), revision: int | None = None, **changes: str) -> int:
        """Begin if need be, and submit a whole report."""
        self.begin()
        return self.submit(self.content(spent, **changes), self.revision if revision is None else revision)

    def content(self, spent: tuple[str, ...] = (), **explained: str) -> dict[str, Any]:
        self.world.session.rollback()
        lines = lines_of(self.world.session, self.world.award, None)
        keys = [
            *(item["key"] for item in self.world.call.definition["reports"]["sections"]),
            "prototype",
            "action_plan",
        ]
        return {
            "sections": dict.fromkeys(keys, "Ten firms use it."),
            "spending": {str(line.id): amount for line, amount in zip(lines, spent, strict=False)},
            "explanations": {str(lines[int(n[1:])].id): why for n, why in explained.items()},
        }

    @property
    def document(self) -> m.Document:
        self.world.session.rollback()
        query = select(m.Document).where(
            m.Document.award_id == self.world.award.id, m.Document.kind == self.kind, m.Document.number == self.number
        )
        return self.world.session.scalars(query.execution_options(populate_existing=True)).one()

    @property
    def revision(self) -> int:
        return self.document.draft_revision


@pytest.fixture
def world(world_at: WorldAt) -> World:
    return world_at(Stage.PROTOTYPING)


def duties(world: World) -> dict[str, m.Obligation]:
    world.session.rollback()
    query = select(m.Obligation).where(m.Obligation.award_id == world.award.id, m.Obligation.state == "open")
    return {owed.key: owed for owed in world.session.scalars(query)}


def events(world: World) -> list[str]:
    query = select(m.Event.kind).where(m.Event.award_id == world.award.id).order_by(m.Event.seq)
    return list(world.session.scalars(query))


def mails(world: World, person: m.Person) -> list[str]:
    return list(world.session.scalars(select(m.Mail.body).where(m.Mail.to == person.email).order_by(m.Mail.id)))


def count(world: World, model: type) -> int:
    return world.session.scalar(select(func.count()).select_from(model)) or 0


def spent(world: World) -> D:
    return money_of(world.session, world.award)[2]


# Beginning and writing -------------------------------------------------------------------------------------------


def test_a_report_that_is_due_is_begun_once(world: World, now: datetime) -> None:
    desk = Desk(world, now)
    assert desk.begin(world.member) == 0
    assert desk.save({"sections": {"progress": "half a"}}, 0, world.member) == 1
    assert desk.begin(world.lead) == 1, "beginning again leaves what is there"
    assert desk.document.draft["sections"] == {"progress": "half a"}
    assert (desk.document.title, desk.document.draft_saved_by) == ("Progress report 1", world.member.id)


@pytest.mark.parametrize(("kind", "number"), [(PROGRESS, 9), (FINAL, 1), (PROTOTYPE, 2), ("workplan", 1), ("moon", 1)])
def test_what_is_not_due_cannot_be_begun(world: World, now: datetime, kind: str, number: int) -> None:
    before = count(world, m.Document)
    with pytest.raises(NotFound):
        Desk(world, now, kind, number).begin()
    world.session.rollback()
    assert count(world, m.Document) == before


def test_only_the_team_writes_only_the_lead_submits_and_only_the_officer_decides(world: World, now: datetime) -> None:
    desk = Desk(world, now)
    for who in (world.officer, world.mentor, world.committee, world.finance):
        with pytest.raises(NotAllowed):
            desk.begin(who)
    desk.begin()
    for who in (world.officer, world.mentor, world.committee, world.finance):
        with pytest.raises(NotAllowed):
            desk.save({}, 0, who)
    with pytest.raises(NotAllowed):
        desk.submit(desk.content(), 0, world.member)
    desk.submit(desk.content(), 0)
    for who in (world.lead, world.mentor, world.committee, world.finance):
        with pytest.raises(NotAllowed):
            desk.accept(1, who)
        with pytest.raises(NotAllowed):
            desk.ask(1, {"progress": "More."}, who)
    for who in (world.other_lead, world.admin):
        with pytest.raises(NotFound):
            desk.save({}, 1, who)


def test_the_later_save_gets_the_newer_text_and_overwrites_nothing(world: World, now: datetime) -> None:
    desk = Desk(world, now)
    desk.begin()
    desk.save({"sections": {"progress": "hers"}}, 0, world.member)
    with pytest.raises(Conflict) as conflict:
        desk.save({"sections": {"progress": "mine"}}, 0)
    assert (conflict.value.theirs["sections"], conflict.value.revision) == ({"progress": "hers"}, 1)
    assert desk.document.draft["sections"] == {"progress": "hers"}
    assert desk.save({"sections": {"progress": "hers"}}, 0) == 1, "the same text again is no conflict"


# Handing in ------------------------------------------------------------------------------------------------------


def test_submitting_freezes_a_version_and_makes_the_review_due(world: World, now: datetime) -> None:
    desk = Desk(world, now)
    assert duties(world)["report:progress_report:1"].due_at == datetime(2026, 6, 16, 22, tzinfo=UTC)
    assert desk.hand_in(("100", "0")) == 1
    owed = duties(world)
    assert "report:progress_report:1" not in owed
    review = owed["review:progress_report:1"]
    assert (review.debtor, review.due_at) == ("officer", datetime(2026, 3, 9, 23, tzinfo=UTC))
    assert events(world)[-1] == "report_submitted"
    assert "waits for your review: Progress report 1" in mails(world, world.officer)[-1]
    with pytest.raises(Refused, match="with the ILO already"):
        desk.save({"sections": {"progress": "sneaked in"}}, desk.revision)
    version = world.session.scalars(select(m.Version).where(m.Version.document_id == desk.document.id)).one()
    assert version.content["sections"]["progress"] == "Ten firms use it."


def test_the_draft_as_the_lead_saw_it_is_submitted(world: World, now: datetime) -> None:
    desk = Desk(world, now)
    desk.begin()
    desk.save(desk.content(), 0, world.member)
    seen = desk.revision
    desk.save(desk.content(("5", "0")), seen, world.member)
    with pytest.raises(Conflict):
        desk.submit(None, seen)
    assert count(world, m.Version) == 2, "the workplan's and the agreement's"
    assert desk.submit(None, seen + 1) == 1


def test_a_second_sending_has_no_second_effect(world: World, now: datetime) -> None:
    desk = Desk(world, now)
    desk.hand_in(("100", "0"))
    sent = len(mails(world, world.officer))
    for again in (None, desk.content(("100", "0"))):
        with pytest.raises(Refused, match="with the ILO already"):
            desk.submit(again, desk.revision)
    world.session.rollback()
    assert [row.versions for row in reports_of(world.session, world.award.id)] == [1]
    assert count(world, m.Spending) == 1
    assert len(mails(world, world.officer)) == sent


def test_every_problem_is_told_and_nothing_is_stored(world: World, now: datetime) -> None:
    desk = Desk(world, now)
    desk.begin()
    content = desk.content(("12000,00", "1.250"))
    content["sections"]["progress"] = " "
    lines = [str(line.id) for line in lines_of(world.session, world.award, None)]
    content["spending"][lines[0]] = "99999"
    with pytest.raises(Invalid) as invalid:
        desk.submit(content, 0)
    assert set(invalid.value.problems) == {"sections-progress", f"explanations-{lines[0]}", f"spending-{lines[1]}"}
    assert (desk.document.state, desk.revision, desk.document.draft["sections"]) == ("draft", 0, {})
    assert count(world, m.Spending) == 0
    assert "report:progress_report:1" in duties(world)


def test_what_is_overspent_is_handed_in_with_its_explanation(world: World, now: datetime) -> None:
    desk = Desk(world, now)
    assert desk.hand_in(("22000.01", "0"), e0="Prices rose.") == 1


def test_a_late_report_is_taken(world: World, now: datetime) -> None:
    assert Desk(world, now + timedelta(days=150)).hand_in() == 1


@pytest.mark.parametrize("stage", [Stage.WORKPLAN, Stage.AGREEMENT, Stage.PILOT])
def test_the_prototypes_report_is_handed_in_while_prototyping(world: World, now: datetime, stage: Stage) -> None:
    desk = Desk(world, now, PROTOTYPE)
    desk.begin()
    world.award.stage = stage
    world.session.commit()
    with pytest.raises(Refused, match="not possible in the stage"):
        desk.submit(desk.content(), 0)


def test_the_files_that_lie_with_the_report_go_with_the_version(world: World, now: datetime) -> None:
    desk = Desk(world, now)
    desk.begin()
    for n, (place, removed) in enumerate(
        [("report:progress_report:1", None), ("report:progress_report:1", now), ("report:progress_report:2", None)]
    ):
        world.session.add(
            m.Upload(
                award_id=world.award.id, place=place, name=f"{n}.pdf", kind="pdf", size=9, sha256="0" * 64, key=f"k{n}",
                uploaded_by=world.member.id, uploaded_at=now, removed_at=removed,
            )
        )  # fmt: skip
    world.session.commit()
    kept = world.session.scalars(select(m.Upload.id).where(m.Upload.name == "0.pdf")).one()
    desk.submit(desk.content() | {"files": [999]}, 0)
    version = world.session.scalars(select(m.Version).where(m.Version.document_id == desk.document.id)).one()
    assert version.content["files"] == [kept], "not what the form says, but what is there"


# Suspended and ended ---------------------------------------------------------------------------------------------


def test_a_suspended_award_is_written_on_but_hands_in_nothing(world: World, now: datetime) -> None:
    desk = Desk(world, now)
    desk.begin()
    awards.steer(world.actor(world.officer), now, world.code, "suspend", "A question about the accounts")
    assert desk.save(desk.content(), 0) == 1
    with pytest.raises(Refused, match="Suspended"):
        desk.submit(None, 1)
    with pytest.raises(Refused, match="Suspended"):
        Desk(world, now, PROTOTYPE).begin()
    awards.steer(world.actor(world.officer), now, world.code, "resume", "Answered")
    assert desk.submit(None, 1) == 1


def test_the_prototypes_report_is_not_accepted_while_suspended(world: World, now: datetime) -> None:
    desk = Desk(world, now, PROTOTYPE)
    desk.hand_in()
    awards.steer(world.actor(world.officer), now, world.code, "suspend", "A question about the accounts")
    with pytest.raises(Refused, match="Suspended"):
        desk.accept()
    assert desk.document.state == "submitted"


def test_what_an_ended_award_left_stays_as_it_is(world: World, now: datetime) -> None:
    desk, other = Desk(world, now), Desk(world, now, PROTOTYPE)
    desk.begin()
    other.hand_in()
    awards.steer(world.actor(world.officer), now, world.code, "terminate", "It came to nothing")
    with pytest.raises(Refused):
        desk.save({"sections": {"progress": "late"}}, 0)
    with pytest.raises(Refused):
        other.ask(1, {"prototype": "More."})
    with pytest.raises(Refused):
        other.accept()
    assert not [key for key in duties(world) if key.startswith(("report:", "review:"))]


# Judging ---------------------------------------------------------------------------------------------------------


def test_version_two_answers_what_was_asked_of_version_one(world: World, now: datetime) -> None:
    desk = Desk(world, now)
    desk.hand_in(("100", "0"))
    with pytest.raises(Refused, match="in at least one section"):
        desk.ask(1, {"progress": " ", "moon": "Nothing is called so."})
    desk.ask(1, {"progress": " Say which firms. ", "spending": "Is this all?", "files": ""})
    page = find_report(world.session, world.award.id, DocumentKind.PROGRESS_REPORT, 1)
    assert page is not None and page.newest is not None
    asked = [(thread.section, thread.comments[0].body) for thread in page.threads_on(page.newest)]
    assert asked == [("progress", "Say which firms."), ("spending", "Is this all?")]
    owed = duties(world)
    assert "review:progress_report:1" not in owed
    assert owed["report:progress_report:1"].due_at == datetime(2026, 3, 16, 23, tzinfo=UTC), "two weeks to answer"
    assert "Changes are asked for: Progress report 1" in mails(world, world.lead)[-1]
    assert desk.submit(desk.content(("150", "0")), desk.revision) == 2
    with pytest.raises(Refused, match="A newer version came in"):
        desk.accept(1)
    desk.accept(2)
    decided = world.session.scalars(
        select(m.Version.decision).where(m.Version.document_id == desk.document.id).order_by(m.Version.number)
    ).all()
    assert list(decided) == ["changes_requested", "accepted"]
    with pytest.raises(Refused, match="decided already"):
        desk.accept(2)


def test_spending_counts_once_accepted_and_once_over_the_versions(world: World, now: datetime) -> None:
    desk, second = Desk(world, now), Desk(world, now, PROTOTYPE)
    desk.hand_in(("100", "40"))
    assert spent(world) == 0
    desk.ask(1, {"spending": "Is this all?"})
    desk.submit(desk.content(("150", "0")), desk.revision)
    assert spent(world) == 0
    desk.accept(2)
    world.session.rollback()
    assert spent(world) == D("150.00")
    own = lines_of(world.session, world.award, desk.document.id)
    assert [line.spent_before for line in own] == [D(0), D(0)], "a report does not count against itself"
    second.begin()
    others = lines_of(world.session, world.award, second.document.id)
    assert [line.spent_before for line in others] == [D("150.00"), D("0.00")]
    assert [line.label for line in others] == ["Developers", "Phones for tests"], "own contributions are left out"
    earlier = lines_of(world.session, world.award, None, before=now)
    assert [line.spent_before for line in earlier] == [D(0), D(0)]


def test_overspending_is_counted_over_the_reports(world: World, now: datetime) -> None:
    first = Desk(world, now)
    first.hand_in(("15000", "0"))
    first.accept()
    second = Desk(world, now, PROTOTYPE)
    with pytest.raises(Invalid):
        second.hand_in(("7000.01", "0"))
    assert second.hand_in(("7000.01", "0"), e0="Prices rose.") == 1


def test_accepting_the_prototypes_report_starts_the_pilot(world: World, now: datetime) -> None:
    desk = Desk(world, now, PROTOTYPE)
    before = duties(world)["report:progress_report:1"]
    desk.hand_in()
    desk.accept()
    world.again()
    assert (world.award.stage, world.award.pilot_on) == (Stage.PILOT, date(2026, 3, 2))
    owed = duties(world)
    assert "report:final_report:1" in owed and "review:prototype_report:1" not in owed
    world.session.refresh(before)
    assert before.state == "waived", "the final report tells it too"
    assert {"report:progress_report:2", "report:progress_report:3"} <= set(owed), "the pilot's own are due"
    assert events(world)[-2:] == ["report_accepted", "stage_entered"]
    assert "A report is accepted: Final report on the prototype." in mails(world, world.lead)[-1]


def _pay(world: World, amount: str, now: datetime) -> None:
    tranche = world.session.scalars(select(m.Tranche).where(m.Tranche.award_id == world.award.id)).first()
    assert tranche is not None
    entry = m.LedgerEntry(
        tranche_id=tranche.id, kind="payment", amount=D(amount), currency="USD", local_amount=D(amount),
        local_currency="USD", rate=D(1), reference="B-1", value_on=now.date(), by=world.finance.id, at=now,
    )  # fmt: skip
    enter(entry, world.award)
    world.session.commit()


def test_accepting_the_final_report_makes_the_unspent_money_due(world_at: WorldAt, now: datetime) -> None:
    world = world_at(Stage.PILOT)
    _pay(world, "30000", now)
    desk, late = Desk(world, now, FINAL), Desk(world, now)
    late.hand_in(("500", "0"))
    desk.hand_in(("19000", "9000"))
    desk.accept()
    owed = duties(world)["return_unspent"]
    assert (owed.debtor, owed.creditor, owed.params["amount"]) == ("team", "finance", "2000.00 USD")
    assert owed.due_at == datetime(2026, 4, 1, 22, tzinfo=UTC), "thirty days"
    assert world.award.stage == Stage.PILOT
    late.accept()
    again = duties(world)["return_unspent"]
    assert (again.params["amount"], again.due_at) == ("1500.00 USD", owed.due_at), "less, by the same day"


@pytest.mark.parametrize(("paid", "amounts"), [("30000", ("20000", "10000")), ("1000", ("1500", "0"))])
def test_nothing_is_due_back_when_all_is_spent(
    world_at: WorldAt, now: datetime, paid: str, amounts: tuple[str, str]
) -> None:
    world = world_at(Stage.PILOT)
    _pay(world, paid, now)
    desk = Desk(world, now, FINAL)
    desk.hand_in(amounts)
    desk.accept()
    assert "return_unspent" not in duties(world)
    assert facts_of(world.session, world.award).final_report_accepted


def test_a_progress_report_alone_makes_nothing_due_back(world_at: WorldAt, now: datetime) -> None:
    world = world_at(Stage.PILOT)
    _pay(world, "30000", now)
    desk = Desk(world, now)
    desk.hand_in(("100", "0"))
    desk.accept()
    assert "return_unspent" not in duties(world)


# Milestones ------------------------------------------------------------------------------------------------------


def _owe_milestone(world: World, now: datetime) -> None:
    stages.owe(
        world.award, stages.Kind.REACH_MILESTONE, stages.Party.TEAM, stages.Party.OFFICER, now, now, key="milestone:1"
    )
    world.session.commit()


def test_a_milestone_is_accepted_with_its_proof_and_once(world: World, now: datetime) -> None:
    _owe_milestone(world, now)
    officer = world.actor(world.officer)
    for evidence in ("", " \n", "x" * 20001):
        with pytest.raises(Invalid) as invalid:
            report.accept_milestone(officer, now, world.code, 1, evidence)
        assert list(invalid.value.problems) == ["evidence"]
        world.session.rollback()
    report.accept_milestone(officer, now, world.code, 1, " Report of needs, 42 firms. ")
    found = world.session.scalars(select(m.Milestone).where(m.Milestone.award_id == world.award.id)).one()
    assert (found.evidence, found.accepted_at, found.accepted_by) == (
        "Report of needs, 42 firms.", now, world.officer.id,
    )  # fmt: skip
    assert "milestone:1" not in duties(world)
    assert events(world)[-1] == "milestone_accepted"
    with pytest.raises(Refused, match="accepted already"):
        report.accept_milestone(officer, now, world.code, 1, "Again")


def test_who_accepts_milestones_and_when(world: World, now: datetime, session: Session) -> None:
    for who in (world.lead, world.mentor, world.committee, world.finance):
        with pytest.raises(NotAllowed):
            report.accept_milestone(world.actor(who), now, world.code, 1, "Seen")
        session.rollback()
    with pytest.raises(NotFound):
        report.accept_milestone(world.actor(world.officer), now, world.code, 9, "Seen")
    awards.steer(world.actor(world.officer), now, world.code, "suspend", "A question")
    with pytest.raises(Refused, match="Suspended"):
        report.accept_milestone(world.actor(world.officer), now, world.code, 1, "Seen")
