"""A programme of the size that the pages are measured on, written as rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from lab import models as m
from lab.rules import calls
from lab.rules.agreement import to_freeze
from lab.rules.calendar import add_months, end_of_day
from lab.rules.disbursement import DUTIES, TrancheState, duty_key
from lab.rules.events import GENESIS, chain_hash
from lab.rules.facts import PATH, Role, Stage
from tests.factories import definition, make_call, person, seat

STAGES = (*PATH[:4], *PATH[:4], Stage.CLOSED, Stage.SUSPENDED)
MILESTONES, REPORTS, COMMENTS, EVENTS, INDICATORS, VALUES = 12, 9, 30, 20, 40, 12


def _bulk(session: Session, model: type[Any], rows: Iterable[dict[str, Any]]) -> None:
    rows = iter(rows)
    while batch := list(islice(rows, 2000)):
        session.execute(insert(model), batch)


def fill(session: Session, awards: int, now: datetime) -> dict[str, Any]:
    """``awards`` awards of one call over all stages, with their papers; returns people and an award to look at. Commits."""
    call = make_call(session)
    people = {
        "officer": person(session, Role.OFFICER, name="Olivia Officer", email="bench-officer@example.org"),
        "finance": person(session, Role.FINANCE, name="Fatou Finance", email="bench-finance@example.org"),
        "committee": seat(session, call, name="Carla Committee", email="bench-committee@example.org"),
        "lead": person(session, name="Lucía Lead", email="bench-lead@example.org"),
        "mentor": person(session, name="Maya Mentor", email="bench-mentor@example.org"),
    }
    body = calls.to_json(definition())
    ids = {name: made.id for name, made in people.items()}
    today = now.date()
    _bulk(
        session,
        m.Organisation,
        (
            {
                "legal_name": f"Organisation {n:05}",
                "kind": "ngo",
                "country": "EC",
                "registered_on": today - timedelta(days=3000),
            }
            for n in range(awards)
        ),
    )
    organisations = list(
        session.scalars(
            select(m.Organisation.id)
            .where(m.Organisation.legal_name.like("Organisation %"))
            .order_by(m.Organisation.id)
        )
    )
    _bulk(session, m.Award, (_award(n, call.id, organisations[n], ids["officer"], body, now) for n in range(awards)))
    rows = session.execute(
        select(m.Award.id, m.Award.stage, m.Award.code).where(m.Award.call_id == call.id).order_by(m.Award.id)
    ).all()
    pilots = [award_id for award_id, stage, _ in rows if stage == Stage.PILOT]
    looked_at = next((row for row in rows if row.stage == Stage.PROTOTYPING), rows[0])
    everywhere = [row.id for row in rows]
    _bulk(
        session,
        m.TeamMember,
        (
            {"award_id": award_id, "person_id": ids[role], "role": role, "since": now}
            for award_id in (looked_at.id, pilots[0])
            for role in ("lead", "mentor")
        ),
    )
    _papers(session, everywhere, ids, now)
    _pilot(session, pilots, ids, now)
    _agreement(session, looked_at.id, ids, now)
    session.commit()
    return {
        "people": people,
        "award": looked_at.code,
        "pilot": next(r.code for r in rows if r.id == pilots[0]),
        "call": call.code,
        "of": call,
    }


def _award(
    n: int, call_id: int, organisation_id: int, officer_id: int, body: dict[str, Any], now: datetime
) -> dict[str, Any]:
    stage = STAGES[n % len(STAGES)]
    began = now.date() - timedelta(days=150)
    return {
        "code": f"bench-{n:05}", "call_id": call_id, "number": n + 1, "organisation_id": organisation_id, "officer_id": officer_id,
        "project": f"Productive chains number {n}", "summary": "A bench award.", "prize": "first", "amount": Decimal(30000),
        "currency": "USD", "local_currency": "USD", "language": "es", "notice_on": began - timedelta(days=60), "stage": stage,
        "suspended_from": Stage.PROTOTYPING if stage is Stage.SUSPENDED else None, "stage_since": now - timedelta(days=20),
        "prototyping_on": began if n % 5 > 1 else None, "pilot_on": add_months(began, 2) if stage in (Stage.PILOT, Stage.CLOSED) else None,
        "created_at": now - timedelta(days=210), "ended_at": now if stage is Stage.CLOSED else None, "revision": 1,
    }  # fmt: skip


def _events(award_id: int, actor_id: int, now: datetime) -> Iterator[dict[str, Any]]:
    previous = GENESIS
    for seq in range(1, EVENTS + 1):
        row = {
            "stream": f"award:{award_id}", "seq": seq, "award_id": award_id, "kind": "lesson_written", "actor_id": actor_id,
            "at": now - timedelta(days=EVENTS - seq), "details": {"title": f"Lesson {seq}"}, "previous_hash": previous,
        }  # fmt: skip
        row["hash"] = previous = chain_hash(previous, {k: v for k, v in row.items() if k != "previous_hash"})
        yield row


def _papers(session: Session, awards: list[int], ids: dict[str, int], now: datetime) -> None:
    _bulk(session, m.Event, (row for award_id in awards for row in _events(award_id, ids["officer"], now)))
    _bulk(
        session,
        m.Milestone,
        (
            {
                "award_id": a,
                "number": n,
                "title": f"Milestone {n}",
                "proof": "A report",
                "due_on": now.date() + timedelta(days=30 * n),
            }
            for a in awards
            for n in range(1, MILESTONES + 1)
        ),
    )
    _bulk(session, m.BudgetLine, (_line(a, n) for a in awards for n in range(1, 9)))
    kinds = [("workplan", 1), ("prototype", 1), *(("progress_report", n) for n in range(1, REPORTS + 1))]
    _bulk(session, m.Document, (_document(a, kind, n) for a in awards for kind, n in kinds))
    documents = session.execute(select(m.Document.id, m.Document.award_id, m.Document.kind)).all()
    _bulk(session, m.Version, (_version(d.id, d.kind, ids, now) for d in documents))
    of = {d.id: d for d in documents}
    versions = [
        (v.id, of[v.document_id])
        for v in session.execute(select(m.Version.id, m.Version.document_id))
        if v.document_id in of
    ]
    prototypes = {d.award_id: version for version, d in versions if d.kind == "prototype"}
    _bulk(
        session,
        m.Thread,
        (
            {
                "award_id": a,
                "version_id": prototypes[a],
                "section": "prototype",
                "kind": "feedback",
                "opened_by": ids["mentor"],
                "opened_at": now,
            }
            for a in awards
            for _ in range(COMMENTS // 3)
        ),
    )
    threads = list(session.scalars(select(m.Thread.id)))
    _bulk(
        session,
        m.Comment,
        (
            {"thread_id": t, "author_id": ids["mentor"], "body": "The stock page needs a search field. " * 4, "at": now}
            for t in threads
            for _ in range(3)
        ),
    )
    _bulk(
        session,
        m.Obligation,
        (
            {
                "award_id": a, "kind": "reach_milestone", "key": f"milestone:{n}", "debtor": "team" if n % 2 else "officer", "creditor": "officer",
                "params": {"title": f"Milestone {n}"}, "due_at": end_of_day(now.date() + timedelta(days=7 * n - 14), "Europe/Zurich"),
                "opened_at": now - timedelta(days=30), "state": "open",
            }
            for a in awards
            for n in range(1, 5)
        ),
    )  # fmt: skip
    _bulk(session, m.Tranche, (_tranche(a, n, ids, now) for n, a in enumerate(awards)))
    _bulk(session, m.Obligation, (_payment_due(a, n, now) for n, a in enumerate(awards)))


# A payment an award, each at another step of its way.
_AT = tuple(DUTIES)


def _tranche(award_id: int, n: int, ids: dict[str, int], now: datetime) -> dict[str, Any]:
    state = _AT[n % len(_AT)]
    proposed = state not in (TrancheState.PLANNED, TrancheState.WITHHELD)
    return {
        "award_id": award_id, "number": 1, "key": "single", "amount": Decimal(30000), "currency": "USD", "state": state,
        "proposed_by": ids["officer"] if proposed else None, "proposed_at": now if proposed else None,
    }  # fmt: skip


def _payment_due(award_id: int, n: int, now: datetime) -> dict[str, Any]:
    kind, debtor, creditor = DUTIES[_AT[n % len(_AT)]]
    return {
        "award_id": award_id, "kind": kind, "key": duty_key(1, kind), "debtor": debtor, "creditor": creditor, "params": {"number": 1},
        "due_at": end_of_day(now.date() + timedelta(days=n % 20), "Europe/Zurich"), "opened_at": now, "state": "open",
    }  # fmt: skip


def _line(award_id: int, n: int) -> dict[str, Any]:
    return {
        "award_id": award_id, "number": n, "category": "staff", "description": f"Line {n}", "quantity": Decimal(1),
        "unit_cost": Decimal(3750), "amount": Decimal(3750), "own": False,
    }  # fmt: skip


def _document(award_id: int, kind: str, n: int) -> dict[str, Any]:
    state = "draft" if kind == "prototype" else "accepted"
    return {
        "award_id": award_id,
        "kind": kind,
        "number": n,
        "title": f"{kind} {n}",
        "state": state,
        "draft": {},
        "draft_revision": 1,
    }


def _version(document_id: int, kind: str, ids: dict[str, int], now: datetime) -> dict[str, Any]:
    content: dict[str, Any] = {"body": "A version with a searchable stock page. " * 10, "link": "", "files": []}
    if kind == "workplan":
        content = {"summary": "A plan.", "activities": [], "milestones": [], "budget": []}
    elif kind != "prototype":
        content = {"sections": {"progress": "Done. " * 50}, "spending": {}, "explanations": {}, "files": []}
    return {
        "document_id": document_id, "number": 1, "content": content, "content_hash": hashlib.sha256(json.dumps(content).encode()).hexdigest(),
        "submitted_by": ids["lead"], "submitted_at": now, "reason": "",
    }  # fmt: skip


def _pilot(session: Session, pilots: list[int], ids: dict[str, int], now: datetime) -> None:
    _bulk(
        session,
        m.Indicator,
        (
            {
                "award_id": a,
                "name": f"Indicator {n}",
                "unit": "firms",
                "baseline": Decimal(0),
                "target": Decimal(100 + n),
                "created_by": ids["lead"],
                "created_at": now,
            }
            for a in pilots
            for n in range(INDICATORS)
        ),
    )
    indicators = list(session.scalars(select(m.Indicator.id)))
    _bulk(
        session,
        m.IndicatorValue,
        (
            {
                "indicator_id": i, "measured_on": now.date() - timedelta(days=7 * (VALUES - n)), "total": Decimal(5 * n), "note": "",
                "split": {"sex": {"women": str(3 * n), "men": str(2 * n)}, "age": {}, "group": {}}, "entered_by": ids["lead"], "entered_at": now,
            }
            for i in indicators
            for n in range(1, VALUES + 1)
        ),
    )  # fmt: skip


def _agreement(session: Session, award_id: int, ids: dict[str, int], now: datetime) -> None:
    """The frozen text of the award that is looked at, with both signatures; its PDF is drawn at each request."""
    clauses = [
        {"key": clause.key, "kind": clause.kind, "title": clause.title["es"], "text": clause.text["es"]}
        for clause in definition().clauses
    ]
    content = to_freeze({"language": "es", "clauses": clauses})
    document = m.Document(award_id=award_id, kind="agreement", state="accepted", draft=content)
    session.add(document)
    session.flush()
    version = m.Version(
        document_id=document.id, number=1, content=content, content_hash="", submitted_by=ids["officer"], submitted_at=now
    )  # fmt: skip
    session.add(version)
    session.flush()
    for side, who, name in (("organisation", "lead", "Lucía Lead"), ("ilo", "officer", "Olivia Officer")):
        session.add(
            m.Signature(
                award_id=award_id, version_id=version.id, side=side, person_id=ids[who], typed_name=name,
                text_hash=content["hash"], at=now,
            )
        )  # fmt: skip
