"""What the page of payments shows to this reader: each payment, the account as far as they may see it, the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flask_babel import gettext as _
from flask_babel import ngettext

from lab.forms.award import own_ids
from lab.forms.base import LabForm
from lab.forms.disbursement import AccountForm, AttestForm, ReturnForm, SendBackForm, SentForm, VerifyForm
from lab.queries.disbursement import Payments, account_facts, tranche_facts
from lab.rules.bank_account import change_blockers, entry_blockers, holder_blockers, last_characters, verify_blockers
from lab.rules.calendar import local_day
from lab.rules.calls import CallDefinition, text
from lab.rules.disbursement import (
    TRANCHE_NAMES,
    ConditionFacts,
    Standing,
    TrancheFacts,
    TrancheState,
    Unmet,
    standing,
    step_blockers,
    still_unmet,
)
from lab.rules.money import rounded
from lab.rules.obligations import Party
from lab.rules.permissions import Action
from lab.rules.reports import report_title
from lab.rules.review import REPORT_KINDS, DocumentKind
from lab.rules.text import N_, M, Message
from lab.web.access import actor, allowed
from lab.web.frame import Frame
from lab.web.words import day, instant, locale, money, say

if TYPE_CHECKING:
    from lab.models import Condition, LedgerEntry, Tranche

Refused = Mapping[str, LabForm]

# Which step each state waits for, and who may take it.
_STEPS: dict[TrancheState, tuple[str, Action]] = {
    TrancheState.PLANNED: ("propose", Action.PROPOSE_PAYMENT),
    TrancheState.PROPOSED: ("authorise", Action.AUTHORISE_PAYMENT),
    TrancheState.AUTHORISED: ("record_sent", Action.RECORD_PAYMENT),
    TrancheState.SENT: ("confirm_receipt", Action.CONFIRM_RECEIPT),
}
_WAITING: dict[Party, str] = {
    Party.TEAM: N_("Waiting for the team since %(since)s: %(missing)s"),
    Party.OFFICER: N_("Waiting for the programme officer since %(since)s: %(missing)s"),
    Party.FINANCE: N_("Waiting for finance since %(since)s: %(missing)s"),
    Party.MENTOR: N_("Waiting for the mentor since %(since)s: %(missing)s"),
    Party.COMMITTEE: N_("Waiting for the steering committee since %(since)s: %(missing)s"),
}


@dataclass(frozen=True)
class ConditionView:
    """A condition: its sentence from the call, why it is not met, who attested it, and the form to attest it."""

    id: int
    label: str
    met: bool
    reason: str
    attested: str
    evidence: str
    form: LabForm | None


@dataclass(frozen=True)
class PaymentView:
    """A payment as the page shows it. ``step`` is what this reader may do, ``blockers`` what keeps them from it."""

    number: int
    label: str
    amount: str
    state: str
    state_label: str
    why: str
    conditions: list[ConditionView] = field(default_factory=list)
    past: list[tuple[str, str]] = field(default_factory=list)
    step: str = ""
    blocked: bool = False
    blockers: list[str] = field(default_factory=list)
    sent_form: LabForm | None = None
    send_back_form: LabForm | None = None


@dataclass(frozen=True)
class EntryView:
    """A line of the ledger."""

    kind: str
    amount: str
    local: str
    rate: str
    reference: str
    value_on: str
    who: str


def page_context(frame: Frame, payments: Payments, refused: Refused) -> dict[str, Any]:
    """Everything for ``disbursement/show.html``; ``refused`` are forms that were not taken, by name."""
    full = allowed(Action.SEE_LEDGER)
    currency, totals = frame.award.currency, payments.totals
    return {
        "totals": [
            (_("Awarded"), money(totals.awarded, currency)),
            (_("Paid"), money(totals.paid, currency)),
            (_("Returned"), money(totals.returned, currency)),
            (_("Spent, by accepted reports"), money(totals.spent, currency)),
            (_("Unspent"), money(totals.unspent, currency)),
        ],
        "payments": [_payment(frame, payments, tranche, full, refused) for tranche in payments.tranches],
        "full": full,
        "account": _account(frame, payments, refused) if full else None,
        "entries": [_entry(entry, payments.names) for entry in payments.entries] if full else [],
        "with_reference": allowed(Action.SEE_ACCOUNT),
        "return_form": _return_form(frame, payments, refused) if allowed(Action.RECORD_RETURN) else None,
    }


def _return_form(frame: Frame, payments: Payments, refused: Refused) -> LabForm | None:
    """The form of a return, with the newest payment's rate suggested; None when nothing was paid."""
    award, paid = frame.award, [entry for entry in payments.entries if entry.kind == "payment"]
    if not paid:
        return None
    form = refused.get("return") or ReturnForm(formdata=None, rate=f"{paid[-1].rate:f}")
    form["amount"].description = _(
        "In %(currency)s, at most what is unspent: %(unspent)s.",
        currency=award.currency,
        unspent=money(max(payments.totals.unspent, payments.totals.unspent * 0), award.currency),
    )
    form["rate"].description = _(
        "How many %(local)s one %(currency)s gave; suggested is the payment’s rate.",
        local=award.local_currency,
        currency=award.currency,
    )
    form["local_amount"].description = (
        _("May stay empty: it is the amount returned.")
        if award.currency == award.local_currency
        else _("In %(currency)s, as the bank received it.", currency=award.local_currency)
    )
    own_ids(form, "return")
    return form


