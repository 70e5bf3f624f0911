"""What is owed, as people meet it: its sentence, when it is due, and the page where it is done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import url_for
from flask_babel import gettext as _

from lab import clock
from lab.rules.facts import Actor, Role, Scope
from lab.rules.obligations import PARTY_NAMES, ObligationKind, Party, overdue_days, sentence
from lab.rules.permissions import Action, can
from lab.web.access import DECLARED, actor
from lab.web.gate import review_text
from lab.web.words import due, say

if TYPE_CHECKING:
    from lab.models import Obligation

_KIND = ObligationKind
# Endpoint, and the place on its page.
_PLACES: dict[ObligationKind, tuple[str, str]] = {
    _KIND.SUBMIT_WORKPLAN: ("workplan.show", ""),
    _KIND.REVIEW_WORKPLAN: ("workplan.show", ""),
    _KIND.DECIDE_EXPIRY: ("workplan.show", "deadline"),
    _KIND.CLEAR_DUE_DILIGENCE: ("agreement.show", "due-diligence"),
    _KIND.OPEN_AGREEMENT: ("agreement.show", "opening"),
    _KIND.SIGN_ORGANISATION: ("agreement.show", "text"),
    _KIND.SIGN_ILO: ("agreement.show", "text"),
    _KIND.ENTER_ACCOUNT: ("disbursement.show", "account"),
    _KIND.VERIFY_ACCOUNT: ("disbursement.show", "account"),
    _KIND.PROPOSE_PAYMENT: ("disbursement.show", ""),
    _KIND.AUTHORISE_PAYMENT: ("disbursement.show", ""),
    _KIND.RECORD_PAYMENT: ("disbursement.show", ""),
    _KIND.CONFIRM_RECEIPT: ("disbursement.show", ""),
    _KIND.DECIDE_WITHHELD: ("disbursement.show", ""),
    _KIND.RETURN_UNSPENT: ("disbursement.show", "ledger"),
    _KIND.HOLD_BOOT_CAMP: ("lab.show", "boot-camps"),
    _KIND.ANSWER_THREAD: ("lab.show", "comments"),
    _KIND.REACH_MILESTONE: ("report.index", "milestones"),
    _KIND.SUBMIT_PROGRESS_REPORT: ("report.show", ""),
    _KIND.SUBMIT_PROTOTYPE_REPORT: ("report.show", ""),
    _KIND.SUBMIT_FINAL_REPORT: ("report.show", ""),
    _KIND.REVIEW_REPORT: ("report.show", ""),
    _KIND.CLOSE_AWARD: ("closing.show", ""),
    _KIND.RENEW_DOCUMENT: ("agreement.show", "due-diligence"),
    _KIND.ANSWER_CLAUSE: ("clause.show", ""),
    _KIND.SHOW_ACKNOWLEDGEMENT: ("agreement.show", "obliges"),
    _KIND.KEEP_RECORDS: ("agreement.show", "obliges"),
    _KIND.ALLOW_VISIT: ("agreement.show", "obliges"),
    _KIND.REVIEW_AMENDMENT: ("amendment.show", ""),
    _KIND.DECIDE_AMENDMENT: ("amendment.show", "committee"),
}
# Where the person who may do it lands at once, instead of on the page that everybody reads.
_STRAIGHT: dict[ObligationKind, tuple[str, Action]] = {
    _KIND.SUBMIT_WORKPLAN: ("workplan.edit", Action.EDIT_WORKPLAN),
    _KIND.REVIEW_WORKPLAN: ("workplan.review", Action.REVIEW_WORKPLAN),
}
_PARTIES: dict[Role, Party] = {
    Role.LEAD: Party.TEAM,
    Role.MEMBER: Party.TEAM,
    Role.MENTOR: Party.MENTOR,
    Role.COMMITTEE: Party.COMMITTEE,
    Role.OFFICER: Party.OFFICER,
    Role.FINANCE: Party.FINANCE,
}


@dataclass(frozen=True)
class Task:
    """Something owed, for the macro ``task_list``. ``due_geneva`` names the last minute, for the reader
    and for the call; ``note`` says more, where there is more to say."""

    title: str
    href: str
    award_title: str
    due_text: str
    due_geneva: str
    tone: str
    owner: str
    note: str = ""


@dataclass(frozen=True)
class NextStep:
    """What this reader does next, or whom everybody waits for."""

    title: str
    text: str = ""
    href: str = ""
    action: str = ""
    tone: str = ""


def parties_of(who: Actor, scope: Scope) -> frozenset[Party]:
    """On whose behalf ``who`` acts on an award: what these parties owe, they owe."""
    return frozenset(_PARTIES[role] for role in who.roles_on(scope) if role in _PARTIES)


def scope_of(obligation: Obligation) -> Scope:
    """The award of an obligation (loaded already), as permission sees it."""
    return Scope(call_id=obligation.award.call_id, award_id=obligation.award_id)


def title_of(obligation: Obligation) -> str:
    """What is owed, in the reader's words."""
    overdue = overdue_days(obligation.due_at, clock.now())
    return say(sentence(ObligationKind(obligation.kind), obligation.params, overdue))


