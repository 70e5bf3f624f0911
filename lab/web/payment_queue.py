"""Payments of all awards at once: what waits for whom, and several proposed or authorised in one go, each by the same rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from lab import clock
from lab.extensions import db
from lab.queries.awards import definition_of_call
from lab.queries.payment_queue import KINDS, Queue, Waiting, read_queue
from lab.queries.tasks import calls_of
from lab.rules.errors import LabError
from lab.rules.facts import Actor
from lab.rules.obligations import ObligationKind
from lab.rules.permissions import Action, can
from lab.rules.text import N_
from lab.services import disbursement as service
from lab.web.access import actor, door
from lab.web.words import due, money, say

bp = Blueprint("payment_queue", __name__)
_TITLES: dict[ObligationKind, tuple[str, str]] = {
    ObligationKind.PROPOSE_PAYMENT: (
        N_("Due: to be proposed"), N_("Every condition is met. An officer proposes them.")
    ),
    ObligationKind.AUTHORISE_PAYMENT: (
        N_("Proposed: to be authorised"), N_("Another person, in finance, authorises them.")
    ),
    ObligationKind.RECORD_PAYMENT: (
        N_("Authorised: to be sent"), N_("Finance makes the transfer and records what the bank did.")
    ),
    ObligationKind.CONFIRM_RECEIPT: (
        N_("Sent: arrival not confirmed"), N_("The team lead confirms that the money has arrived.")
    ),
    ObligationKind.DECIDE_WITHHELD: (N_("Withheld"), N_("The officer resumes, adjusts or cancels them.")),
    ObligationKind.RETURN_UNSPENT: (N_("Returns awaited"), N_("Unspent money that the teams owe.")),
}  # fmt: skip
# What can be done for several at once: the button, the endpoint, and what whoever presses it must be allowed.
_BATCHES: dict[ObligationKind, tuple[str, str, Action]] = {
    ObligationKind.PROPOSE_PAYMENT: (N_("Propose those ticked"), "payment_queue.propose", Action.PROPOSE_PAYMENTS),
    ObligationKind.AUTHORISE_PAYMENT: (N_("Authorise those ticked"), "payment_queue.authorise", Action.AUTHORISE_PAYMENTS),
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """A payment, or a return, that waits. ``tick`` names it in the form; ``hindered`` says why this reader cannot do it."""

    project: str
    organisation: str
    href: str
    name: str
    amount: str
    due_text: str
    tone: str
    note: str = ""
    tick: str = ""
    hindered: str = ""


@dataclass(frozen=True)
class Part:
    """A list of the page; ``action`` and ``label`` are of the button for those ticked, empty where there is none."""

    key: str
    title: str
    text: str
    lines: list[Line]
    total: int
    action: str = ""
    label: str = ""


@dataclass(frozen=True)
class Refusal:
    """A payment that was ticked and not done, with every reason."""

    name: str
    reasons: list[str]


@door(bp, "/payments", Action.SEE_PAYMENT_QUEUE)
def index() -> Any:
    """Everything about money that waits for somebody, over all awards; ``list`` names one of them alone."""
    wanted = request.args.get("list", "").replace("-", "_")
    return _page(only=next((kind for kind in KINDS if kind == wanted), None))


def _page(
    status: int = 200, done: str = "", refusals: list[Refusal] | None = None, only: ObligationKind | None = None
) -> Any:
    queue = read_queue(db.session(), only)
    calls = calls_of(db.session(), {one.obligation.award.call_id for found in queue.first.values() for one in found})
    zones = {call_id: definition_of_call(call).time_zone for call_id, call in calls.items()}
    parts = [_part(kind, queue, zones) for kind in KINDS]
    return render_template(
        "payment_queue/index.html",
        parts=parts,
        done=done,
        refusals=refusals or [],
        shown=sum(p.total for p in parts),
        only=only,
    ), status


def _part(kind: ObligationKind, queue: Queue, zones: dict[int, str]) -> Part:
    title, text = _TITLES[kind]
    label, endpoint, action = _BATCHES.get(kind, ("", "", None))
    mine = action is not None and can(actor(), action)
    return Part(
        key=kind.value.replace("_", "-"),
        title=say(title),
        text=say(text),
        lines=[_line(kind, one, zones[one.obligation.award.call_id], mine) for one in queue.first[kind]],
        total=queue.totals[kind],
        action=url_for(endpoint) if mine else "",
        label=say(label) if mine else "",
    )


def _line(kind: ObligationKind, one: Waiting, zone: str, mine: bool) -> Line:
    award, tranche = one.obligation.award, one.tranche
    when = due(one.obligation.due_at, zone)
    number = tranche.number if tranche is not None else 0
    own = kind is ObligationKind.AUTHORISE_PAYMENT and tranche is not None and tranche.proposed_by == actor().person_id
    return Line(
        project=award.project,
        organisation=one.organisation,
        href=url_for("disbursement.show", award_code=award.code, _anchor=f"payment-{number}" if number else "ledger"),
        name=_("Payment %(number)s", number=number) if number else _("Return"),
        amount=money(tranche.amount, tranche.currency) if tranche is not None else _amount(one),
        due_text=when.label,
        tone=when.tone,
        note=_("Proposed by %(who)s", who=one.proposer) if one.proposer else "",
        tick=f"{award.code}:{number}" if mine else "",
        hindered=_("You proposed it: another person authorises it.") if own and mine else "",
    )


def _amount(one: Waiting) -> str:
    # As the obligation keeps it: “1200.00 USD”.
    return str(one.obligation.params.get("amount", "–"))


@door(bp, "/payments/propose", Action.PROPOSE_PAYMENTS, methods=("POST",), fresh=True)
def propose() -> Any:
    """Propose the payments that were ticked, one by one."""
    return _each(
        service.propose, lambda n: ngettext("%(num)d payment is proposed.", "%(num)d payments are proposed.", n)
    )


@door(bp, "/payments/authorise", Action.AUTHORISE_PAYMENTS, methods=("POST",), fresh=True)
def authorise() -> Any:
    """Authorise the payments that were ticked, one by one."""
    return _each(
        service.authorise, lambda n: ngettext("%(num)d payment is authorised.", "%(num)d payments are authorised.", n)
    )


def _each(act: Callable[[Actor, datetime, str, int], None], told: Callable[[int], str]) -> Any:
    """Each in a transaction of its own: one that is refused keeps none of the others back."""
    who, done = actor(), 0
    refusals = []
    chosen = list(dict.fromkeys(request.form.getlist("payment")))
    if not chosen:
        return _page(422, refusals=[Refusal(_("Nothing is ticked"), [_("Tick the payments first.")])])
    for name in chosen:
        code, _colon, number = name.rpartition(":")
        # A number that no payment has is found by no service.
        wanted = int(number) if number.isascii() and number.isdigit() and len(number) < 6 else 0
        try:
            act(who, clock.now(), code, wanted)
            done += 1
        except LabError as error:
            db.session.rollback()
            refusals.append(Refusal(name[:120], [say(reason) for reason in error.reasons]))
    return _page(422 if refusals else 200, told(done) if done else "", refusals)
