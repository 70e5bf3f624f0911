"""“Why is this not paid yet?”: one sentence, the same for both sides, with the way to where it is done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from textwrap import shorten
from typing import TYPE_CHECKING

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from lab import clock
from lab.queries.disbursement import Payments
from lab.rules.calendar import local_day
from lab.rules.calls import CallDefinition, text
from lab.rules.disbursement import TrancheFacts, TrancheState
from lab.rules.facts import Scope
from lab.rules.obligations import Party, overdue_days
from lab.rules.payment_decisions import DecisionKind
from lab.rules.permissions import Action, can
from lab.rules.reports import report_title
from lab.rules.review import REPORT_KINDS, DocumentKind
from lab.rules.standing import Standing, standing
from lab.rules.text import N_, M, Message
from lab.web.access import DECLARED, actor, allowed
from lab.web.frame import Frame
from lab.web.task_links import href_of
from lab.web.words import day, locale, say

if TYPE_CHECKING:
    from lab.models import Tranche

_WAITING: dict[Party, str] = {
    Party.TEAM: N_("Waiting for the team %(time)s: %(missing)s"),
    Party.OFFICER: N_("Waiting for the programme officer %(time)s: %(missing)s"),
    Party.FINANCE: N_("Waiting for finance %(time)s: %(missing)s"),
    Party.MENTOR: N_("Waiting for the mentor %(time)s: %(missing)s"),
    Party.COMMITTEE: N_("Waiting for the steering committee %(time)s: %(missing)s"),
}
# Where a condition is met that nobody owes by a date: endpoint, and the place on its page.
_PLACES: dict[str, tuple[str, str]] = {
    "not_suspended": ("award.show", ""),
    "workplan_approved": ("workplan.show", ""),
    "due_diligence_clear": ("agreement.show", "due-diligence"),
    "agreement_in_force": ("agreement.show", ""),
    "account_holder_matches": ("disbursement.show", "account"),
    "account_verified": ("disbursement.show", "account"),
    "boot_camp_attended": ("lab.show", "boot-camps"),
    "prototype_report_accepted": ("report.index", ""),
    "final_report_accepted": ("report.index", ""),
    "report_accepted": ("report.index", ""),
    "milestone_accepted": ("report.index", "milestones"),
    "obligation_discharged": ("agreement.show", "obliges"),
    "attested": ("disbursement.show", "payment-%s"),
}


@dataclass(frozen=True)
class Why:
    """The sentence, and the address of the page where it is done: empty when that is this page, or not for this reader."""

    text: str
    href: str = ""


def why_of(frame: Frame, payments: Payments, tranche: Tranche, facts: TrancheFacts) -> Why:
    """Why a payment is not paid yet; of one that was paid, when."""
    if facts.state is TrancheState.CANCELLED:
        return Why(_("It was cancelled: it is not paid."))
    if facts.state is TrancheState.RETURNED:
        return Why(_("The bank sent it back: another payment was planned in its place."))
    owed = {item.key: (Party(item.debtor), item.opened_at, item.due_at) for item in frame.obligations}
    decisions = [one for one in payments.decisions if one.tranche_id == tranche.id]
    held = next((one.reason for one in reversed(decisions) if one.kind == DecisionKind.WITHHOLD), "")
    # The whole of a long reason stands with the decision.
    held = shorten(held, 200, placeholder=" …")
    found = standing(tranche.number, facts, payments.facts, owed, frame.award.stage_since, held)
    if found is None:
        entry = payments.payment_of(tranche)
        return Why(_("It was paid, value date %(day)s.", day=day(entry.value_on if entry else None)))
    return Why(_sentence(found, frame.definition), _href(found, frame, tranche.number))


def _sentence(found: Standing, definition: CallDefinition) -> str:
    """Days are those of the call's time zone, so that every reader reads the same."""
    missing = named_in_words(found.missing, definition)
    if found.turn is None:
        said = say(missing)
    else:
        said = say(M(_WAITING[found.turn], time=_time(found, definition.time_zone), missing=missing))
    if not found.more:
        return said
    more = ngettext("(and %(num)d more reason)", "(and %(num)d more reasons)", found.more)
    return f"{said} {more}"


def _time(found: Standing, zone: str) -> str:
    """For how long it has waited, and by how much that is too long: the ILO's delays count like the team's."""
    now: datetime = clock.now()
    began = local_day(found.since, zone)
    days = (local_day(now, zone) - began).days
    said: str = (
        ngettext(
            "for %(num)d day, since %(day)s", "for %(num)d days, since %(day)s", days, day=day(began)
        )
        if days > 0
        else _("since today")
    )  # fmt: skip
    late = overdue_days(found.due, now) if found.due is not None else None
    if late is None:
        return said
    over = ngettext("%(num)d day late", "%(num)d days late", late) if late else _("late since today")
    return f"{said}, {over}"


def _href(found: Standing, frame: Frame, number: int) -> str:
    owed = next((item for item in frame.obligations if item.key == found.owed), None) if found.owed else None
    if owed is not None:
        return _elsewhere(href_of(owed), frame)
    place = _PLACES.get(found.key)
    if place is None:
        return ""
    endpoint, anchor = place
    if not can(actor(), DECLARED[endpoint], Scope(call_id=frame.award.call_id, award_id=frame.award.id)):
        return ""
    anchor = anchor.replace("%s", str(number))
    return _elsewhere(url_for(endpoint, award_code=frame.award.code, _anchor=anchor or None), frame)


def _elsewhere(href: str, frame: Frame) -> str:
    """Empty for what is in sight already, or on a part of the page that this reader does not see."""
    here = url_for("disbursement.show", award_code=frame.award.code)
    if href == here or (href.startswith(f"{here}#") and not allowed(Action.SEE_LEDGER)):
        return ""
    return href


def named_in_words(message: Message, definition: CallDefinition) -> Message:
    """The message with a boot camp or a report that it knows by its key called by its name."""
    key = str(message.params.get("key", ""))
    camp = next((camp for camp in definition.boot_camps if camp.key == key), None)
    kind, _colon, number = key.partition(":")
    if camp is not None:
        return Message(message.msgid, {"key": text(camp.title, locale())})
    if kind in REPORT_KINDS and number.isdigit():
        return Message(message.msgid, {"key": report_title(DocumentKind(kind), int(number))})
    return message
