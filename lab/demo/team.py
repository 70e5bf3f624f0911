"""An award as its own people play it, from the notice on: single acts, and the stretches that every award goes through."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal

from lab.demo.people import FINANCE, OFFICER
from lab.demo.play import Play, Story
from lab.extensions import db
from lab.models import Award
from lab.queries.agreement import agreement_of
from lab.queries.awards import get_award
from lab.queries.disbursement import tranches_of
from lab.queries.lab import team_of
from lab.queries.report import lines_of
from lab.rules.facts import Actor
from lab.rules.money import rounded
from lab.services import agreement, award, disbursement, lab, report, workplan


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

    def clear(self, now: datetime, notes: Mapping[str, str], checklist: str = "due_diligence") -> None:
        """The officer clears a checklist: item → what shows that it is in order."""
        for key, note in notes.items():
            agreement.clear_check(self.officer(), now, self.code, checklist, key, note)

    def sign(self, now: datetime, side: str) -> None:
        """One side (``organisation`` or ``ilo``) signs what is shown to it."""
        who = self.leader() if side == "organisation" else self.officer()
        version = agreement_of(db.session(), self.award()).version
        assert version is not None, "it was opened before"
        agreement.sign(who, now, self.code, side, who.name, version.content["hash"])

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

    def signed(self, organisation: int, ilo: int) -> Story:
        """Both signatures; the second brings the agreement into force."""
        now = yield self.at(organisation, 16)
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
