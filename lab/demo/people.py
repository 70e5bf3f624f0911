"""Who plays in the demonstration. Everybody is invented; their addresses are of example.org, which receives no mail."""

from __future__ import annotations

from dataclasses import dataclass

from lab.rules.facts import Role
from lab.rules.text import N_

LEAD, MEMBER, MENTOR = "lead@example.org", "member@example.org", "mentor@example.org"
COMMITTEE, OFFICER, FINANCE = "committee@example.org", "officer@example.org", "finance@example.org"
ADMIN = "admin@example.org"
GENEVA = "Europe/Zurich"


@dataclass(frozen=True)
class Account:
    """Somebody of the demonstration whom anybody can sign in as, and what they are (a marked text)."""

    email: str
    what: str


ACCOUNTS = (
    Account(LEAD, N_("team lead of the first prize, Ecuador")),
    Account(MEMBER, N_("a member of that team")),
    Account(MENTOR, N_("mentor of both winners")),
    Account(COMMITTEE, N_("on the steering committee")),
    Account(OFFICER, N_("programme officer")),
    Account(FINANCE, N_("finance officer")),
    Account(ADMIN, N_("administrator: accounts, roles, outbox")),
)
# Whom the administrator invites: name, role, time zone. The committee's member sits on that of every call.
STAFF = {
    OFFICER: ("Olivia Officer", Role.OFFICER, GENEVA),
    FINANCE: ("Fatou Finance", Role.FINANCE, GENEVA),
    COMMITTEE: ("Carla Committee", Role.COMMITTEE, "America/Lima"),
}
