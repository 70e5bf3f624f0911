"""Rows for tests, by factory_boy, and a whole world of people around one award at a chosen stage.

The world writes rows directly, so that a test of one service does not depend on all the others.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import uuid4

import factory
from sqlalchemy.orm import Session

from lab import models as m
from lab.config import ROOT
from lab.queries.people import actor_for
from lab.rules import calls
from lab.rules.agreement import text_hash
from lab.rules.calendar import add_months, days_after, end_of_day
from lab.rules.call_parsing import parse_call
from lab.rules.facts import PATH, Actor, Role, Stage
from lab.services import stages

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
CALL_FILE = ROOT / "lab" / "calls" / "e-formalisation-2021.toml"


@cache
def definition(path: str = str(CALL_FILE)) -> calls.CallDefinition:
    """A call as parsed from its file."""
    with open(path, "rb") as file:
        return parse_call(tomllib.load(file))


class Factory(factory.alchemy.SQLAlchemyModelFactory):
    """Adds and flushes; the test commits."""

    class Meta:
        abstract = True
        sqlalchemy_session_persistence = "flush"


class PersonFactory(Factory):
    class Meta:
        model = m.Person

    name = factory.Sequence(lambda n: f"Person {n}")
    email = factory.Sequence(lambda n: f"person{n}@example.org")
    password = None
    fs_uniquifier = factory.LazyFunction(lambda: uuid4().hex)
    language = "en"
    time_zone = "America/Guayaquil"
    created_at = START


class OrganisationFactory(Factory):
    class Meta:
        model = m.Organisation

    legal_name = factory.Sequence(lambda n: f"Cámara de Ejemplo {n}")
    kind = "employers"
    country = "EC"
    registered_on = date(2001, 5, 4)


class AwardFactory(Factory):
    class Meta:
        model = m.Award

    number = factory.Sequence(lambda n: n + 1)
    code = factory.LazyAttribute(lambda a: f"test-{a.number}")
    project = factory.LazyAttribute(lambda a: f"Encadenamientos productivos {a.number}")
    prize = "first"
    amount = Decimal("30000.00")
    currency = "USD"
    local_currency = "USD"
    language = "es"
    notice_on = date(2026, 2, 23)
    stage = "workplan"
    stage_since = START
    created_at = START


def _bind(session: Session) -> None:
    for kind in (PersonFactory, OrganisationFactory, AwardFactory):
        kind._meta.sqlalchemy_session = session


def make_call(session: Session, path: str = str(CALL_FILE), code: str = "") -> m.Call:
    """The call of a file, as loaded."""
    body = calls.to_json(definition(path))
    text = json.dumps(body, sort_keys=True)
    call = m.Call(
        code=code or body["code"],
        definition=body,
        definition_hash=hashlib.sha256(text.encode()).hexdigest(),
        loaded_at=START,
    )
    session.add(call)
    session.flush()
    return call


def person(session: Session, role: Role | None = None, **fields: Any) -> m.Person:
    """A person, with a role over the programme."""
    _bind(session)
    made = PersonFactory(**fields)
    if role is not None:
        session.add(m.ProgrammeRole(person_id=made.id, role=role))
        session.flush()
    return made


def join(session: Session, award: m.Award, role: Role, **fields: Any) -> m.Person:
    """A person on an award's team, or its mentor."""
    made = person(session, **fields)
    session.add(m.TeamMember(award_id=award.id, person_id=made.id, role=role, since=START))
    session.flush()
    return made


def seat(session: Session, call: m.Call, **fields: Any) -> m.Person:
    """A member of a call's steering committee."""
    made = person(session, **fields)
    session.add(m.CommitteeMember(call_id=call.id, person_id=made.id))
    session.flush()
    return made


PLAN: dict[str, Any] = {
    "summary": "Small firms see their stock and supply chain on a phone.",
    "activities": [
        {
            "id": "a1",
            "title": "Interview firms",
            "owner": "Ana",
            "starts_on": "2026-04-01",
            "ends_on": "2026-04-30",
            "deliverable": "Report of needs",
            "milestone": "m1",
        }
    ],
    "milestones": [
        {"id": "m1", "stage": "prototyping", "title": "Needs known", "proof": "Report of needs", "due_on": "2026-05-15"}
    ],
    "budget": [
        {"id": "b1", "category": "staff", "description": "Developers", "quantity": "4", "unit_cost": "5000.00", "own": "",
         "activity": "a1"},
        {"id": "b2", "category": "equipment", "description": "Phones for tests", "quantity": "10", "unit_cost": "1000.00",
         "own": "", "activity": "a1"},
        {"id": "b3", "category": "staff", "description": "Our own time", "quantity": "1", "unit_cost": "2500.00", "own": "1",
         "activity": ""},
    ],
}  # fmt: skip


