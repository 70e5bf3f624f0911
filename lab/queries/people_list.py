"""Accounts as an administrator sees them: who, in what state, with which kinds of role, and nothing of the programme."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, Row, Select, func, literal_column, or_, select, union_all
from sqlalchemy.orm import Session

from lab.models import Call, CommitteeMember, Person, ProgrammeRole, TeamMember
from lab.rules.errors import NotFound
from lab.rules.facts import Role

PAGE = 50


class AccountState(StrEnum):
    """Invited and not arrived, able to sign in, or disabled."""

    INVITED = "invited"
    ACTIVE = "active"
    DISABLED = "disabled"


@dataclass(frozen=True)
class Held:
    """A role that somebody holds. ``call_code`` names the call of a committee; an award is never named."""

    role: Role
    call_code: str = ""


@dataclass(frozen=True)
class Account:
    """A person with their state and roles."""

    person: Person
    state: AccountState
    held: tuple[Held, ...]


@dataclass(frozen=True)
class Accounts:
    """A page of accounts: ``total`` match in all; ``number`` counts from 1."""

    rows: list[Account]
    total: int
    number: int

    @property
    def pages(self) -> int:
        """How many pages there are; one for an empty list."""
        return max(1, -(-self.total // PAGE))


_STATES: dict[AccountState, ColumnElement[bool]] = {
    AccountState.DISABLED: Person.active.is_(False),
    AccountState.INVITED: Person.active & Person.password.is_(None),
    AccountState.ACTIVE: Person.active & Person.password.is_not(None),
}


def state_of(person: Person) -> AccountState:
    """The state of an account."""
    if not person.active:
        return AccountState.DISABLED
    return AccountState.INVITED if person.password is None else AccountState.ACTIVE


def _narrowed(text: str, state: str) -> Select[tuple[Person]]:
    query = select(Person)
    if state in _STATES:
        query = query.where(_STATES[AccountState(state)])
    if text:
        wanted = text.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        columns = (Person.name, Person.email)
        query = query.where(or_(*(func.lower(column).like(f"%{wanted}%", escape="\\") for column in columns)))
    return query


def list_people(session: Session, text: str = "", state: str = "", number: int = 1) -> Accounts:
    """Page ``number`` of the accounts whose name or address holds ``text``, by name, in three statements."""
    query = _narrowed(text, state)
    total = session.scalar(select(func.count()).select_from(query.with_only_columns(Person.id).subquery())) or 0
    number = max(1, min(number, -(-total // PAGE)))
    found = session.scalars(query.order_by(Person.name, Person.id).limit(PAGE).offset((number - 1) * PAGE)).all()
    return Accounts(_with_roles(session, found), total, number)


def get_account(session: Session, person_id: int) -> Account:
    """One account, in two statements. Raises NotFound."""
    person = session.get(Person, person_id)
    if person is None:
        raise NotFound("person")
    return _with_roles(session, [person])[0]


def _with_roles(session: Session, people: Sequence[Person]) -> list[Account]:
    ids = [person.id for person in people]
    rows: Sequence[Row[tuple[int, str, str]]] = session.execute(
        union_all(
            select(ProgrammeRole.person_id, ProgrammeRole.role, literal_column("''")).where(
                ProgrammeRole.person_id.in_(ids)
            ),
            select(CommitteeMember.person_id, literal_column(f"'{Role.COMMITTEE}'"), Call.code)
            .join(Call, Call.id == CommitteeMember.call_id)
            .where(CommitteeMember.person_id.in_(ids)),
            # That somebody has a place on an award is part of the account; which award is not the administrator's to see.
            select(TeamMember.person_id, TeamMember.role, literal_column("''"))
            .where(TeamMember.person_id.in_(ids), TeamMember.until.is_(None))
            .distinct(),
        )
    ).all()
    held: defaultdict[int, list[Held]] = defaultdict(list)
    for person_id, role, call_code in rows:
        held[person_id].append(Held(Role(role), call_code))
    return [
        Account(person, state_of(person), tuple(sorted(held[person.id], key=lambda item: (item.role, item.call_code))))
        for person in people
    ]
