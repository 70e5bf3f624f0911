"""What the page of payments shows to this reader: each payment, the account as far as they may see it, the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flask import url_for
from flask_babel import gettext as _

from lab.forms.award import own_ids
from lab.forms.base import LabForm
from lab.forms.disbursement import (
    AccountForm,
    AttestForm,
    DecideForm,
    ReturnedForm,
    ReturnForm,
    SendBackForm,
    SentForm,
    VerifyForm,
)
from lab.queries.disbursement import Payments, account_facts, condition_facts, tranche_facts
from lab.rules.bank_account import change_blockers, entry_blockers, holder_blockers, last_characters, verify_blockers
from lab.rules.calls import text
from lab.rules.conditions import Unmet
from lab.rules.disbursement import (
    TO_RELEASE,
    TRANCHE_NAMES,
    TrancheFacts,
    TrancheState,
    release_blockers,
    step_blockers,
    still_unmet,
)
from lab.rules.money import rounded
from lab.rules.payment_decisions import DECISION_NAMES, DECISION_USES, DecisionKind, possible
from lab.rules.permissions import Action
from lab.web.access import actor, allowed
from lab.web.frame import Frame
from lab.web.payment_why import named_in_words, why_of
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


_LOOKS = {
    TrancheState.PLANNED: "plain",
    TrancheState.RECEIVED: "paid",
    TrancheState.CANCELLED: "plain",
    TrancheState.RETURNED: "failed",
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
class DecisionView:
    """What the ILO decided about a payment; ``letter`` is the address of the letter, empty where there is none."""

    title: str
    reason: str
    letter: str


@dataclass(frozen=True)
class PaymentView:
    """A payment as the page shows it. ``step`` is what this reader may do, ``blockers`` what keeps them from it."""

    number: int
    label: str
    amount: str
    state: str
    state_label: str
    why: str
    why_href: str = ""
    decisions: list[DecisionView] = field(default_factory=list)
    conditions: list[ConditionView] = field(default_factory=list)
    past: list[tuple[str, str]] = field(default_factory=list)
    step: str = ""
    blocked: bool = False
    blockers: list[str] = field(default_factory=list)
    sent_form: LabForm | None = None
    send_back_form: LabForm | None = None
    decide_form: LabForm | None = None
    returned_form: LabForm | None = None


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
        "gone": [_payment(frame, payments, tranche, full, refused) for tranche in payments.gone],
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
    why = why_of(frame, payments, tranche, facts)
    due = facts.state is TrancheState.PLANNED and not release_blockers(facts, payments.facts)
    common: dict[str, Any] = {
        "number": tranche.number,
        "label": text(plan.label, locale()) if plan else "",
        "amount": money(tranche.amount, tranche.currency),
        "state": "due" if due else _LOOKS.get(facts.state, facts.state.value),
        "state_label": _("Due") if due else say(TRANCHE_NAMES[facts.state]),
        "why": why.text,
        "why_href": why.href,
        "decisions": _decisions(frame, payments, tranche),
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
        decide_form=_decide_form(payments, tranche, facts, refused),
        returned_form=_named(refused, f"returned-{tranche.number}", ReturnedForm)
        if facts.state is TrancheState.SENT and allowed(Action.RECORD_RETURN)
        else None,
        send_back_form=_named(refused, f"send-back-{tranche.number}", SendBackForm)
        if undecided and allowed(Action.SEND_BACK_PAYMENT)
        else None,
    )


def _decide_form(payments: Payments, tranche: Tranche, facts: TrancheFacts, refused: Refused) -> LabForm | None:
    kinds = possible(facts, payments.facts)
    if not kinds or not allowed(Action.DECIDE_PAYMENT):
        return None
    form = _named(refused, f"decide-{tranche.number}", DecideForm)
    form["kind"].choices = [(str(kind), say(DECISION_USES[kind])) for kind in kinds]
    most = facts.award_amount - facts.other_tranches
    form["amount"].description = _(
        "Only to adjust it. Now it is %(now)s; at most %(most)s.",
        now=money(tranche.amount, tranche.currency),
        most=money(most, tranche.currency),
    )
    return form


def _decisions(frame: Frame, payments: Payments, tranche: Tranche) -> list[DecisionView]:
    found = []
    for one in payments.decisions:
        if one.tranche_id != tranche.id:
            continue
        title = f"{say(DECISION_NAMES[DecisionKind(one.kind)])}: {_by(payments, one.by, one.at)}"
        if one.kind == DecisionKind.ADJUST:
            was, now = money(one.amount_before, tranche.currency), money(one.amount_after, tranche.currency)
            title = f"{title}. {_('From %(was)s to %(now)s', was=was, now=now)}"
        letter = (
            url_for("disbursement.letter", award_code=frame.award.code, decision_id=one.id)
            if one.letter is not None and allowed(Action.SEE_LEDGER)
            else ""
        )
        found.append(DecisionView(title, one.reason, letter))
    return found


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


def _condition(
    frame: Frame, payments: Payments, facts: TrancheFacts, condition: Condition, refused: Refused
) -> ConditionView:
    reason = still_unmet(facts.state, condition_facts(condition), payments.facts)
    open_here = condition.kind == "attested" and facts.state in (*TO_RELEASE, TrancheState.WITHHELD)
    attested = ""
    if condition.attested_at is not None and condition.attested_by is not None:
        attested = _by(payments, condition.attested_by, condition.attested_at)
    return ConditionView(
        id=condition.id,
        label=_label(condition),
        met=reason is None,
        reason=say(named_in_words(reason.message, frame.definition)) if reason else "",
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
