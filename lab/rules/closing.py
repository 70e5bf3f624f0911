"""Closing (domain: 5): everything that it needs, each met or with the reason why not. The same needs as the transition's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lab.rules import lifecycle
from lab.rules.facts import AwardFacts
from lab.rules.text import N_, Message

_CLOSE = lifecycle.BY_NAME["close"]
# In the order of the transition's needs; a need more or less stops the import here.
_NAMES = (
    ("final_report", N_("Final narrative and financial report accepted")),
    ("unspent", N_("Unspent money returned")),
    ("checklist", N_("Closing checklist ticked")),
    ("lessons", N_("Lessons learned written")),
)
_NEEDS = tuple(zip(_NAMES, _CLOSE.needs, strict=True))


@dataclass(frozen=True)
class Requirement:
    """One thing that closing needs; ``reason`` says what is missing, None when it is met."""

    key: str
    label: str
    reason: Message | None


def requirements(facts: AwardFacts, now: datetime) -> tuple[Requirement, ...]:
    """Everything that closing needs of the award at ``now`` (UTC), in order, whatever its stage."""
    return tuple(Requirement(key, label, need(facts, now)) for (key, label), need in _NEEDS)


def stage_blockers(facts: AwardFacts) -> tuple[Message, ...]:
    """Why the award cannot be closed from the stage that it is in; empty in the pilot."""
    if facts.stage in _CLOSE.from_:
        return ()
    sentence = N_("This is not possible in the stage the award is in: %(stage)s.")
    return (Message(sentence, {"stage": lifecycle.STAGE_NAMES[facts.stage]}),)
