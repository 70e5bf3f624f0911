"""The lab: boot camps recorded, versions drafted and published, advice given, answered and resolved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lab.models import Attendance, BootCamp, Comment, Document, Event, Mail, Obligation, Person, Thread, Upload, Version
from lab.queries.lab import camps_of, newest_number, threads_of, versions_of
from lab.rules.calendar import days_after, local_day
from lab.rules.errors import Conflict, Invalid, NotAllowed, NotFound, Refused
from lab.rules.facts import ENDED, Stage
from lab.rules.lab import ANSWER_DAYS
from lab.services import lab as service
from tests.factories import START, World

WorldAt = Callable[..., World]
NOW = START + timedelta(days=40)


def _key(world: World, position: int = 0) -> str:
    return camps_of(world.session, world.award.id)[position].key


def _record(world: World, person: Person | None = None, attendees: Sequence[int] = (), **given: object) -> None:
    values = {"key": _key(world), "held_on": date(2026, 4, 2), "note": "We drew it."} | given
    service.record_boot_camp(world.actor(person or world.officer), NOW, world.code, attendees=attendees, **values)  # type: ignore[arg-type]


def _publish(world: World, body: str = "It counts stock.", files: Sequence[int] = (), **given: object) -> int:
    return service.publish_prototype(world.actor(world.member), NOW, world.code, body, "", files, **given)  # type: ignore[arg-type]


def _upload(world: World, place: str = "prototype", **fields: object) -> Upload:
    number = world.session.scalar(select(func.count()).select_from(Upload)) or 0
    upload = Upload(
        award_id=world.award.id, place=place, name=f"file {number}.pdf", kind="pdf", size=10, sha256="0" * 64,
        key=f"{number:032x}", uploaded_by=world.lead.id, uploaded_at=NOW,
    )  # fmt: skip
    for name, value in fields.items():
        setattr(upload, name, value)
    world.session.add(upload)
    world.session.commit()
    return upload


def _comment(world: World, topic: str = "Stock list") -> int:
    return service.open_feedback(world.actor(world.mentor), NOW, world.code, 1, topic, "Too small on a phone.")


def _events(world: World) -> list[str]:
    query = select(Event.kind).where(Event.award_id == world.award.id).order_by(Event.seq)
    return list(world.session.scalars(query))


def _mails(world: World) -> list[str]:
    return list(world.session.scalars(select(Mail.to).order_by(Mail.id)))


def _answer_owed(world: World) -> list[Obligation]:
    query = select(Obligation).where(Obligation.kind == "answer_thread", Obligation.state == "open")
    return list(world.session.scalars(query))


# Boot camps ------------------------------------------------------------------------------------------------------


def test_a_boot_camp_is_recorded_with_who_was_there(session: Session, world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING)
    _record(world, attendees=[world.lead.id, world.member.id, world.lead.id])
    [camp, *others] = camps_of(session, world.award.id)
    assert (camp.held_on, camp.note, camp.recorded_by, camp.recorded_at) == (
        date(2026, 4, 2), "We drew it.", world.officer.id, NOW,
    )  # fmt: skip
    assert sorted(one.name for one in camp.attendance) == ["Lucía Lead", "Mateo Member"]
    assert not any(other.held_on for other in others)
    owed = session.scalars(select(Obligation).where(Obligation.key == f"boot_camp:{camp.key}")).one()
    assert owed.state == "discharged"
    event = session.scalars(select(Event).where(Event.kind == "boot_camp_held")).one()
    assert event.details["attended"] == 2


def test_a_second_record_corrects_the_first(session: Session, world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING)
    _record(world, attendees=[world.lead.id, world.member.id])
    _record(world, world.mentor, [world.member.id], note="")
    camp = camps_of(session, world.award.id)[0]
    assert [one.person_id for one in camp.attendance] == [world.member.id]
    assert (camp.note, camp.recorded_by) == ("", world.mentor.id)
    assert session.scalar(select(func.count()).select_from(Attendance)) == 1


@pytest.mark.parametrize(
    ("given", "field"), [({"held_on": date(2026, 4, 13)}, "held_on"), ({"held_on": date(2026, 2, 22)}, "held_on")]
)
def test_a_boot_camp_on_an_impossible_day(
    session: Session, world_at: WorldAt, given: dict[str, object], field: str
) -> None:
    world = world_at(Stage.PROTOTYPING)
    with pytest.raises(Invalid) as refused:
        _record(world, **given)
    assert set(refused.value.problems) == {field}
    session.rollback()
    assert session.scalar(select(func.count()).where(BootCamp.held_on.is_not(None))) == 0


def test_only_the_team_attends(session: Session, world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING)
    for stranger in (world.mentor.id, world.other_lead.id, 10**30):
        with pytest.raises(Invalid) as refused:
            _record(world, attendees=[world.lead.id, stranger])
        assert set(refused.value.problems) == {"attendees"}
        session.rollback()


def test_who_records_boot_camps(session: Session, world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING)
    for person in (world.lead, world.committee, world.finance):
        with pytest.raises(NotAllowed):
            _record(world, person)
        session.rollback()
    with pytest.raises(NotFound):
        _record(world, world.other_lead)
    session.rollback()
    with pytest.raises(NotFound):
        _record(world, key="moon")
    session.rollback()
    # Another award's boot camp is not found under this one's code.
    with pytest.raises(NotFound):
        service.record_boot_camp(
            world.actor(world.officer), NOW, world.other_award.code, _key(world), NOW.date(), [], ""
        )


@pytest.mark.parametrize("stage", sorted(ENDED))
def test_an_ended_award_changes_nothing_in_its_lab(session: Session, world_at: WorldAt, stage: Stage) -> None:
    world = world_at(Stage.PROTOTYPING)
    number = _publish(world)
    thread_id = _comment(world)
    world.award.stage, world.award.ended_at = stage, NOW
    world.again()
    before = len(_events(world))
    acts: list[Callable[[], object]] = [
        lambda: _record(world),
        lambda: _publish(world),
        lambda: service.keep_draft(world.actor(world.lead), NOW, world.code, "x", "", [], 1),
        lambda: service.open_feedback(world.actor(world.mentor), NOW, world.code, number, "a", "b"),
        lambda: service.reply(world.actor(world.lead), NOW, world.code, thread_id, "x"),
        lambda: service.resolve(world.actor(world.mentor), NOW, world.code, thread_id),
    ]
    for act in acts:
        with pytest.raises(Refused):
            act()
        session.rollback()
    assert len(_events(world)) == before


# Prototype versions ----------------------------------------------------------------------------------------------


def test_versions_are_numbered_kept_and_announced(session: Session, world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING)
    upload = _upload(world)
    assert newest_number(session, world.award.id) == 0
    assert _publish(world, " It counts stock. ", [upload.id, upload.id]) == 1
    assert _publish(world, "It also sorts.") == 2
    newest, first = versions_of(session, world.award.id)
    assert (newest.number, newest.content["body"]) == (2, "It also sorts.")
    assert first.content == {
        "body": "It counts stock.", "link": "", "files": [{"id": upload.id, "name": upload.name}],
    }  # fmt: skip
    assert first.submitter.name == "Mateo Member"
    assert newest_number(session, world.award.id) == 2
    assert _events(world)[-2:] == ["prototype_published", "prototype_published"]
    assert _mails(world)[-2:] == [world.mentor.email] * 2
    body = session.scalars(select(Mail.body).order_by(Mail.id.desc()).limit(1)).one()
    assert f"/awards/{world.code}/lab/versions/2" in body


def test_a_file_belongs_to_one_version_only(session: Session, world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING)
    taken, removed = _upload(world), _upload(world, removed_at=NOW)
    camp, foreign = _upload(world, "boot_camp:1"), _upload(world, award_id=world.other_award.id)
    _publish(world, files=[taken.id])
    for upload_id in (taken.id, removed.id, camp.id, foreign.id, 999_999, 10**30):
        with pytest.raises(Invalid) as refused:
            _publish(world, files=[upload_id])
        assert set(refused.value.problems) == {"files"}
        session.rollback()
    assert (
        session.scalar(select(func.count()).select_from(Version).join(Document).where(Document.kind == "prototype"))
        == 1
    )


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage not in (Stage.PROTOTYPING, Stage.PILOT)])
def test_nothing_is_published_or_drafted_outside_prototyping_and_pilot(
    session: Session, world_at: WorldAt, stage: Stage
) -> None:
    world = world_at(stage)
    with pytest.raises(Refused):
        _publish(world)
    session.rollback()
    with pytest.raises(Refused):
        service.keep_draft(world.actor(world.lead), NOW, world.code, "x", "", [], 0)
    session.rollback()
    assert session.scalar(select(func.count()).where(Document.kind == "prototype")) == 0


def test_who_publishes(session: Session, world_at: WorldAt) -> None:
    world = world_at(Stage.PILOT)
    for person in (world.mentor, world.officer, world.finance, world.committee):
        with pytest.raises(NotAllowed):
            service.publish_prototype(world.actor(person), NOW, world.code, "x", "", [])
        session.rollback()
        with pytest.raises(NotAllowed):
            service.keep_draft(world.actor(person), NOW, world.code, "x", "", [], 0)
        session.rollback()
    with pytest.raises(NotFound):
        service.publish_prototype(world.actor(world.other_lead), NOW, world.code, "x", "", [])


def test_an_invalid_version_stores_nothing(session: Session, world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING)
    before = len(_events(world))
    with pytest.raises(Invalid):
        _publish(world, " ")
    session.rollback()
    assert session.scalar(select(func.count()).where(Document.kind == "prototype")) == 0
    assert len(_events(world)) == before


def test_a_draft_is_kept_as_typed_until_it_is_published(session: Session, world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING)
    lead, member = world.actor(world.lead), world.actor(world.member)
    assert service.keep_draft(lead, NOW, world.code, "half a sen", "example", [7], 0) == 1
    with pytest.raises(Conflict) as conflict:
        service.keep_draft(member, NOW, world.code, "another", "", [], 0)
    assert (conflict.value.theirs["body"], conflict.value.revision) == ("half a sen", 1)
    session.rollback()
    # The same text from a stale page is no conflict: nothing would be lost.
    assert service.keep_draft(member, NOW, world.code, "half a sen", "example", [7], 0) == 1
    with pytest.raises(Conflict):
        _publish(world, "another", revision=0)
    session.rollback()
    assert _publish(world, "half a sentence", revision=1) == 1
    draft = session.scalars(select(Document).where(Document.kind == "prototype")).one()
    assert (draft.draft, draft.draft_revision) == ({}, 2)
    # Two people publish the same draft: the second is told, and nothing is published twice.
    with pytest.raises(Conflict):
        _publish(world, "half a sentence", revision=1)
    session.rollback()
    assert newest_number(session, world.award.id) == 1


# The talk about them ---------------------------------------------------------------------------------------------


def test_a_comment_is_owed_an_answer_within_a_week(session: Session, world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING)
    _publish(world)
    thread_id = _comment(world)
    [thread] = threads_of(session, world.award.id)
    assert (thread.id, thread.section, thread.resolved_at) == (thread_id, "Stock list", None)
    assert [(c.author.name, c.body) for c in thread.comments] == [("Maya Mentor", "Too small on a phone.")]
    [owed] = _answer_owed(world)
    zone = "Europe/Zurich"
    assert (owed.key, owed.debtor, owed.creditor) == (f"thread:{thread_id}", "team", "mentor")
    assert owed.due_at == days_after(local_day(NOW, zone), ANSWER_DAYS, zone)
    assert _mails(world)[-1] == world.lead.email
    assert _events(world)[-1] == "thread_opened"


def test_the_teams_answer_settles_it_and_more_advice_asks_anew(session: Session, world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING)
    _publish(world)
    thread_id = _comment(world)
    service.reply(world.actor(world.member), NOW, world.code, thread_id, " Larger in version 2. ")
    assert not _answer_owed(world)
    assert _mails(world)[-1] == world.mentor.email
    later = NOW + timedelta(days=2)
    service.reply(world.actor(world.officer), later, world.code, thread_id, "Show it.")
    [owed] = _answer_owed(world)
    service.reply(world.actor(world.mentor), later + timedelta(days=1), world.code, thread_id, "Please.")
    assert [one.due_at for one in _answer_owed(world)] == [owed.due_at]
    [thread] = threads_of(session, world.award.id)
    assert [c.body for c in thread.comments][1:] == ["Larger in version 2.", "Show it.", "Please."]


def test_a_resolved_thread_is_closed_for_good(session: Session, world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING)
    _publish(world)
    thread_id = _comment(world)
    service.resolve(world.actor(world.mentor), NOW, world.code, thread_id)
    assert not _answer_owed(world)
    thread = session.get_one(Thread, thread_id)
    assert (thread.resolved_by, thread.resolved_at) == (world.mentor.id, NOW)
    for act in (
        lambda: service.resolve(world.actor(world.officer), NOW, world.code, thread_id),
        lambda: service.reply(world.actor(world.lead), NOW, world.code, thread_id, "One more"),
    ):
        with pytest.raises(Refused, match="resolved already"):
            act()
        session.rollback()
    assert session.scalar(select(func.count()).select_from(Comment)) == 1


def test_who_talks(session: Session, world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING)
    _publish(world)
    thread_id = _comment(world)
    refusals: list[tuple[type[Exception], Person, Callable[[Person], object]]] = []
    for person in (world.lead, world.committee, world.finance):
        refusals.append(
            (NotAllowed, person, lambda who: service.open_feedback(world.actor(who), NOW, world.code, 1, "a", "b"))
        )
        refusals.append((NotAllowed, person, lambda who: service.resolve(world.actor(who), NOW, world.code, thread_id)))
    for person in (world.committee, world.finance):
        refusals.append(
            (NotAllowed, person, lambda who: service.reply(world.actor(who), NOW, world.code, thread_id, "x"))
        )
    refusals.append(
        (NotFound, world.other_lead, lambda who: service.reply(world.actor(who), NOW, world.code, thread_id, "x"))
    )
    # The officer of both awards does not reach this one's thread or version through the other's code.
    refusals.append(
        (
            NotFound,
            world.officer,
            lambda who: service.reply(world.actor(who), NOW, world.other_award.code, thread_id, "x"),
        )
    )
    refusals.append(
        (
            NotFound,
            world.officer,
            lambda who: service.open_feedback(world.actor(who), NOW, world.other_award.code, 1, "a", "b"),
        )
    )
    refusals.append(
        (NotFound, world.mentor, lambda who: service.open_feedback(world.actor(who), NOW, world.code, 2, "a", "b"))
    )
    for error, person, act in refusals:
        with pytest.raises(error):
            act(person)
        session.rollback()
    assert session.scalar(select(func.count()).select_from(Comment)) == 1


def test_empty_words_are_refused_and_store_nothing(session: Session, world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING)
    _publish(world)
    thread_id = _comment(world)
    with pytest.raises(Invalid) as refused:
        service.open_feedback(world.actor(world.mentor), NOW, world.code, 1, "", " ")
    assert set(refused.value.problems) == {"topic", "body"}
    session.rollback()
    with pytest.raises(Invalid):
        service.reply(world.actor(world.lead), NOW, world.code, thread_id, "\n")
    session.rollback()
    assert session.scalar(select(func.count()).select_from(Comment)) == 1
