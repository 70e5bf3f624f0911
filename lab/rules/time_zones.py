"""A first guess at where somebody is, for the choice of a time zone that they then make themselves."""

from __future__ import annotations

from babel.core import get_global

# Where most people live in the countries with several zones that calls of Latin America and the Caribbean, and their
# partners, come from. A country with a single zone needs no entry.
_MAIN = {
    "AR": "America/Argentina/Buenos_Aires",
    "BR": "America/Sao_Paulo",
    "CA": "America/Toronto",
    "CL": "America/Santiago",
    "EC": "America/Guayaquil",
    "ES": "Europe/Madrid",
    "MX": "America/Mexico_City",
    "PT": "Europe/Lisbon",
    "US": "America/New_York",
}


def likely_time_zone(country: str) -> str:
    """The time zone of most people in ``country`` (two letters); empty when that cannot be said."""
    if country in _MAIN:
        return _MAIN[country]
    zones: list[str] = get_global("territory_zones").get(country, [])
    return zones[0] if len(zones) == 1 else ""
