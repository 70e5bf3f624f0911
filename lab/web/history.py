"""What happened, in the reader's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from flask_babel import gettext as _

from lab.rules.calls import CallDefinition, text
from lab.rules.events import EVENTS
from lab.rules.text import N_, M
from lab.rules.workplan_talks import PLACE_NAMES
from lab.web.words import day, instant, locale, money, say

if TYPE_CHECKING:
    from lab.models import Event


@dataclass(frozen=True)
class Item:
    """An entry of the macro ``timeline``."""

    when: str
    who: str
    text: str
    detail: str = ""


# Everybody on the award reads this; what the files of a draft are called is the team's until it is handed in.
_OF_DRAFTS = {"file_uploaded": N_("File added to a draft"), "file_removed": N_("File removed from a draft")}


def sentence_of(event: Event, definition: CallDefinition | None = None) -> str:
    """The event's sentence; amounts, days, sections and prizes that it names are said as the reader knows them."""
    details = event.details
    if event.kind in _OF_DRAFTS and not str(details.get("place", "")).startswith("boot_camp:"):
        return say(_OF_DRAFTS[event.kind])
    params = {name: _said(name, value, _currency(name, details), definition) for name, value in details.items()}
    return say(M(EVENTS[event.kind], **params))


def item_of(event: Event, definition: CallDefinition | None = None) -> Item:
    """The event with who and when, its actor loaded."""
    who = event.actor.name if event.actor is not None else _("the system")
    return Item(when=instant(event.at), who=who, text=sentence_of(event, definition))


def _currency(name: str, details: Mapping[str, object]) -> str:
    """The currency that the detail ``name`` is an amount of; empty when it is none, or was kept in words."""
    kept = {"amount": "currency", "was": "currency", "local": "local_currency"}.get(name)
    return str(details.get(kept, "")) if kept else ""


def _said(name: str, value: object, currency: str, definition: CallDefinition | None) -> object:
    if name == "sections":
        return ", ".join(say(PLACE_NAMES.get(key, key)) for key in str(value).split(","))
    if name == "prize" and definition is not None:
        return next((text(prize.label, locale()) for prize in definition.prizes if prize.key == value), value)
    if name == "item" and definition is not None:
        items = (*definition.due_diligence, *definition.closing)
        return next((text(item.label, locale()) for item in items if item.key == value), value)
    try:
        if currency:
            return money(Decimal(str(value)), currency)
        if name == "on" or name.endswith("_on"):
            return day(date.fromisoformat(str(value)))
    except (InvalidOperation, ValueError):
        # Said in words already when it was recorded.
        return value
    return value
