"""Turning what is due into mails: each rung of the call's ladder once a person, whatever is restarted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import joinedload

from lab.models import Award, CommitteeMember, Obligation, Person, ProgrammeRole, Reminder, TeamMember
from lab.queries.awards import definition_of
from lab.rules.calls import CallDefinition
from lab.rules.facts import ACTIVE, Role
from lab.rules.obligations import ObligationKind, ObligationState, Party, overdue_days, sentence
from lab.rules.reminders import due_rung, told
from lab.services.letters import write
from lab.services.links import absolute
from lab.services.steps import session

BATCH = 500
# No call's ladder reaches further ahead than this; it bounds what a sweep looks at.
HORIZON = timedelta(days=62)


def sweep(now: datetime) -> int:
    """Queue every reminder that is due now, each once, and return how many. Suspended and ended awards are left alone."""
    query = (
        select(Obligation)
        .join(Award)
        .where(
            Obligation.state == ObligationState.OPEN,
            Obligation.due_at < now + HORIZON,
            Award.stage.in_([stage.value for stage in ACTIVE]),
        )
        .options(
            joinedload(Obligation.award).joinedload(Award.call),
            joinedload(Obligation.award).joinedload(Award.organisation),
            joinedload(Obligation.award).joinedload(Award.officer),
        )
        .order_by(Obligation.id)
        .limit(BATCH)
    )
    queued, after = 0, 0
    while batch := list(session().scalars(query.where(Obligation.id > after))):
        queued += _remind(batch, now)
        after = batch[-1].id
        session().commit()
    return queued


def _remind(batch: list[Obligation], now: datetime) -> int:
    sent = _sent(batch)
    due: list[tuple[Obligation, int, CallDefinition]] = []
    for obligation in batch:
        definition = definition_of(obligation.award)
        rung = due_rung(
            obligation.due_at,
            obligation.opened_at,
            definition.reminders,
            definition.time_zone,
            sent[obligation.id],
            now,
        )
        if rung is not None:
            due.append((obligation, rung, definition))
    if not due:
        return 0
    people = _people([obligation.award for obligation, _, _ in due])
    return sum(
        _tell(obligation, rung, definition, people[obligation.award_id], now) for obligation, rung, definition in due
    )


def _sent(batch: list[Obligation]) -> Mapping[int, set[int]]:
    """The rungs already sent of each obligation, for the date it has now."""
    found: dict[int, set[int]] = defaultdict(set)
    dates = {obligation.id: obligation.due_at for obligation in batch}
    rows = session().execute(
        select(Reminder.obligation_id, Reminder.due_at, Reminder.rung).where(Reminder.obligation_id.in_(dates))
    )
    for obligation_id, due_at, rung in rows:
        if due_at == dates[obligation_id]:
            found[obligation_id].add(rung)
    return found


def _people(awards: Iterable[Award]) -> Mapping[int, Mapping[Party, list[Person]]]:
    """Who stands for each party on each award, in three statements."""
    by_id = {award.id: award for award in awards}
    found: dict[int, dict[Party, list[Person]]] = {award_id: defaultdict(list) for award_id in by_id}
    finance = list(
        session().scalars(select(Person).join(ProgrammeRole).where(ProgrammeRole.role == Role.FINANCE, Person.active))
    )
    team = session().execute(
        select(TeamMember.award_id, TeamMember.role, Person)
        .join(Person, Person.id == TeamMember.person_id)
        .where(TeamMember.award_id.in_(by_id), TeamMember.until.is_(None), Person.active)
    )
    for award_id, role, person in team:
        if role in (Role.LEAD, Role.MENTOR):
            found[award_id][Party.TEAM if role == Role.LEAD else Party.MENTOR].append(person)
    seats = (
        session()
        .execute(
            select(CommitteeMember.call_id, Person)
            .join(Person, Person.id == CommitteeMember.person_id)
            .where(CommitteeMember.call_id.in_({award.call_id for award in by_id.values()}), Person.active)
        )
        .all()
    )
    for award in by_id.values():
        found[award.id][Party.FINANCE] = finance
        found[award.id][Party.OFFICER] = [award.officer] if award.officer.active else []
        found[award.id][Party.COMMITTEE] = [person for call_id, person in seats if call_id == award.call_id]
    return found


def _tell(
    obligation: Obligation, rung: int, definition: CallDefinition, people: Mapping[Party, list[Person]], now: datetime
) -> int:
    owner = Party(obligation.debtor)
    told_to = {person.id: person for party in told(owner, rung, definition.reminders) for person in people[party]}
    owners = {person.id for person in people[owner]}
    queued = 0
    for person in told_to.values():
        if _claim(obligation, rung, person, now):
            _write(obligation, person, person.id in owners, definition, now)
            queued += 1
    return queued


def _claim(obligation: Obligation, rung: int, person: Person, now: datetime) -> bool:
    """Note the reminder; False when another sweep noted it first."""
    insert = postgresql.insert if session().get_bind().dialect.name == "postgresql" else sqlite.insert
    row = insert(Reminder).values(
        obligation_id=obligation.id, due_at=obligation.due_at, rung=rung, person_id=person.id, at=now
    )
    done = session().execute(row.on_conflict_do_nothing().returning(Reminder.id)).scalar()
    return done is not None


def _write(obligation: Obligation, person: Person, owes: bool, definition: CallDefinition, now: datetime) -> None:
    award = obligation.award
    write(
        person,
        "reminder",
        now,
        task=sentence(ObligationKind(obligation.kind), obligation.params, overdue_days(obligation.due_at, now)),
        project=award.project,
        organisation=award.organisation.legal_name,
        due_at=obligation.due_at,
        call_zone=definition.time_zone,
        late=obligation.due_at <= now,
        owes=owes,
        link=absolute(f"/awards/{award.code}"),
    )
