"""An award in force as terms, to be amended."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal as D
from typing import Any

from lab.rules.amendment import Ground, Line, Payment, Step, Terms
from lab.rules.amendment_effect import with_owed
from lab.rules.calls import CallDefinition
from lab.rules.disbursement import TrancheState
from lab.rules.facts import Stage
from lab.rules.schedule import Course
from lab.rules.workplan_content import clean_content
from tests.factories import definition

PLANNED, RECEIVED = TrancheState.PLANNED, TrancheState.RECEIVED
CALL: CallDefinition = definition()
CATEGORIES = tuple(item.key for item in CALL.budget_categories)
PLAN: dict[str, Any] = clean_content(
    {
        "summary": "A platform that small firms use.",
        "activities": [
            {
                "id": "a1", "title": "Interviews", "owner": "Ana", "starts_on": "2022-01-10", "ends_on": "2022-03-31",
                "deliverable": "Notes", "milestone": "m1",
            },
            {
                "id": "a2", "title": "Build", "owner": "Luis", "starts_on": "2022-02-10", "ends_on": "2022-06-15",
                "deliverable": "Test version", "milestone": "m2",
            },
            {
                "id": "a3", "title": "Try out", "owner": "Luis", "starts_on": "2022-07-10", "ends_on": "2022-12-15",
                "deliverable": "Figures", "milestone": "m3",
            },
        ],
        "milestones": [
            {"id": "m1", "stage": "prototyping", "title": "Needs known", "proof": "Report", "due_on": "2022-03-31"},
            {"id": "m2", "stage": "prototyping", "title": "Version tested", "proof": "Test", "due_on": "2022-06-15"},
            {"id": "m3", "stage": "pilot", "title": "Fifty firms", "proof": "List", "due_on": "2022-12-15"},
        ],
        "budget": [
            {"id": "b1", "category": CATEGORIES[0], "description": "Developers", "quantity": "10", "unit_cost": "1800", "activity": "a2"},
            {"id": "b2", "category": CATEGORIES[1], "description": "Travel", "quantity": "1", "unit_cost": "8000", "activity": "a1"},
            {"id": "b3", "category": CATEGORIES[0], "description": "Phones", "quantity": "20", "unit_cost": "200", "activity": "a3"},
            {"id": "b4", "category": CATEGORIES[0], "description": "Rooms", "quantity": "1", "unit_cost": "900", "own": "1"},
        ],
    }
)  # fmt: skip
LINES = (
    Line("b1", 1, CATEGORIES[0], "Developers", D("18000.00"), False, D("6000.00")),
    Line("b2", 2, CATEGORIES[1], "Travel", D("8000.00"), False),
    Line("b3", 3, CATEGORIES[0], "Phones", D("4000.00"), False, drafted=True),
    Line("b4", 4, CATEGORIES[0], "Rooms", D("900.00"), True),
)
STEPS = (
    Step("m1", 1, "prototyping", "Needs known", date(2022, 3, 31), True),
    Step("m2", 2, "prototyping", "Version tested", date(2022, 6, 15)),
    Step("m3", 3, "pilot", "Fifty firms", date(2022, 12, 15)),
)
PAYMENTS = (
    Payment(1, D("15000.00"), RECEIVED, (("agreement_in_force", ""),)),
    Payment(2, D("9000.00"), PLANNED, (("not_suspended", ""), ("milestone_accepted", "2"))),
    Payment(3, D("6000.00"), PLANNED, (("not_suspended", ""),)),
)
GROUND = Ground(
    definition=CALL,
    today=date(2022, 4, 20),
    notice_on=date(2021, 12, 1),
    legal_name="Cámara de Industrias",
    people={7: "Eva"},
    done=frozenset({"report:progress_report:1"}),
    reported=frozenset({"report:progress_report:1"}),
)


def terms(stage: Stage = Stage.PROTOTYPING, **changes: Any) -> Terms:
    """An award of USD 30,000 since 3 January 2022 in the lab; in the pilot since 4 July."""
    course = Course(date(2022, 1, 3), date(2022, 7, 4) if stage is Stage.PILOT else None)
    made = Terms(
        stage=stage,
        amount=D("30000.00"),
        currency="USD",
        course=course,
        prototyping_ends=course.prototyping_ends(CALL),
        pilot_ends=course.pilot_ends(CALL),
        plan=PLAN,
        lines=LINES,
        milestones=STEPS if stage is Stage.PROTOTYPING else (STEPS[0], replace(STEPS[1], accepted=True), STEPS[2]),
        payments=PAYMENTS,
        account={"holder": "Cámara de Industrias", "bank": "Banco", "number": "12345678", "swift": ""},
        lead=(5, "Ana"),
    )
    return with_owed(replace(made, **changes), GROUND)


def ground(**changes: Any) -> Ground:
    return replace(GROUND, **changes)


def rows(section: str, **by_id: dict[str, str] | None) -> list[dict[str, str]]:
    """The plan's rows of a section with changes by id; None takes a row out, an unknown id adds one."""
    kept = {row["id"]: dict(row) for row in PLAN[section]}
    for item, change in by_id.items():
        if change is None:
            kept.pop(item)
        else:
            kept[item] = kept.get(item, {"id": item}) | change
    return list(kept.values())