def _payment(frame: Frame, payments: Payments, tranche: Tranche, full: bool, refused: Refused) -> PaymentView:
    facts = tranche_facts(frame.award, tranche, payments.tranches, payments.account)
    plan = next((plan for plan in frame.definition.tranches if plan.key == tranche.key), None)
    common: dict[str, Any] = {
        "number": tranche.number,
        "label": text(plan.label, locale()) if plan else "",
        "amount": money(tranche.amount, tranche.currency),
        "state": {"planned": "plain", "received": "paid"}.get(facts.state.value, facts.state.value),
        "state_label": say(TRANCHE_NAMES[facts.state]),
        "why": _why(frame, payments, tranche, facts),
    }
    if not full:
        return PaymentView(**common)
    step, action = _STEPS.get(facts.state, ("", None))
    mine = action is not None and allowed(action)
    found = step_blockers(step, facts, payments.facts, actor().person_id) if mine else ()
    # What the list of conditions says already is not said twice.
    said = [reason.message for reason in _unmet(facts, payments)]
    undecided = facts.state in (TrancheState.PROPOSED, TrancheState.AUTHORISED)
    return PaymentView(
        **common,
        conditions=[_condition(frame, payments, facts, condition, refused) for condition in tranche.conditions],
        past=_past(payments, tranche),
        step=step if mine else "",
        blocked=bool(found),
        blockers=[say(reason) for reason in found if reason not in said],
        sent_form=_sent_form(frame, tranche, refused) if mine and step == "record_sent" else None,
        send_back_form=_named(refused, f"send-back-{tranche.number}", SendBackForm)
        if undecided and allowed(Action.SEND_BACK_PAYMENT)
        else None,
    )


def _unmet(facts: TrancheFacts, payments: Payments) -> list[Unmet]:
    found = (still_unmet(facts.state, condition, payments.facts) for condition in facts.conditions)
    return [reason for reason in found if reason is not None]


def _named(refused: Refused, name: str, kind: type[LabForm]) -> LabForm:
    form = refused.get(name) or kind(formdata=None)
    own_ids(form, name)
    return form


def _sent_form(frame: Frame, tranche: Tranche, refused: Refused) -> LabForm:
    award = frame.award
    name = f"sent-{tranche.number}"
    form = refused.get(name) or SentForm(formdata=None)
    if name not in refused and award.currency == award.local_currency:
        form["rate"].data, form["local_amount"].data = "1", str(rounded(tranche.amount, award.currency))
    form["rate"].description = _(
        "How many %(local)s one %(currency)s gives.", local=award.local_currency, currency=award.currency
    )
    form["local_amount"].description = _("In %(currency)s, as the bank paid it.", currency=award.local_currency)
    own_ids(form, name)
    return form


def _why(frame: Frame, payments: Payments, tranche: Tranche, facts: TrancheFacts) -> str:
    owed = {item.key: (Party(item.debtor), item.opened_at) for item in frame.obligations}
    found = standing(tranche.number, facts, payments.facts, owed, frame.award.stage_since)
    if found is None:
        entry = payments.payment_of(tranche)
        said: str = _("It was paid, value date %(day)s.", day=day(entry.value_on if entry else None))
        return said
    return _sentence(found, frame.definition)


def _sentence(found: Standing, definition: CallDefinition) -> str:
    """One sentence, the same for every reader: days are those of the call's time zone."""
    missing = _named_in_words(found.missing, definition)
    if found.turn is None:
        return say(missing)
    said = say(M(_WAITING[found.turn], since=local_day(found.since, definition.time_zone), missing=missing))
    if not found.more:
        return said
    more = ngettext("(and %(num)d more reason)", "(and %(num)d more reasons)", found.more)
    return f"{said} {more}"


def _named_in_words(message: Message, definition: CallDefinition) -> Message:
    """The message with a boot camp or a report that it knows by its key called by its name."""
    key = str(message.params.get("key", ""))
    camp = next((camp for camp in definition.boot_camps if camp.key == key), None)
    kind, _colon, number = key.partition(":")
    if camp is not None:
        return Message(message.msgid, {"key": text(camp.title, locale())})
    if kind in REPORT_KINDS and number.isdigit():
        return Message(message.msgid, {"key": report_title(DocumentKind(kind), int(number))})
    return message