@dataclass
class World:
    """One award, everybody around it, and a second award whose people have no business on the first."""

    session: Session
    call: m.Call
    award: m.Award
    lead: m.Person
    member: m.Person
    mentor: m.Person
    committee: m.Person
    officer: m.Person
    finance: m.Person
    admin: m.Person
    other_award: m.Award
    other_lead: m.Person
    other_committee: m.Person

    def actor(self, person: m.Person) -> Actor:
        """The person as services take them, with the roles they hold now."""
        return actor_for(self.session, person)

    @property
    def code(self) -> str:
        return self.award.code

    def again(self) -> World:
        """Commit, and read the award anew with what services expect to be loaded."""
        self.session.commit()
        self.session.refresh(self.award)
        self.session.refresh(self.award, ["call", "organisation", "officer"])
        return self


def build_world(
    session: Session, stage: Stage = Stage.WORKPLAN, path: str = str(CALL_FILE), now: datetime = START
) -> World:
    """A world with its award brought to ``stage`` and everything that lies before it; committed."""
    _bind(session)
    call = make_call(session, path)
    other_call = make_call(session, path, code="another-call")
    officer = person(session, Role.OFFICER, name="Olivia Officer", time_zone="Europe/Zurich")
    finance = person(session, Role.FINANCE, name="Fatou Finance", time_zone="Europe/Zurich")
    admin = person(session, Role.ADMIN, name="Adam Admin", time_zone="Europe/Zurich")
    award = make_award(session, call, officer)
    other = make_award(session, other_call, officer)
    world = World(
        session=session,
        call=call,
        award=award,
        lead=join(session, award, Role.LEAD, name="Lucía Lead", email="lead@team.example"),
        member=join(session, award, Role.MEMBER, name="Mateo Member"),
        mentor=join(session, award, Role.MENTOR, name="Maya Mentor"),
        committee=seat(session, call, name="Carla Committee"),
        officer=officer,
        finance=finance,
        admin=admin,
        other_award=other,
        other_lead=join(session, other, Role.LEAD, name="Otto Other"),
        other_committee=seat(session, other_call, name="Oscar Other"),
    )
    bring_to(world, stage, now)
    stages.settle(other, now)
    return world.again()


def make_award(session: Session, call: m.Call, officer: m.Person, **fields: Any) -> m.Award:
    """An award at the gate, with an empty workplan, its planned payments, and no team."""
    _bind(session)
    body = calls.from_json(call.definition)
    prize = body.prizes[0]
    fields = {"amount": prize.amount, "currency": prize.currency, "prize": prize.key} | fields
    award = AwardFactory(call_id=call.id, organisation_id=OrganisationFactory().id, officer_id=officer.id, **fields)
    session.add(
        m.Document(
            award_id=award.id, kind="workplan", state="draft",
            draft={"summary": "", "activities": [], "milestones": [], "budget": []},
        )
    )  # fmt: skip
    for n, plan in enumerate(body.tranches, start=1):
        tranche = m.Tranche(
            award_id=award.id,
            number=n,
            key=plan.key,
            amount=award.amount * plan.share,
            currency=award.currency,
            state="planned",
        )
        session.add(tranche)
        session.flush()
        for condition in plan.conditions:
            session.add(
                m.Condition(
                    tranche_id=tranche.id,
                    kind=condition.kind,
                    label=dict(condition.label),
                    params=dict(condition.params),
                )
            )
    session.flush()
    session.refresh(award, ["call", "organisation", "officer"])
    return award


def bring_to(world: World, stage: Stage, now: datetime) -> None:
    """Write what an award at ``stage`` has behind it."""
    reached = PATH.index(stage) if stage in PATH else 0
    if reached >= 1:
        _approve_plan(world, now)
    if reached >= 2:
        _sign(world, now)
    if reached >= 3:
        _start_pilot(world, now)
    world.award.stage = stage
    if stage is Stage.SUSPENDED:
        world.award.suspended_from = Stage.WORKPLAN
        world.session.add(m.Suspension(award_id=world.award.id, began_at=now, reason="A question about the plan"))
    world.session.flush()
    stages.settle(world.award, now)


