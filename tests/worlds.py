"""Three awards with everything on them, and marked words in every text: what is seen where it must not be is found.

Awards ``a`` and ``b`` belong to one call, ``c`` to another. Numbers that each award counts for itself (versions,
reports, payments, milestones) do not overlap between them, so that another award's number is never one's own.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from io import BytesIO
from typing import Any

from flask import current_app
from flask_security.utils import hash_password
from sqlalchemy import select
from sqlalchemy.orm import Session

from lab import clock
from lab import models as m
from lab.extensions import db
from lab.queries.amendment import terms_of
from lab.rules.amendment import terms_to_json
from lab.rules.decision_letter import DecisionLetter, letter_to_json
from lab.rules.facts import SYSTEM, Role, Stage
from lab.rules.security_events import SecurityEventKind
from lab.services.invitations import token_hash
from lab.services.steps import enter, record
from tests.factories import START, World, bring_to, join, make_award, make_call, person, seat

# What kinds of texts there are; whoever reads which is in tests.web.test_routes.
KINDS = (
    "leak", "project", "name", "closing", "agreement", "diligence", "money", "evidence", "reference", "bank", "draft", "note",
    "mail", "security",
)  # fmt: skip
# Of known kinds alone: a nonce or a token may happen to look like another.
MARK = re.compile(rf"zz({'|'.join(KINDS)})-([abc])(?![a-z])")
# Sentinels: what is written in rows of award ``a`` as, say, "zzbank-a".
PASSWORD = "four-words-that-nobody-guesses"
TOKEN = "follow-me-in-and-nothing-else"
NOTHING: dict[str, Any] = {"sections": {}, "spending": {}, "explanations": {}, "files": []}


@dataclass
class Place:
    """One award with its people, and an id of everything that an address can name."""

    letter: str
    world: World
    ids: dict[str, object] = field(default_factory=dict)

    def mark(self, kind: str, rest: str = "") -> str:
        """A word found nowhere else: what kind of thing it is, and whose."""
        assert kind in KINDS, kind
        return f"zz{kind}-{self.letter}{rest}"

    @property
    def award(self) -> m.Award:
        return self.world.award

    @property
    def session(self) -> Session:
        return self.world.session

    def number(self, own: int = 1) -> int:
        """``own``, moved to where no other award counts."""
        return own + {"a": 20, "b": 40, "c": 80}[self.letter]

    def add(self, row: Any) -> Any:
        self.session.add(row)
        self.session.flush()
        return row


@dataclass
class Worlds:
    """The awards by letter, and the people by what they are called in the tests."""

    places: dict[str, Place]
    people: dict[str, m.Person | None]


def marks_in(text: str) -> set[tuple[str, str]]:
    """(kind, award) of every marked word in ``text``."""
    return set(MARK.findall(text.lower()))


def build_worlds(session: Session) -> Worlds:
    """All of it, committed."""
    call, far_call = make_call(session), make_call(session, code="another-call")
    staff = {
        role: person(session, role, time_zone="Europe/Zurich") for role in (Role.OFFICER, Role.FINANCE, Role.ADMIN)
    }
    seats = {
        call.id: seat(session, call, name="Nora Near"),
        far_call.id: seat(session, far_call, name="Fabio Far"),
    }
    places = {}
    for letter, of in (("a", call), ("b", call), ("c", far_call)):
        award = make_award(session, of, staff[Role.OFFICER], prize="second" if letter == "b" else "first")
        team = {
            role: join(session, award, role, **_called(letter, role)) for role in (Role.LEAD, Role.MEMBER, Role.MENTOR)
        }
        world = World(
            session=session, call=of, award=award, lead=team[Role.LEAD], member=team[Role.MEMBER], mentor=team[Role.MENTOR],
            committee=seats[of.id], officer=staff[Role.OFFICER], finance=staff[Role.FINANCE], admin=staff[Role.ADMIN],
            other_award=award, other_lead=team[Role.LEAD], other_committee=seats[far_call.id],
        )  # fmt: skip
        bring_to(world, Stage.PILOT, START)
        places[letter] = Place(letter, world)
        _fill(places[letter])
    people = _people(places, seats[call.id], seats[far_call.id])
    session.commit()
    return Worlds(places, people)


@cache
def _hashed() -> str:
    return str(hash_password(PASSWORD))


def _called(letter: str, role: str) -> dict[str, str]:
    return {"name": f"zzname-{letter} {role}", "email": f"{role}@zzname-{letter}.example", "password": _hashed()}


def _people(places: dict[str, Place], near: m.Person, far: m.Person) -> dict[str, m.Person | None]:
    a, b, c = (places[letter].world for letter in "abc")
    former, disabled = (
        join(a.session, a.award, Role.MEMBER, **_called("a", which)) for which in ("former", "disabled")
    )
    left = a.session.scalars(select(m.TeamMember).where(m.TeamMember.person_id == former.id)).one()
    left.until, disabled.active = START, False
    return {
        "lead": a.lead, "member": a.member, "mentor": a.mentor, "committee": near, "officer": a.officer, "finance": a.finance,
        "admin": a.admin, "near_lead": b.lead, "near_member": b.member, "near_mentor": b.mentor, "far_lead": c.lead,
        "far_committee": far, "former": former, "disabled": disabled, "invited": None, "anonymous": None,
    }  # fmt: skip


def _fill(place: Place) -> None:
    place.award.project, place.award.summary = place.mark("project"), place.mark("leak")
    place.award.organisation.legal_name = place.mark("project", " Ltd")
    guest = join(place.session, place.award, Role.MEMBER, **_called(place.letter, "guest") | {"password": None})
    second = join(place.session, place.award, Role.MEMBER, **_called(place.letter, "second"))
    place.ids |= {
        "award_code": place.award.code,
        "call_code": place.world.call.code,
        "person_id": second.id,
        "guest_id": guest.id,
    }
    _documents(place)
    _plan(place)
    _lab(place)
    _money(place)
    _records(place)
    _amended(place)
    mail = m.Mail(
        message_id=f"<{place.letter}@test>", person_id=place.world.lead.id, to=place.world.lead.email,
        subject=place.mark("mail"), body=place.mark("mail"), state="kept", created_at=START, next_try_at=START,
        error=place.mark("mail"),
    )  # fmt: skip
    place.ids["mail_id"] = place.add(mail).id
    _signed_in(place)
    place.add(
        m.Invitation(
            person_id=guest.id, token_hash=token_hash(TOKEN + place.letter), invited_by=place.world.lead.id, created_at=START,
            expires_at=START + timedelta(days=14),
        )
    )  # fmt: skip
    place.session.flush()


def _version(
    place: Place, document: m.Document, number: int, content: dict[str, Any], decided: str | None
) -> m.Version:
    by = place.world.officer.id if decided else None
    return place.add(
        m.Version(
            document_id=document.id, number=number, content=content, submitted_by=place.world.lead.id, submitted_at=START,
            content_hash=hashlib.sha256(json.dumps(content).encode()).hexdigest(), decision=decided, decided_by=by,
            decided_at=START if decided else None, reason=place.mark("leak") if decided else "",
        )
    )  # fmt: skip


def _thread(place: Place, version: m.Version, kind: str) -> m.Thread:
    thread = m.Thread(
        award_id=place.award.id, version_id=version.id, section="summary" if kind != "feedback" else place.mark("leak"),
        kind=kind, opened_by=place.world.mentor.id, opened_at=START,
    )  # fmt: skip
    place.add(thread)
    place.add(m.Comment(thread_id=thread.id, author_id=place.world.mentor.id, body=place.mark("leak"), at=START))
    return thread


def _documents(place: Place) -> None:
    """Of each kind a document with a version handed in, what was asked of it, and a draft of the next."""
    number = place.number()
    plan = {"summary": place.mark("leak"), "activities": [], "milestones": [], "budget": []}
    drafted = plan | {"summary": place.mark("draft")}
    workplan = place.session.scalars(
        select(m.Document).where(m.Document.award_id == place.award.id, m.Document.kind == "workplan")
    ).one()
    workplan.draft = drafted
    _version(place, workplan, place.number(1), plan, "changes_requested")
    asked = _thread(place, _version(place, workplan, place.number(2), plan, "accepted"), "changes")
    for kind, state in (("progress_report", "changes_requested"), ("final_report", "submitted")):
        report = m.Document(
            award_id=place.award.id, kind=kind, number=number, state=state, title=place.mark("leak"),
            draft=NOTHING | {"sections": {"progress": place.mark("draft")}}, draft_saved_by=place.world.member.id, draft_saved_at=START,
        )  # fmt: skip
        place.add(report)
        sent = NOTHING | {"sections": {"progress": place.mark("leak")}, "explanations": {"1": place.mark("leak")}}
        version = _version(place, report, number, sent, "changes_requested" if state == "changes_requested" else None)
        if version.decision:
            _thread(place, version, "changes")
    prototype = m.Document(
        award_id=place.award.id, kind="prototype", state="draft", draft={"body": place.mark("draft"), "link": "", "files": []},
        draft_saved_at=START, draft_saved_by=place.world.member.id,
    )  # fmt: skip
    place.add(prototype)
    upload = _upload(place, "prototype", place.mark("leak", ".pdf"))
    content = {
        "body": place.mark("leak"),
        "link": f"https://{place.mark('leak')}.example/",
        "files": [{"id": upload.id, "name": upload.name}],
    }
    thread = _thread(place, _version(place, prototype, number, content, None), "feedback")
    drafts = [
        _upload(place, where, place.mark("draft", ".pdf"))
        for where in ("prototype", f"report:progress_report:{number}")
    ]
    place.ids |= {
        "upload_id": upload.id, "draft_upload_id": drafts[0].id, "report_upload_id": drafts[1].id, "thread_id": thread.id,
        "plan_thread_id": asked.id,
        "prototype": number, "plan_version": place.number(2), "report": number, "version": number, "kind": "progress_report",
    }  # fmt: skip


def _upload(place: Place, where: str, name: str) -> m.Upload:
    stored = current_app.extensions["lab_files"].put_stream(BytesIO(f"%PDF-1.7 {name}".encode()), limit=1000)
    return place.add(
        m.Upload(
            award_id=place.award.id, place=where, name=name, kind="pdf", size=stored.size, sha256=stored.sha256, key=stored.key,
            uploaded_by=place.world.member.id, uploaded_at=START,
        )
    )  # fmt: skip


def _plan(place: Place) -> None:
    session, award = place.session, place.award
    for milestone in session.scalars(select(m.Milestone).where(m.Milestone.award_id == award.id)):
        milestone.number = place.number()
        milestone.title = milestone.proof = place.mark("leak")
    done = m.Milestone(
        award_id=award.id, number=place.number(2), title=place.mark("leak"), proof=place.mark("leak"), due_on=date(2026, 5, 15),
        accepted_at=START, accepted_by=place.world.officer.id, evidence=place.mark("leak"),
    )  # fmt: skip
    place.add(done)
    for line in session.scalars(select(m.BudgetLine).where(m.BudgetLine.award_id == award.id)):
        line.description = place.mark("leak")
    for check in session.scalars(select(m.Check).where(m.Check.award_id == award.id)):
        check.note = place.mark("diligence")
    place.add(
        m.Check(
            award_id=award.id,
            checklist="closing",
            key="presentation_held",
            note=place.mark("closing"),
            by=place.world.officer.id,
            at=START,
        )
    )
    for signature in session.scalars(select(m.Signature).where(m.Signature.award_id == award.id)):
        signature.typed_name, signature.function = place.mark("leak"), place.mark("agreement")
        if signature.side == "ilo":
            scan = _upload(place, "signature:ilo", place.mark("agreement", ".pdf"))
            signature.method, signature.signed_on = "paper", date(2026, 3, 1)
            signature.upload_id, signature.file_hash = scan.id, scan.sha256
            place.ids["scan_id"] = scan.id
        place.add(
            m.Signatory(
                award_id=award.id, side=signature.side, person_id=signature.person_id, name=place.mark("agreement"),
                function=place.mark("agreement"), named_by=place.world.lead.id, named_at=START,
            )
        )  # fmt: skip
    _negotiated(place)
    for agreement in session.scalars(
        select(m.Version).join(m.Document).where(m.Document.award_id == award.id, m.Document.kind == "agreement")
    ):
        agreement.content = agreement.content | {
            "clauses": [clause | {"text": place.mark("agreement")} for clause in agreement.content["clauses"]]
        }
        agreement.number = place.number(3)
    place.ids |= {"milestone": place.number(), "diligence_key": "non_profit", "closing_key": "acknowledgement_checked"}


def _amended(place: Place) -> None:
    """An amendment that is applied, and one that waits for the other side."""
    terms, _ = terms_of(place.session, place.award, START)
    asked = {"before": terms_to_json(terms), "after": terms_to_json(replace(terms, lead=(0, place.mark("leak"))))}
    content = {"side": "organisation", "reason": place.mark("leak"), "lead": "0", "asked": asked}
    for number, state in ((place.number(2), "accepted"), (place.number(1), "submitted")):
        document = m.Document(
            award_id=place.award.id, kind="amendment", number=number, state=state, title="team",
            draft={"side": "organisation", "reason": place.mark("draft"), "lead": "0"},
        )  # fmt: skip
        place.add(document)
        version = _version(place, document, number, content, state if state == "accepted" else None)
        if state == "accepted":
            place.add(
                m.AppliedAmendment(award_id=place.award.id, version_id=version.id, kind="team", at=START, **asked)
            )
    place.ids["amendment"] = place.number(1)


def _negotiated(place: Place) -> None:
    """A document that an item of due diligence rests on, and a clause that was reworded and talked about."""
    world, award = place.world, place.award
    check = place.session.scalars(
        select(m.Check).where(m.Check.award_id == award.id, m.Check.key == "non_profit")
    ).one()
    paper = _upload(place, "diligence:non_profit", place.mark("diligence", ".pdf"))
    paper.uploaded_by = world.officer.id
    place.add(m.CheckFile(check_id=check.id, upload_id=paper.id))
    document = place.session.scalars(
        select(m.Document).where(m.Document.award_id == award.id, m.Document.kind == "agreement")
    ).one()
    key = document.draft["clauses"][0]["key"]
    document.draft = document.draft | {
        "clauses": [clause | {"text": place.mark("agreement")} for clause in document.draft["clauses"]]
    }
    for number in (1, 2):
        place.add(
            m.ClauseRevision(
                award_id=award.id, key=key, number=number, text=place.mark("agreement", " " * number), by=world.officer.id, at=START
            )
        )  # fmt: skip
    place.add(
        m.ClauseComment(
            award_id=award.id, key=key, revision=1, author_id=world.lead.id, side="organisation", body=place.mark("agreement"),
            proposal=place.mark("agreement"), settles=False, at=START,
        )
    )  # fmt: skip
    duty = m.Obligation(
        award_id=award.id, kind="allow_visit", key="duty:visit", debtor="team", creditor="officer", state="open",
        params={"title": place.mark("leak"), "clause": key, "clause_title": place.mark("leak")},
        due_at=START + timedelta(days=90), opened_at=START,
    )  # fmt: skip
    place.ids |= {
        "clause": key, "frozen": place.number(3), "duty": place.add(duty).id, "diligence_upload_id": paper.id,
    }  # fmt: skip


def _signed_in(place: Place) -> None:
    """The lead, on a device and with a passkey of their own."""
    lead, wall = place.world.lead.id, clock.wall()
    device = m.SignIn(
        person_id=lead, token_hash=token_hash(f"device-{place.letter}"), created_at=wall, seen_at=wall, fresh_at=wall,
        proved_at=wall, lasting=True, address="192.0.2.9", browser=place.mark("name"), ended_at=None,
    )  # fmt: skip
    passkey = m.Passkey(
        person_id=lead, credential_id=place.mark("name").encode(), public_key=b"key", sign_count=0,
        name=place.mark("name"), created_at=wall,
    )  # fmt: skip
    place.ids |= {"sign_in_id": place.add(device).id, "passkey_id": place.add(passkey).id}


def _lab(place: Place) -> None:
    award, session = place.award, place.session
    camp = session.scalars(select(m.BootCamp).where(m.BootCamp.award_id == award.id, m.BootCamp.key == "refine")).one()
    camp.key, camp.held_on, camp.note = f"camp-{place.letter}", date(2026, 3, 1), place.mark("leak")
    place.add(m.Attendance(boot_camp_id=camp.id, person_id=place.world.lead.id, name=place.mark("leak")))
    paper = _upload(place, f"boot_camp:{camp.id}", place.mark("leak", ".pdf"))
    paper.uploaded_by = place.world.lead.id
    place.add(m.MentorNote(award_id=award.id, author_id=place.world.mentor.id, body=place.mark("note"), at=START))
    indicator = m.Indicator(
        award_id=award.id, name=place.mark("leak"), unit=place.mark("leak"), baseline=Decimal(0), target=Decimal(10),
        created_by=place.world.lead.id, created_at=START,
    )  # fmt: skip
    place.add(indicator)
    place.add(
        m.IndicatorValue(
            indicator_id=indicator.id, measured_on=date(2026, 3, 1), total=Decimal(3), split={}, note=place.mark("leak"),
            entered_by=place.world.lead.id, entered_at=START,
        )
    )  # fmt: skip
    place.ids |= {"camp": camp.key, "paper_id": paper.id, "indicator_id": indicator.id}


def _money(place: Place) -> None:
    award, session, world = place.award, place.session, place.world
    account = m.BankAccount(
        organisation_id=award.organisation_id, holder=place.mark("bank", " Holder"), bank=place.mark("bank", " Bank"),
        number=place.mark("bank", "1234567890"), swift=place.mark("bank"), currency=award.local_currency, entered_by=world.lead.id,
        entered_at=START, verified_by=world.finance.id, verified_at=START,
    )  # fmt: skip
    place.add(account)
    tranches = session.scalars(select(m.Tranche).where(m.Tranche.award_id == award.id).order_by(m.Tranche.number)).all()
    for tranche in tranches:
        tranche.number = place.number(tranche.number)
        for condition in session.scalars(select(m.Condition).where(m.Condition.tranche_id == tranche.id)):
            condition.evidence, condition.attested_at, condition.attested_by = (
                place.mark("evidence"),
                START,
                world.officer.id,
            )
    condition = m.Condition(tranche_id=tranches[-1].id, kind="attested", label={"en": place.mark("money")}, params={})
    place.add(condition)
    tranches[0].state, tranches[0].account_id = "sent", account.id
    entry = m.LedgerEntry(
        tranche_id=tranches[0].id, kind="payment", amount=tranches[0].amount, currency=award.currency, local_amount=tranches[0].amount,
        local_currency=award.local_currency, rate=Decimal(1), reference=place.mark("reference"), value_on=date(2026, 3, 1),
        by=world.finance.id, at=START,
    )  # fmt: skip
    enter(entry, award)
    words = place.mark("money")
    letter = DecisionLetter(
        language="en", title=words, code=award.code, facts=(("Organisation", words),), sentence=words, basis=words,
        reason_heading="Reason", reason=words, questions=words, page="Page {page} of {pages}", made_at=START.isoformat(),
    )  # fmt: skip
    decision = m.PaymentDecision(
        award_id=award.id, tranche_id=tranches[-1].id, kind="adjust", reason=words, amount_before=tranches[-1].amount,
        amount_after=tranches[-1].amount, letter=letter_to_json(letter), by=world.officer.id, at=START,
    )  # fmt: skip
    place.add(decision)
    session.flush()
    place.ids |= {"tranche": tranches[-1].number, "condition_id": condition.id, "decision_id": decision.id}


def _records(place: Place) -> None:
    award, world = place.award, place.world
    place.add(
        m.Decision(
            award_id=award.id, title=place.mark("leak"), body=place.mark("leak"), by=world.committee.id, at=START
        )
    )
    place.add(
        m.Lesson(award_id=award.id, title=place.mark("leak"), body=place.mark("leak"), by=world.member.id, at=START)
    )
    place.add(m.Suspension(award_id=award.id, began_at=START, ended_at=START, reason=place.mark("leak")))
    place.add(m.Extension(award_id=award.id, days=3, reason=place.mark("leak"), by=world.officer.id, at=START))
    for owed in place.session.scalars(
        select(m.Obligation).where(m.Obligation.award_id == award.id, m.Obligation.kind == "hold_boot_camp")
    ):
        owed.params = owed.params | {"title": place.mark("leak")}
    record(award, "person_left", SYSTEM, START, name=place.mark("leak"))
    record(award, "award_suspended", SYSTEM, START, reason=place.mark("leak"))
    place.add(
        m.SecurityEvent(
            at=START, kind=SecurityEventKind.REFUSED, actor_id=world.lead.id, subject_id=None, address="192.0.2.1", action="see_award",
            path=f"/{place.mark('security')}", details={"what": place.mark("security")},
        )
    )  # fmt: skip


# What a request may leave behind although it was refused.
KEPT_APART = {"security_event", "sign_in", "throttle"}


def contents(session: Session) -> dict[str, tuple[int, str]]:
    """Of every table the number of its rows and a hash over all that they hold."""
    found = {}
    for table in m.Base.metadata.sorted_tables:
        if table.name not in KEPT_APART:
            rows = sorted(repr(tuple(row)) for row in session.execute(select(table)))
            found[table.name] = (len(rows), hashlib.sha256("\n".join(rows).encode()).hexdigest())
    db.session.rollback()
    return found