def _condition(
    frame: Frame, payments: Payments, facts: TrancheFacts, condition: Condition, refused: Refused
) -> ConditionView:
    known = ConditionFacts(condition.kind, dict(condition.params), condition.attested_at is not None)
    reason = still_unmet(facts.state, known, payments.facts)
    open_here = condition.kind == "attested" and facts.state not in (TrancheState.SENT, TrancheState.RECEIVED)
    attested = ""
    if condition.attested_at is not None and condition.attested_by is not None:
        attested = _by(payments, condition.attested_by, condition.attested_at)
    return ConditionView(
        id=condition.id,
        label=_label(condition),
        met=reason is None,
        reason=say(_named_in_words(reason.message, frame.definition)) if reason else "",
        attested=attested,
        evidence=condition.evidence,
        form=_named(refused, f"attest-{condition.id}", AttestForm)
        if reason and open_here and allowed(Action.ATTEST_CONDITION)
        else None,
    )


def _label(condition: Condition) -> str:
    """The call's sentence; of a milestone that an amendment named, ours."""
    title = condition.params.get("title", condition.params.get("key", ""))
    return text(condition.label, locale()) or _("The milestone “%(title)s” is accepted", title=title)


def _by(payments: Payments, person_id: int | None, at: Any) -> str:
    said: str = _("%(who)s, %(when)s", who=payments.names.get(person_id or 0, "–"), when=instant(at))
    return said


def _past(payments: Payments, tranche: Tranche) -> list[tuple[str, str]]:
    entry = payments.payment_of(tranche)
    steps = [
        (_("Proposed"), tranche.proposed_by, tranche.proposed_at),
        (_("Authorised"), tranche.authorised_by, tranche.authorised_at),
        (_("Sent"), entry.by if entry else None, entry.at if entry else None),
        (_("Received"), tranche.received_by, tranche.received_at),
    ]
    return [(label, _by(payments, person_id, at)) for label, person_id, at in steps if at is not None]


def _account(frame: Frame, payments: Payments, refused: Refused) -> dict[str, Any]:
    """The account as this reader may see it: the whole number, or its last characters."""
    account, organisation = payments.account, frame.award.organisation
    found: dict[str, Any] = {"facts": [], "state": "", "state_label": "", "in_name": True, "form": None, "verify": None}
    if account is not None:
        whole = allowed(Action.SEE_ACCOUNT)
        found["facts"] = _account_facts(payments, whole)
        wrong_holder = holder_blockers(account.holder, organisation.legal_name)
        found["in_name"] = not wrong_holder
        verified = account.verified_at is not None
        found["state"], found["state_label"] = ("verified", _("Verified")) if verified else ("unmet", _("Not verified"))
        found["past"] = [_("Entered by %(by)s.", by=_by(payments, account.entered_by, account.entered_at))]
        if verified:
            found["past"].append(_("Verified by %(by)s.", by=_by(payments, account.verified_by, account.verified_at)))
        if not verified and allowed(Action.VERIFY_ACCOUNT) and not frame.ended:
            facts = account_facts(account)
            found["verify"] = VerifyForm(formdata=None, account=str(account.id))
            blocked = verify_blockers(facts, organisation.legal_name, actor().person_id)
            found["verify_blocked"] = bool(blocked)
            # The warning above says already in whose name the account is.
            found["verify_blockers"] = [say(reason) for reason in blocked if reason not in wrong_holder]
    found["amend"] = entry_blockers(payments.verified_once, payments.facts.agreement_in_force) != ()
    if allowed(Action.ENTER_ACCOUNT) and not frame.ended and (not found["amend"] or "account" in refused):
        blank = AccountForm(formdata=None, holder=organisation.legal_name if account is None else "")
        found["form"] = form = refused.get("account") or blank
        own_ids(form, "account")
        form["holder"].description = _("It must be %(name)s.", name=organisation.legal_name)
        found["change_blockers"] = [say(reason) for reason in change_blockers(payments.under_way)]
    return found


def _account_facts(payments: Payments, whole: bool) -> list[tuple[str, str]]:
    account = payments.account
    assert account is not None
    if not whole:
        return [(_("Number"), _("ending in %(last)s", last=last_characters(account.number)))]
    return [
        (_("Holder"), account.holder),
        (_("Bank"), account.bank),
        (_("Number"), account.number),
        (_("SWIFT code"), account.swift or "–"),
        (_("Currency"), account.currency),
    ]


def _entry(entry: LedgerEntry, names: Mapping[int, str]) -> EntryView:
    return EntryView(
        kind=_("Payment") if entry.kind == "payment" else _("Return"),
        amount=money(entry.amount, entry.currency),
        local=money(entry.local_amount, entry.local_currency),
        rate=f"{entry.rate:f}",
        # What the bank wrote belongs to the account: whoever sees the one sees the other.
        reference=entry.reference if allowed(Action.SEE_ACCOUNT) else "",
        value_on=day(entry.value_on),
        who=names.get(entry.by, "–"),
    )