def _document(world: World, kind: str, content: dict[str, Any], state: str, now: datetime) -> m.Version:
    session = world.session
    found = session.query(m.Document).filter_by(award_id=world.award.id, kind=kind).one_or_none()
    document = found or m.Document(award_id=world.award.id, kind=kind, state=state, draft=content)
    document.state, document.draft = state, content
    session.add(document)
    session.flush()
    version = m.Version(
        document_id=document.id, number=1, content=content,
        content_hash=hashlib.sha256(json.dumps(content).encode()).hexdigest(),
        submitted_by=world.lead.id, submitted_at=now - timedelta(days=1),
        decision=state if state == "accepted" else None,
        decided_by=world.officer.id if state == "accepted" else None,
        decided_at=now if state == "accepted" else None,
    )  # fmt: skip
    session.add(version)
    session.flush()
    return version


def _approve_plan(world: World, now: datetime) -> None:
    _document(world, "workplan", PLAN, "accepted", now)
    award, session = world.award, world.session
    session.add(
        m.Milestone(award_id=award.id, number=1, title="Needs known", proof="Report of needs", due_on=date(2026, 5, 15))
    )
    share = (award.amount * 2 / 3).quantize(Decimal(1))
    for n, (category, label, cost, own) in enumerate(
        (
            ("staff", "Developers", share, False),
            ("equipment", "Phones for tests", award.amount - share, False),
            ("staff", "Our own time", Decimal(2500), True),
        ),
        start=1,
    ):
        session.add(
            m.BudgetLine(
                award_id=award.id,
                number=n,
                category=category,
                description=label,
                quantity=Decimal(1),
                unit_cost=cost,
                amount=cost,
                own=own,
            )
        )
    session.flush()


def _sign(world: World, now: datetime) -> None:
    award, session = world.award, world.session
    body = calls.from_json(world.call.definition)
    for item in body.due_diligence:
        session.add(
            m.Check(
                award_id=award.id, checklist="due_diligence", key=item.key, note="Seen", by=world.officer.id, at=now
            )
        )
    clauses = [{"key": c.key, "kind": c.kind, "title": c.kind, "text": "Agreed."} for c in body.clauses]
    content: dict[str, Any] = {"language": "es", "clauses": clauses}
    content["hash"] = text_hash(content)
    version = _document(world, "agreement", content, "accepted", now)
    for side, who in (("organisation", world.lead), ("ilo", world.officer)):
        session.add(
            m.Signature(
                award_id=award.id, version_id=version.id, side=side, person_id=who.id, typed_name=who.name,
                text_hash=content["hash"], at=now,
            )
        )  # fmt: skip
    award.stage, award.stage_since = Stage.PROTOTYPING, now
    session.flush()
    stages._enter(award, Stage.PROTOTYPING, now)


def add_document(world: World, key: str, by: m.Person | None = None) -> m.Upload:
    """A document for an item of due diligence, uploaded by the officer unless by somebody else; committed."""
    upload = m.Upload(
        award_id=world.award.id, place=f"diligence:{key}", name=f"{key}.pdf", kind="pdf", size=10, sha256="0" * 64,
        key=uuid4().hex, uploaded_by=(by or world.officer).id, uploaded_at=START,
    )  # fmt: skip
    world.session.add(upload)
    world.session.commit()
    return upload


def _start_pilot(world: World, now: datetime) -> None:
    _document(
        world, "prototype_report", {"sections": {}, "spending": {}, "explanations": {}, "files": []}, "accepted", now
    )
    world.award.stage, world.award.stage_since = Stage.PILOT, now
    world.session.flush()
    stages._enter(world.award, Stage.PILOT, now)


def add_account(world: World, verified: bool = True, holder: str = "") -> m.BankAccount:
    """A bank account in the organisation's name, entered by the lead; committed."""
    account = m.BankAccount(
        organisation_id=world.award.organisation_id, holder=holder or world.award.organisation.legal_name, bank="Banco de Prueba",
        number="EC123456789012", currency=world.award.local_currency, entered_by=world.lead.id, entered_at=START,
        verified_by=world.finance.id if verified else None, verified_at=START if verified else None,
    )  # fmt: skip
    world.session.add(account)
    world.session.flush()
    stages.settle(world.award, START)
    world.again()
    return account


__all__ = [
    "PLAN", "START", "World", "add_account", "add_document", "add_months", "bring_to", "build_world", "days_after", "definition", "end_of_day",
    "join", "make_award", "make_call", "person", "seat",
]  # fmt: skip
