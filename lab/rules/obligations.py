"""Whatever is due: who owes what to whom. Services open and discharge obligations; pages and reminders read them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from lab.rules.money import Money
from lab.rules.text import N_, Message


class Party(StrEnum):
    """Who can owe something, or be owed it."""

    TEAM = "team"
    OFFICER = "officer"
    FINANCE = "finance"
    MENTOR = "mentor"
    COMMITTEE = "committee"


PARTY_NAMES: dict[Party, str] = {
    Party.TEAM: N_("The team"),
    Party.OFFICER: N_("The programme officer"),
    Party.FINANCE: N_("Finance"),
    Party.MENTOR: N_("The mentor"),
    Party.COMMITTEE: N_("The steering committee"),
}


class ObligationState(StrEnum):
    """Open until done, waived by decision, or replaced by another with a new date."""

    OPEN = "open"
    DISCHARGED = "discharged"
    WAIVED = "waived"
    SUPERSEDED = "superseded"


class ObligationKind(StrEnum):
    """Everything in the programme that somebody owes by an instant."""

    SUBMIT_WORKPLAN = "submit_workplan"
    REVIEW_WORKPLAN = "review_workplan"
    DECIDE_EXPIRY = "decide_expiry"
    CLEAR_DUE_DILIGENCE = "clear_due_diligence"
    OPEN_AGREEMENT = "open_agreement"
    SIGN_ORGANISATION = "sign_organisation"
    SIGN_ILO = "sign_ilo"
    ENTER_ACCOUNT = "enter_account"
    VERIFY_ACCOUNT = "verify_account"
    PROPOSE_PAYMENT = "propose_payment"
    AUTHORISE_PAYMENT = "authorise_payment"
    RECORD_PAYMENT = "record_payment"
    CONFIRM_RECEIPT = "confirm_receipt"
    DECIDE_WITHHELD = "decide_withheld"
    HOLD_BOOT_CAMP = "hold_boot_camp"
    REACH_MILESTONE = "reach_milestone"
    SUBMIT_PROGRESS_REPORT = "submit_progress_report"
    SUBMIT_PROTOTYPE_REPORT = "submit_prototype_report"
    SUBMIT_FINAL_REPORT = "submit_final_report"
    REVIEW_REPORT = "review_report"
    ANSWER_THREAD = "answer_thread"
    RETURN_UNSPENT = "return_unspent"
    CLOSE_AWARD = "close_award"
    RENEW_DOCUMENT = "renew_document"
    ANSWER_CLAUSE = "answer_clause"
    SHOW_ACKNOWLEDGEMENT = "show_acknowledgement"
    KEEP_RECORDS = "keep_records"
    ALLOW_VISIT = "allow_visit"
    REVIEW_AMENDMENT = "review_amendment"
    DECIDE_AMENDMENT = "decide_amendment"


OBLIGATION_NAMES: dict[ObligationKind, str] = {
    ObligationKind.SUBMIT_WORKPLAN: N_("Submit the workplan and budget"),
    ObligationKind.REVIEW_WORKPLAN: N_("Review the workplan and budget"),
    ObligationKind.DECIDE_EXPIRY: N_("Extend the deadline or let the award lapse"),
    ObligationKind.CLEAR_DUE_DILIGENCE: N_("Clear due diligence"),
    ObligationKind.OPEN_AGREEMENT: N_("Open the agreement for signature"),
    ObligationKind.SIGN_ORGANISATION: N_("Sign the agreement for the organisation"),
    ObligationKind.SIGN_ILO: N_("Sign the agreement for the ILO"),
    ObligationKind.ENTER_ACCOUNT: N_("Enter the organisation's bank account"),
    ObligationKind.VERIFY_ACCOUNT: N_("Verify the bank account"),
    ObligationKind.PROPOSE_PAYMENT: N_("Propose payment %(number)s"),
    ObligationKind.AUTHORISE_PAYMENT: N_("Authorise payment %(number)s"),
    ObligationKind.RECORD_PAYMENT: N_("Pay and record payment %(number)s"),
    ObligationKind.CONFIRM_RECEIPT: N_("Confirm that payment %(number)s arrived"),
    ObligationKind.DECIDE_WITHHELD: N_("Resume, adjust or cancel payment %(number)s, which is withheld"),
    ObligationKind.HOLD_BOOT_CAMP: N_("Hold the boot camp “%(title)s” and record attendance"),
    ObligationKind.REACH_MILESTONE: N_("Reach the milestone “%(title)s”"),
    ObligationKind.SUBMIT_PROGRESS_REPORT: N_("Submit progress report %(number)s"),
    ObligationKind.SUBMIT_PROTOTYPE_REPORT: N_("Submit the final report on the prototype, with the action plan"),
    ObligationKind.SUBMIT_FINAL_REPORT: N_("Submit the final narrative and financial report"),
    ObligationKind.REVIEW_REPORT: N_("Review: %(title)s"),
    ObligationKind.ANSWER_THREAD: N_("Answer the comment on prototype version %(number)s"),
    ObligationKind.RETURN_UNSPENT: N_("Return the unspent money: %(amount)s"),
    ObligationKind.CLOSE_AWARD: N_("Complete the closing checklist and close the award"),
    ObligationKind.RENEW_DOCUMENT: N_("Clear due diligence again, a document has expired: %(title)s"),
    ObligationKind.ANSWER_CLAUSE: N_("Answer on the clause “%(title)s”"),
    ObligationKind.SHOW_ACKNOWLEDGEMENT: N_("Show the acknowledgement: %(title)s"),
    ObligationKind.KEEP_RECORDS: N_("Keep the records: %(title)s"),
    ObligationKind.ALLOW_VISIT: N_("Receive the visit: %(title)s"),
    ObligationKind.REVIEW_AMENDMENT: N_("Decide on amendment %(number)s"),
    ObligationKind.DECIDE_AMENDMENT: N_("Decide whether the pilot may pass its ceiling: amendment %(number)s"),
}


def overdue_days(due_at: datetime, now: datetime) -> int | None:
    """For how many whole days something is overdue; 0 on the first, None before it is."""
    return (now - due_at).days if due_at <= now else None


_OVERDUE = {
    0: N_("%(task)s (overdue since today: clause “%(clause)s”)"),
    1: N_("%(task)s (overdue by a day: clause “%(clause)s”)"),
}
_LONG_OVERDUE = N_("%(task)s (overdue by %(days)s days: clause “%(clause)s”)")


def sentence(kind: ObligationKind, params: Mapping[str, object], overdue: int | None = None) -> Message:
    """What is owed, in words; ``params`` as the obligation keeps them, with an amount as text (``1200.00 USD``).

    What is ``overdue`` (in days, None: not yet) under a clause of the agreement cites that clause.
    """
    said = _task(kind, params)
    clause = params.get("clause_title")
    if overdue is None or not clause:
        return said
    return Message(_OVERDUE.get(overdue, _LONG_OVERDUE), {"task": said, "days": overdue, "clause": clause})


def _task(kind: ObligationKind, params: Mapping[str, object]) -> Message:
    values = dict(params)
    if kind is ObligationKind.RETURN_UNSPENT:
        number, _, currency = str(values["amount"]).partition(" ")
        values["amount"] = Money(Decimal(number), currency)
    return Message(OBLIGATION_NAMES[kind], values)
