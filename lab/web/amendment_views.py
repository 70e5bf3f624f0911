"""Everything that an amendment would touch, before and after, in the reader's words: the same for whoever asks and judges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from flask_babel import gettext as _
from flask_babel import ngettext

from lab.rules.amendment import Line, Payment, Terms
from lab.rules.amendment_payments import MILESTONE
from lab.rules.amendment_preview import Preview, preview
from lab.rules.bank_account import ACCOUNT_FIELDS, last_characters
from lab.rules.calls import CallDefinition, text
from lab.rules.conditions import CONDITION_NAMES
from lab.rules.disbursement import TRANCHE_NAMES
from lab.rules.lifecycle import STAGE_NAMES
from lab.rules.obligations import sentence
from lab.rules.permissions import Action
from lab.rules.schedule import Due
from lab.rules.text import N_, M
from lab.web.access import allowed
from lab.web.words import day, locale, money, say
from lab.web.workplan_changes import Change, Total, comparison, words_of

_SIDES = {"organisation": N_("The team"), "ilo": N_("The ILO")}


def side_name(side: str) -> str:
    """A side of the agreement, as its people are called."""
    return say(_SIDES[side])


@dataclass(frozen=True)
class Row:
    """A thing before and after, in words; empty where it is not there. ``note`` says what should be known of it."""

    label: str
    before: str
    after: str
    note: str = ""


@dataclass(frozen=True)
class ChangeView:
    """An amendment's effect: by part of the award, each empty where nothing changes; ``untouched`` names those parts."""

    plan: list[tuple[str, list[Change]]]
    totals: list[Total]
    lines: list[Row]
    ends: list[Row]
    owed: list[Row]
    payments: list[Row]
    unplanned: str
    account: list[Row]
    lead: list[Row]
    follows: list[str]
    untouched: list[str]


def change_view(before: Terms, after: Terms, definition: CallDefinition) -> ChangeView:
    """What leads from ``before`` to ``after``. Account numbers are shown only to those who may see them."""
    change = preview(before, after)
    categories = {item.key: text(item.label, locale()) for item in definition.budget_categories}
    old, new = (words_of(terms.plan, categories, after.currency) for terms in (before, after))
    plan = comparison(change.plan, change.totals, old, new)
    titles = {str(step.number): step.title for step in (*before.milestones, *after.milestones)}
    view = ChangeView(
        plan=plan.sections,
        totals=plan.totals,
        lines=[_line(line.before, line.after, after.currency) for line in change.lines],
        ends=[
            Row(say(STAGE_NAMES[end.stage]), day(end.before), day(end.after), _moved(end.before, end.after))
            for end in change.ends
        ],
        owed=[_owed(owed.before, owed.after, owed.due) for owed in change.owed],
        payments=[_payment(pay.before, pay.after, titles, after.currency) for pay in change.payments],
        unplanned=_unplanned(change, after.currency),
        account=_account(change),
        lead=[Row(_("Team lead"), *change.lead)] if change.lead else [],
        follows=_follows(change),
        untouched=[],
    )
    parts = (
        (_("Workplan"), view.plan), (_("Budget lines"), view.lines), (_("Last days"), view.ends),
        (_("What is owed"), [*view.owed, *view.follows]), (_("Payments"), view.payments), (_("Bank account"), view.account),
        (_("Team lead"), view.lead),
    )  # fmt: skip
    view.untouched.extend(label for label, rows in parts if not rows)
    return view


def _moved(before: date, after: date) -> str:
    days = (after - before).days
    if days > 0:
        return str(ngettext("%(num)d day later", "%(num)d days later", days))
    return str(ngettext("%(num)d day earlier", "%(num)d days earlier", -days))


def _line(before: Line | None, after: Line | None, currency: str) -> Row:
    known = after or before
    assert known is not None
    note = _("%(spent)s spent by reports", spent=money(known.spent, currency)) if known.spent else ""
    return Row(known.description, _amount(before, currency), _amount(after, currency), note)


def _amount(line: Line | None, currency: str) -> str:
    return money(line.amount, currency) if line else ""


def _owed(before: Due | None, after: Due | None, due: Due) -> Row:
    renamed = before is not None and after is not None and before.on == after.on
    note = _("under another title") if renamed else _("no longer owed") if after is None else ""
    return Row(
        say(sentence(due.kind, due.params)), day(before.on) if before else "", day(after.on) if after else "", note
    )


def _payment(before: Payment | None, after: Payment | None, titles: Mapping[str, str], currency: str) -> Row:
    def said(payment: Payment | None) -> str:
        if payment is None:
            return ""
        found = money(payment.amount, currency)
        if before and after and before.state is not after.state:
            found = f"{found}, {say(TRANCHE_NAMES[payment.state])}"
        if before and after and before.conditions == after.conditions:
            return found
        needs = "; ".join(_condition(kind, about, titles) for kind, about in payment.conditions)
        return _("%(amount)s, once: %(conditions)s", amount=found, conditions=needs) if needs else found

    known = after or before
    assert known is not None
    note = "" if after and before else _("new") if after else _("no longer paid")
    return Row(_("Payment %(number)s", number=known.number), said(before), said(after), note)


def _condition(kind: str, about: str, titles: Mapping[str, str]) -> str:
    about = f"“{titles.get(about, about)}”" if kind == MILESTONE else f"“{about}”"
    return say(M(CONDITION_NAMES[kind], about=about))


def _follows(change: Preview) -> list[str]:
    """What follows from it by itself, in sentences: duties that are worked out anew once it is applied."""
    found = []
    if change.account:
        found.append(_("Finance verifies the other account before anything is paid into it."))
    for payment in change.payments:
        before, after = payment.before, payment.after
        if before and after and before.state is not after.state:
            found.append(
                _("Payment %(number)s was proposed for the account before: it is proposed anew.", number=after.number)
            )
    if change.payments:
        found.append(_("Whether a payment is due, and whose turn it is, is worked out anew from its conditions."))
    if change.lead:
        found.append(_("What the team owes is the new lead’s to hand in."))
    return found


def _unplanned(change: Preview, currency: str) -> str:
    left = change.unplanned[1]
    if not change.payments:
        return ""
    if not left:
        return str(_("The payments add up to the award."))
    return str(_("%(amount)s of the award would not be planned in any payment.", amount=money(left, currency)))


ACCOUNT_NAMES = {
    "holder": N_("Account holder"),
    "bank": N_("Bank"),
    "number": N_("Account number or IBAN"),
    "swift": N_("SWIFT code"),
}


def _account(change: Preview) -> list[Row]:
    if change.account is None:
        return []
    before, after = (account or {} for account in change.account)
    return [
        Row(say(ACCOUNT_NAMES[name]), _shown(name, before.get(name, "")), _shown(name, after.get(name, "")))
        for name in ACCOUNT_FIELDS
        if before.get(name) != after.get(name)
    ]


def _shown(name: str, value: str) -> str:
    if allowed(Action.SEE_ACCOUNT) or not value:
        return value
    if not allowed(Action.SEE_LEDGER):
        return str(_("not shown"))
    return f"… {last_characters(value)}" if name == "number" else value
