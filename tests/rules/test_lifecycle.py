"""Every stage × transition × role, against a table written from the domain's drawing and not from the code."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product

import pytest

from lab.rules.errors import NotAllowed, Refused
from lab.rules.facts import AwardFacts, Role, Stage
from lab.rules.lifecycle import BY_NAME, STAGE_NAMES, blockers, next_stage

NOW = datetime(2026, 3, 20, tzinfo=UTC)
LIVE = ("workplan", "agreement", "prototyping", "pilot")

# transition: (who may, {from: to}), by hand.
EXPECTED: dict[str, tuple[set[str], dict[str, str]]] = {
    "approve_workplan": ({"officer"}, {"workplan": "agreement"}),
    "reject_workplan": ({"officer"}, {"workplan": "lapsed"}),
    "let_lapse": ({"officer"}, {"workplan": "lapsed"}),
    "bring_into_force": ({"lead", "member", "officer"}, {"agreement": "prototyping"}),
    "start_pilot": ({"officer"}, {"prototyping": "pilot"}),
    "close": ({"officer"}, {"pilot": "closed"}),
    "suspend": ({"officer"}, dict.fromkeys(LIVE, "suspended")),
    "resume": ({"officer"}, {"suspended": "prototyping"}),
    "terminate": ({"officer"}, dict.fromkeys((*LIVE, "suspended"), "terminated")),
    "withdraw": ({"lead"}, dict.fromkeys((*LIVE, "suspended"), "withdrawn")),
}
WITH_REASON = {"reject_workplan", "let_lapse", "suspend", "resume", "terminate", "withdraw"}


def ready(stage: Stage, transition: str) -> AwardFacts:
    """An award of which nothing is missing for ``transition``."""
    return AwardFacts(
        stage=stage,
        suspended_from=Stage.PROTOTYPING if stage is Stage.SUSPENDED else None,
        workplan_deadline=NOW - timedelta(seconds=1),
        workplan_submitted=transition in ("approve_workplan", "reject_workplan"),
        workplan_accepted=True,
        due_diligence_clear=True,
        signed_by=frozenset({"organisation", "ilo"}),
        prototype_report_accepted=True,
        final_report_accepted=True,
        lessons=1,
    )


def test_the_table_knows_every_transition_and_stage() -> None:
    assert set(EXPECTED) == set(BY_NAME)
    assert set(STAGE_NAMES) == set(Stage)


@pytest.mark.parametrize(("stage", "transition", "role"), list(product(Stage, EXPECTED, Role)))
def test_every_stage_transition_and_role(stage: Stage, transition: str, role: Role) -> None:
    who, moves = EXPECTED[transition]
    facts = ready(stage, transition)
    if role not in who:
        with pytest.raises(NotAllowed):
            next_stage(transition, facts, frozenset({role}), "because", NOW)
    elif stage not in moves:
        with pytest.raises(Refused):
            next_stage(transition, facts, frozenset({role}), "because", NOW)
    else:
        assert next_stage(transition, facts, frozenset({role}), "because", NOW) == moves[stage]


@pytest.mark.parametrize("transition", EXPECTED)
def test_what_changes_an_award_s_course_needs_a_reason(transition: str) -> None:
    who, moves = EXPECTED[transition]
    facts = ready(Stage(next(iter(moves))), transition)
    roles = frozenset({Role(next(iter(who)))})
    if transition in WITH_REASON:
        with pytest.raises(Refused, match="reason"):
            next_stage(transition, facts, roles, " \n", NOW)
    else:
        next_stage(transition, facts, roles, "", NOW)


@pytest.mark.parametrize("back", [Stage(name) for name in LIVE])
def test_a_suspended_award_goes_back_to_where_it_was(back: Stage) -> None:
    facts = AwardFacts(stage=Stage.SUSPENDED, suspended_from=back)
    assert next_stage("resume", facts, frozenset({Role.OFFICER}), "cleared up", NOW) is back


@pytest.mark.parametrize(
    ("transition", "stage", "lacking", "words"),
    [
        ("approve_workplan", "workplan", {"workplan_submitted": False}, "not submitted"),
        ("reject_workplan", "workplan", {"workplan_submitted": False}, "not submitted"),
        ("let_lapse", "workplan", {"workplan_submitted": True}, "in review"),
        ("let_lapse", "workplan", {"workplan_deadline": NOW + timedelta(seconds=1)}, "still has time"),
        ("let_lapse", "workplan", {"workplan_deadline": None}, "still has time"),
        ("bring_into_force", "agreement", {"workplan_accepted": False}, "not approved"),
        ("bring_into_force", "agreement", {"due_diligence_clear": False}, "Due diligence"),
        ("bring_into_force", "agreement", {"signed_by": frozenset({"ilo"})}, "team lead"),
        ("bring_into_force", "agreement", {"signed_by": frozenset({"organisation"})}, "officer"),
        ("start_pilot", "prototyping", {"prototype_report_accepted": False}, "prototype"),
        ("close", "pilot", {"final_report_accepted": False}, "final narrative"),
        ("close", "pilot", {"unspent": Decimal("0.01")}, "Unspent"),
        ("close", "pilot", {"closing_required": frozenset({"presentation"})}, "checklist"),
        ("close", "pilot", {"lessons": 0}, "lesson"),
    ],
)
def test_one_thing_missing_is_named(transition: str, stage: str, lacking: dict[str, object], words: str) -> None:
    facts = ready(Stage(stage), transition)
    assert blockers(transition, facts, NOW) == ()
    changed = AwardFacts(**{**facts.__dict__, **lacking})
    found = blockers(transition, changed, NOW)
    assert len(found) == 1
    assert words in str(found[0])


def test_at_the_very_deadline_an_award_can_lapse() -> None:
    facts = AwardFacts(stage=Stage.WORKPLAN, workplan_deadline=NOW)
    assert blockers("let_lapse", facts, NOW) == ()
    assert blockers("let_lapse", facts, NOW - timedelta(microseconds=1))
