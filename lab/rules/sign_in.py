"""How long a sign-in lasts, how fresh it is, and who has to prove more than a password."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from lab.rules.facts import Actor, Role

# Whoever decides, pays or administers.
OFFICE = frozenset({Role.OFFICER, Role.FINANCE, Role.ADMIN})
# How exactly the last use of a sign-in is noted.
SEEN_EVERY = timedelta(minutes=5)


@dataclass(frozen=True)
class SignInLimits:
    """After how long without use, and after how long at all, a sign-in ends; and how long its owner counts as just seen."""

    idle: timedelta = timedelta(hours=2)
    whole: timedelta = timedelta(hours=12)
    lasting: timedelta = timedelta(days=30)
    fresh: timedelta = timedelta(minutes=15)

    def idle_of(self, lasting: bool) -> timedelta:
        """The unused time that is too long; a lasting sign-in, of a phone that is its owner's, may rest half its life."""
        return self.lasting / 2 if lasting else self.idle

    def whole_of(self, lasting: bool) -> timedelta:
        """The life of a sign-in."""
        return self.lasting if lasting else self.whole


@dataclass(frozen=True)
class SignInFacts:
    """One sign-in. Instants are real ones (UTC); ``has_factor``: its person has a second factor set up."""

    id: int
    person_id: int
    created_at: datetime
    seen_at: datetime
    fresh_at: datetime
    proved_at: datetime | None
    lasting: bool
    ended_at: datetime | None
    has_factor: bool


class Standing(StrEnum):
    """What a sign-in is good for."""

    OPEN = "open"
    PROVE = "prove"
    SET_UP = "set_up"


def is_alive(facts: SignInFacts, limits: SignInLimits, now: datetime) -> bool:
    """Whether the sign-in still counts at ``now``: not ended, not unused for too long, not too old."""
    return (
        facts.ended_at is None
        and now - facts.seen_at < limits.idle_of(facts.lasting)
        and now - facts.created_at < limits.whole_of(facts.lasting)
    )


def is_fresh(facts: SignInFacts, limits: SignInLimits, now: datetime) -> bool:
    """Whether its owner has proved to be there recently enough for money, a bank account or a role."""
    return now - facts.fresh_at < limits.fresh


def standing(facts: SignInFacts, actor: Actor, required: bool) -> Standing:
    """Whether the sign-in may be used, or a second factor is to be given first, or to be set up first.

    ``required``: this installation asks it of everybody who holds an office.
    """
    if facts.has_factor and facts.proved_at is None:
        return Standing.PROVE
    if required and not facts.has_factor and actor.programme & OFFICE:
        return Standing.SET_UP
    return Standing.OPEN