def href_of(obligation: Obligation) -> str:
    """The page where it is done; empty for a reader who may not open it. The obligation's award must be loaded."""
    kind = ObligationKind(obligation.kind)
    code = obligation.award.code
    straight = _STRAIGHT.get(kind)
    if straight is not None and can(actor(), straight[1], scope_of(obligation)):
        return url_for(straight[0], award_code=code)
    endpoint, anchor = _PLACES[kind]
    if not can(actor(), DECLARED[endpoint], scope_of(obligation)):
        return ""
    if endpoint == "clause.show":
        return url_for(endpoint, award_code=code, key=obligation.params["at"])
    if endpoint == "amendment.show":
        return url_for(endpoint, award_code=code, number=obligation.params["number"], _anchor=anchor or None)
    if endpoint != "report.show":
        return url_for(endpoint, award_code=code, _anchor=anchor or None)
    # The keys of reports: report:KIND:NUMBER while they are written, review:KIND:NUMBER while they are read.
    _, report, number = obligation.key.split(":")
    return url_for(endpoint, award_code=code, kind=report, number=int(number))


def task(
    obligation: Obligation, *, zone: str = "Europe/Zurich", with_award: bool = True, with_owner: bool = False
) -> Task:
    """One obligation as a task. ``zone`` is the call's time zone."""
    when = due(obligation.due_at, zone)
    return Task(
        title=title_of(obligation),
        href=href_of(obligation),
        award_title=obligation.award.project if with_award else "",
        due_text=when.label,
        due_geneva=f"{when.reader} ({when.geneva})" if when.geneva else when.reader,
        tone=when.tone,
        owner=say(PARTY_NAMES[Party(obligation.debtor)]) if with_owner else "",
        note=_note(obligation, zone),
    )


def _note(obligation: Obligation, zone: str) -> str:
    """The ILO's own clock, where it runs: which version waits, and how much of the time is left."""
    if obligation.kind != ObligationKind.REVIEW_WORKPLAN:
        return ""
    time, number = review_text(obligation, zone), obligation.params.get("number")
    # What was handed in before versions were named here has no number.
    if number is None:
        return str(_("The team’s clock stands still: %(time)s", time=time))
    return str(_("Version %(number)s waits, and the team’s clock stands still: %(time)s", number=number, time=time))


def tasks(
    obligations: Iterable[Obligation], *, zone: str = "Europe/Zurich", with_award: bool = True, with_owner: bool = False
) -> list[Task]:
    """Obligations, whose awards are loaded, as the macro ``task_list`` takes them; no statement each."""
    return [task(item, zone=zone, with_award=with_award, with_owner=with_owner) for item in obligations]
