"""The choice of a time zone: by part of the world, each by its city."""

from __future__ import annotations

from flask_babel import gettext

from lab.rules.text import N_
from lab.web.words import time_zone_names

# The database has older names as well, such as Brazil/East: each of them has a city of the same time in one of these.
_REGIONS = {
    "Africa": N_("Africa"),
    "America": N_("America"),
    "Antarctica": N_("Antarctica"),
    "Asia": N_("Asia"),
    "Atlantic": N_("Atlantic"),
    "Australia": N_("Australia"),
    "Europe": N_("Europe"),
    "Indian": N_("Indian Ocean"),
    "Pacific": N_("Pacific"),
}


def _label(name: str) -> str:
    place = name.partition("/")[2].replace("_", " ").replace("/", ", ")
    return "Zurich, Geneva" if name == "Europe/Zurich" else place


def zone_choices(current: str = "") -> dict[str, list[tuple[str, str]]]:
    """Groups of (name, label) for a select; ``current`` is offered even if it is none of the usual ones."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name in time_zone_names():
        region = _REGIONS.get(name.partition("/")[0])
        if region:
            found.setdefault(str(gettext(region)), []).append((name, _label(name)))
    if current and not any(current == name for group in found.values() for name, _label_ in group):
        found = {str(gettext("As it is now")): [(current, current)], **found}
    return found
