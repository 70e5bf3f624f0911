"""An award as its own people play it, from the notice on: single acts, and the stretches that every award goes through."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal

from lab.demo import content
from lab.demo.people import FINANCE, GENEVA, OFFICER
from lab.demo.play import Play, Story
from lab.extensions import db
from lab.models import Award
from lab.queries.agreement import agreement_of
from lab.queries.amendment import accepted_content, get_amendment, terms_of
from lab.queries.awards import definition_of, get_award, open_obligations
from lab.queries.disbursement import tranches_of
from lab.queries.lab import team_of
from lab.queries.report import lines_of
from lab.queries.workplan import get_workplan
from lab.rules.agreement import DUE_DILIGENCE
from lab.rules.amendment import AmendmentKind, shown_hash
from lab.rules.amendment_effect import amended
from lab.rules.calendar import local_day
from lab.rules.facts import Actor
from lab.rules.money import rounded
from lab.rules.review import DocumentKind
from lab.rules.workplan_changes import rows_of
from lab.services import (
    agreement,
    amendment,
    award,
    clause_duties,
    disbursement,
    lab,
    report,
    signing,
    workplan,
    workplan_talks,
)


class Team:
    """An award and who acts on it. ``lead`` is an address; days count from the notice."""

    def __init__(self, play: Play, lead: str, notice_on: date) -> None:
        self.play, self.lead, self.notice_on = play, lead, notice_on
        self.code = ""

    def on(self, days: int) -> date:
        """The day that many days after the notice."""
        return self.notice_on + timedelta(days=days)

    def at(self, days: int, hour: int = 10) -> datetime:
        """The hour, in Geneva, of that day (UTC)."""
        return self.play.at(self.on(days), hour)

    def days(self, day: date) -> int:
        """How many days after the notice ``day`` is."""
        return (day - self.notice_on).days

    def award(self) -> Award:
        """The award as it stands."""
        return get_award(db.session(), self.code)

    def leader(self) -> Actor:
        """The team lead, acting."""
        return self.play.who(self.lead)

    def officer(self) -> Actor:
        """The programme officer, acting."""
        return self.play.who(OFFICER)

    def finance(self) -> Actor:
        """The finance officer, acting."""
        return self.play.who(FINANCE)

    # Single acts -----------------------------------------------------------------------------------------------------

    def record(
        self, now: datetime, call: str, prize: str, project: str, summary: str, organisation: tuple[str, str, str],
        registered_on: date, currency: str, language: str, lead_name: str, mentors: tuple[tuple[str, str], ...] = (),
    ) -> None:  # fmt: skip
        """The officer records the award on the day of its notice; ``organisation`` is its name, kind and country."""
        self.code = award.record_award(
            self.officer(), now, call_code=call, prize=prize, project=project, summary=summary,
            organisation=dict(zip(("legal_name", "kind", "country"), organisation, strict=True)),
            registered_on=registered_on, notice_on=self.notice_on, local_currency=currency, language=language,
            lead_name=lead_name, lead_email=self.lead, mentors=mentors,
        )  # fmt: skip

    def write_plan(self, now: datetime, content: Mapping[str, object], revision: int = 0) -> int:
        """The lead keeps a draft of the plan. Returns its next revision."""
        return workplan.save_draft(self.leader(), now, self.code, content, revision)

    def submit_plan(self, now: datetime, content: Mapping[str, object], revision: int = 0) -> None:
        """The lead writes the plan and hands it in."""
        workplan.submit_plan(self.leader(), now, self.code, self.write_plan(now, content, revision))

    def answer(self, now: datetime, answers: Mapping[str, str]) -> None:
        """The lead answers what the officer asked of the plan's items: place → answer."""
        threads = {thread.section: thread.id for thread in get_workplan(db.session(), self.award().id).threads}
        for place, body in answers.items():
            workplan_talks.reply(self.leader(), now, self.code, threads[place], body)

    def clear(self, now: datetime, notes: Mapping[str, str], checklist: str = "due_diligence") -> None:
        """The officer clears a checklist: item → what shows that it is in order."""
        for key, note in notes.items():
            if checklist == DUE_DILIGENCE:
                self.check(now, key, note)
            else:
                agreement.clear_check(self.officer(), now, self.code, checklist, key, note)

    def check(self, now: datetime, key: str, note: str, until: int = 365) -> None:
        """The officer clears an item of due diligence, with a document where the call asks for one, valid ``until`` so many
        days after the notice."""
        item = next(one for one in definition_of(self.award()).due_diligence if one.key == key)
        if item.document:
            paper = {f"{key.replace('_', '-')}.txt": f"{note}\n"}
            self.play.files(now, self.lead, self.code, f"diligence:{key}", paper)
        day = self.on(until) if item.expires else None
        agreement.clear_check(self.officer(), now, self.code, DUE_DILIGENCE, key, note, day)

    def keep(self, now: datetime, key: str, note: str) -> None:
        """The lead notes as done what a signed clause obliges to."""
        owed = next(one for one in open_obligations(db.session(), self.award().id) if one.key == f"duty:{key}")
        clause_duties.keep_duty(self.leader(), now, self.code, owed.id, note)

    def sign(self, now: datetime, side: str) -> None:
        """One side (``organisation`` or ``ilo``) signs what is shown to it."""
        who = self.leader() if side == "organisation" else self.officer()
        version = agreement_of(db.session(), self.award()).version
        assert version is not None, "it was opened before"
        signing.sign(who, now, self.code, side, who.name, version.content["hash"])

    def sign_on_paper(self, now: datetime, side: str, name: str, function: str) -> None:
        """One side's signatory, who has no account, signs by hand; the paper is recorded with a picture of it."""
        who = self.leader() if side == "organisation" else self.officer()
        version = agreement_of(db.session(), self.award()).version
        assert version is not None, "it was opened before"
        signing.name_signatory(who, now, self.code, side, None, name, function)
        typed = signing.Typed(name, function, local_day(now, GENEVA), version.content["hash"][:8])
        self.play.paper(now, who, self.code, side, typed, content.scan(name, version.content["hash"]))

    def enter_account(self, now: datetime, number: str, holder: str = "") -> None:
        """The lead enters the bank account, in the organisation's name unless ``holder`` is another."""
        disbursement.enter_account(
            self.leader(), now, self.code, holder or self.award().organisation.legal_name,
            "Banco de la Demostración (inventado)", number, "DEMOZZZZ",
        )  # fmt: skip

    def verify_account(self, now: datetime) -> None:
        """Finance verifies the bank account."""
        disbursement.verify_account(self.finance(), now, self.code)

    def hold_camp(self, now: datetime, key: str, day: date, note: str) -> None:
        """The officer records a boot camp that everybody of the team attended."""
        everybody = team_of(db.session(), self.award().id)
        lab.record_boot_camp(self.officer(), now, self.code, key, day, everybody, note)

    def spending(self, *amounts: str) -> dict[str, str]:
        """What a report spends on each line that the grant pays for, in order; an empty amount is nothing."""
        lines = lines_of(db.session(), self.award(), None)
        return {str(line.id): amount for line, amount in zip(lines, amounts, strict=False) if amount}

    def reach(self, now: datetime, milestone: int, proof: str) -> None:
        """The officer accepts that a milestone is reached."""
        report.accept_milestone(self.officer(), now, self.code, milestone, proof)

    def budget(self, **unit_costs: str) -> list[dict[str, str]]:
        """The rows of the approved budget with other unit costs, by the rows' ids."""
        plan = accepted_content(db.session(), self.award().id, DocumentKind.WORKPLAN)
        rows = rows_of(plan, "budget")
        return [{**row, "unit_cost": unit_costs.get(key, row["unit_cost"])} for key, row in rows.items()]

    def ask_amendment(self, now: datetime, kind: str, reason: str, **content: object) -> int:
        """The lead asks for an amendment. Returns its number."""
        number = amendment.start(self.leader(), now, self.code, kind)
        wanted = {"reason": reason, **content}
        revision = amendment.save_draft(self.leader(), now, self.code, number, wanted, 0)
        amendment.submit(self.leader(), now, self.code, number, revision)
        return number

    def approve_amendment(self, now: datetime, number: int) -> None:
        """The officer approves what an amendment would change now."""
        won = self.award()
        page = get_amendment(db.session(), won.id, number)
        assert page.newest is not None
        terms, ground = terms_of(db.session(), won, now)
        after = amended(terms, ground, AmendmentKind(page.kind), page.newest.content).after
        assert after is not None
        shown = shown_hash(terms, after)
        amendment.approve(self.officer(), now, self.code, number, page.newest.number, shown)

    # Stretches -------------------------------------------------------------------------------------------------------

    def gate(self, content: Mapping[str, object], submitted: int, approved: int) -> Story:
        """One version of the plan, approved as it is."""
        now = yield self.at(submitted, 16)
        self.submit_plan(now, content)
        now = yield self.at(approved)
        workplan.approve(self.officer(), now, self.code, 1)

    def cleared_and_opened(self, notes: Mapping[str, str], cleared: int, opened: int) -> Story:
        """Due diligence, and the agreement open for signature."""
        now = yield self.at(cleared, 11)
        self.clear(now, notes)
        now = yield self.at(opened)
        agreement.open_agreement(self.officer(), now, self.code)

    def banked(self, number: str, entered: int, verified: int) -> Story:
        """An account entered by the lead and verified by finance."""
        now = yield self.at(entered, 16)
        self.enter_account(now, number)
        now = yield self.at(verified, 12)
        self.verify_account(now)

    def signed(self, organisation: int, ilo: int, on_paper: tuple[str, str] | None = None) -> Story:
        """Both signatures; the second brings the agreement into force. ``on_paper`` is the name and the function of
        whoever signs for the organisation by hand, in place of the lead."""
        now = yield self.at(organisation, 16)
        if on_paper:
            self.sign_on_paper(now, "organisation", *on_paper)
        else:
            self.sign(now, "organisation")
        now = yield self.at(ilo, 15)
        self.sign(now, "ilo")

    def paid(self, number: int, day: int, reference: str, rate: str) -> Story:
        """A payment from its proposal on ``day`` to its receipt nine days later, in local currency at ``rate``."""
        now = yield self.at(day, 16)
        disbursement.propose(self.officer(), now, self.code, number)
        now = yield self.at(day + 3)
        disbursement.authorise(self.finance(), now, self.code, number)
        now = yield self.at(day + 5, 17)
        won = self.award()
        amount = tranches_of(db.session(), won.id)[number - 1].amount
        local = rounded(amount * Decimal(rate), won.local_currency)
        sent_on = self.on(day + 5)
        disbursement.record_sent(self.finance(), now, self.code, number, reference, rate, str(local), sent_on)
        now = yield self.at(day + 9, 16)
        disbursement.confirm_receipt(self.leader(), now, self.code, number)

    def reported(
        self, kind: str, number: int, handed_in: int, accepted: int, sections: Mapping[str, str], amounts: tuple[str, ...],
        files: Mapping[str, str] | None = None,
    ) -> Story:  # fmt: skip
        """A report begun and handed in with its files, and accepted as it is."""
        now = yield self.at(handed_in, 16)
        revision = report.start_report(self.leader(), now, self.code, kind, number)
        self.play.files(now, self.lead, self.code, f"report:{kind}:{number}", files or {})
        content = {"sections": sections, "spending": self.spending(*amounts), "explanations": {}}
        report.submit_report(self.leader(), now, self.code, kind, number, content, revision)
        now = yield self.at(accepted)
        report.accept_report(self.officer(), now, self.code, kind, number, 1)
