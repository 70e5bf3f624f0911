"""What can happen to an award, in the past tense, each with its sentence for the timeline."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from lab.rules.text import N_

GENESIS = "0" * 64

EVENTS: dict[str, str] = {
    "award_recorded": N_("Award recorded: %(prize)s, %(amount)s, notice of %(notice_on)s"),
    "person_invited": N_("%(name)s invited as %(role)s"),
    "person_joined": N_("%(name)s accepted the invitation"),
    "person_left": N_("%(name)s left the team"),
    "workplan_submitted": N_("Workplan and budget submitted, version %(number)s"),
    "workplan_changes_requested": N_("Changes requested in workplan version %(number)s: %(sections)s"),
    "workplan_answered": N_("Comment on the workplan answered: %(sections)s"),
    "workplan_settled": N_("Comment on the workplan settled: %(sections)s"),
    "workplan_approved": N_("Workplan and budget approved, version %(number)s"),
    "workplan_rejected": N_("Workplan rejected: %(reason)s"),
    "deadline_extended": N_("Workplan deadline extended by %(days)s days: %(reason)s"),
    "award_lapsed": N_("Award lapsed: %(reason)s"),
    "check_cleared": N_("Checklist item cleared: %(item)s"),
    "check_reopened": N_("Checklist item reopened: %(item)s"),
    # Names of documents of identity are not for everybody who reads the timeline.
    "document_added": N_("Document for due diligence added: %(item)s"),
    "document_removed": N_("Document for due diligence taken away: %(item)s"),
    "document_expired": N_("Document for due diligence expired: %(item)s, valid until %(until)s"),
    "agreement_drafted": N_("Grant agreement drafted"),
    "obligation_dropped": N_("Clause “%(title)s” no longer obliges to this: %(what)s"),
    "obligation_restored": N_("Clause “%(title)s” obliges to this again: %(what)s"),
    "clause_changed": N_("Clause “%(title)s” reworded, wording %(number)s"),
    "clause_discussed": N_("Comment on the clause “%(title)s”"),
    "clause_settled": N_("Talk about the clause “%(title)s” settled"),
    "opened_over_talks": N_("Grant agreement opened for signature while clauses were talked about: %(reason)s"),
    "agreement_taken_back": N_("Grant agreement taken back to be negotiated: %(reason)s"),
    "clause_kept": N_("Done as the agreement asks: %(title)s"),
    "agreement_opened": N_("Grant agreement opened for signature"),
    "agreement_signed": N_("%(side)s signed the grant agreement: %(name)s"),
    "signatory_named": N_("%(side)s: %(name)s named to sign the grant agreement"),
    "agreement_signed_on_paper": N_("%(side)s signed the grant agreement on paper: %(name)s"),
    "signed_paper_replaced": N_("%(side)s: signed paper recorded anew, signed by %(name)s"),
    "agreement_filed": N_("Signed grant agreement filed, SHA-256 %(hash)s"),
    "agreement_in_force": N_("Grant agreement in force"),
    "stage_entered": N_("Stage entered: %(stage)s"),
    # Everybody on an award reads its timeline: an account's number and a bank's reference are not in it.
    "account_entered": N_("Bank account entered"),
    "account_verified": N_("Bank account verified"),
    "condition_attested": N_("Condition of payment %(number)s attested: %(condition)s"),
    "payment_proposed": N_("Payment %(number)s of %(amount)s proposed"),
    "payment_sent_back": N_("Payment %(number)s sent back: %(reason)s"),
    "payment_authorised": N_("Payment %(number)s of %(amount)s authorised"),
    "payment_sent": N_("Payment %(number)s of %(amount)s sent: %(local)s at the rate of %(rate)s"),
    "payment_received": N_("Payment %(number)s received"),
    "amendment_requested": N_("Amendment %(number)s requested: %(about)s"),
    "amendment_changes_requested": N_("Changes requested in amendment %(number)s"),
    "amendment_taken_back": N_("Amendment %(number)s taken back to be changed"),
    "amendment_withdrawn": N_("Amendment %(number)s withdrawn"),
    "amendment_refused": N_("Amendment %(number)s refused: %(reason)s"),
    "amendment_decided": N_("Steering committee on amendment %(number)s: %(title)s"),
    "amendment_approved": N_("Amendment %(number)s approved and applied: %(about)s"),
    "payment_planned": N_("Payment %(number)s planned: %(amount)s"),
    "payment_changed": N_("Payment %(number)s changed from %(was)s to %(amount)s"),
    "payment_cancelled": N_("Payment %(number)s of %(amount)s cancelled"),
    "payment_withheld": N_("Payment %(number)s of %(amount)s withheld: %(reason)s"),
    "payment_resumed": N_("Payment %(number)s of %(amount)s resumed: %(reason)s"),
    "payment_adjusted": N_("Payment %(number)s adjusted from %(was)s to %(amount)s: %(reason)s"),
    "payment_called_off": N_("Payment %(number)s of %(amount)s cancelled: %(reason)s"),
    "payment_returned": N_(
        "Payment %(number)s of %(amount)s came back from the bank, payment %(next)s takes its place: %(reason)s"
    ),
    "lead_changed": N_("%(name)s leads the team now, in place of %(before)s"),
    "money_returned": N_("%(amount)s returned"),
    "boot_camp_held": N_("Boot camp “%(title)s” held: %(attended)s of the team attended"),
    "file_uploaded": N_("File added: %(name)s"),
    "file_removed": N_("File removed: %(name)s"),
    "prototype_published": N_("Prototype version %(number)s published"),
    "thread_opened": N_("Comment opened on prototype version %(number)s"),
    "thread_answered": N_("Comment answered on prototype version %(number)s"),
    "thread_resolved": N_("Comment resolved on prototype version %(number)s"),
    "report_submitted": N_("%(title)s submitted, version %(number)s"),
    "report_changes_requested": N_("Changes requested in %(title)s, version %(number)s"),
    "report_accepted": N_("%(title)s accepted, version %(number)s"),
    "milestone_accepted": N_("Milestone accepted: %(title)s"),
    "indicator_defined": N_("Indicator defined: %(name)s, from %(baseline)s to %(target)s %(unit)s"),
    "indicator_value_entered": N_("%(name)s: %(total)s %(unit)s on %(on)s"),
    "decision_recorded": N_("Steering committee decision: %(title)s"),
    "lesson_written": N_("Lesson written: %(title)s"),
    "award_suspended": N_("Award suspended: %(reason)s"),
    "award_resumed": N_("Award resumed: %(reason)s"),
    "award_terminated": N_("Award terminated: %(reason)s"),
    "award_withdrawn": N_("Team withdrew: %(reason)s"),
    "award_closed": N_("Award closed"),
    "call_loaded": N_("Call loaded: %(code)s"),
    "role_given": N_("%(name)s given the role %(role)s"),
    "role_taken": N_("%(name)s lost the role %(role)s"),
    "password_changed": N_("%(name)s changed their password"),
    "address_changed": N_("%(name)s changed their e-mail address"),
    "helped_back_in": N_("%(name)s was helped back in"),
    "account_disabled": N_("Account of %(name)s disabled"),
    "account_enabled": N_("Account of %(name)s enabled"),
}


def event_fields(kind: str, actor: int | None, at: datetime, details: Mapping[str, object]) -> dict[str, object]:
    """What of an event its hash covers; ``at`` is UTC."""
    return {"kind": kind, "actor": actor, "at": at.isoformat(), "details": dict(details)}


class Entry(Protocol):
    """An entry of the ledger, as far as its hash covers it."""

    amount: Any
    local_amount: Any
    at: Any


def ledger_fields(entry: Entry) -> dict[str, object]:
    """What of an entry of the ledger its hash covers. Amounts are as they come back from the database, so that the chain can be
    computed again from its rows."""
    fields: dict[str, object] = {
        name: str(getattr(entry, name))
        for name in ("tranche_id", "kind", "currency", "local_currency", "rate", "reference", "value_on", "by")
    }
    fields |= {name: f"{getattr(entry, name):.4f}" for name in ("amount", "local_amount")}
    return fields | {"at": entry.at.isoformat()}


def chain_hash(previous: str, fields: Mapping[str, object]) -> str:
    """SHA-256 (hex) over the previous row's hash and this row's fields as canonical JSON: a changed row breaks the chain."""
    body = json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(f"{previous}\n{body}".encode()).hexdigest()
