"""What closing needs: the page's list and the transition's needs are the same."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from lab.rules import lifecycle
from lab.rules.closing import requirements, stage_blockers
from lab.rules.facts import AwardFacts, Stage

NOW = datetime(2027, 1, 5, tzinfo=UTC)
READY = AwardFacts(
    stage=Stage.PILOT,
    final_report_accepted=True,
    closing_checked=frozenset({"presentation", "network"}),
    closing_required=frozenset({"presentation", "network"}),
    lessons=1,
)


def lacking(**changed: object) -> AwardFacts:
    return AwardFacts(**{**READY.__dict__, **changed})


def test_an_award_with_everything_lacks_nothing() -> None:
    found = requirements(READY, NOW)
    assert [item.key for item in found] == ["final_report", "unspent", "checklist", "lessons"]
    assert [item.reason for item in found] == [None] * 4
    assert stage_blockers(READY) == ()


@pytest.mark.parametrize(
    ("key", "changed"),
    [
        ("final_report", {"final_report_accepted": False}),
        ("unspent", {"unspent": Decimal("0.01")}),
        ("checklist", {"closing_checked": frozenset({"presentation"})}),
        ("lessons", {"lessons": 0}),
    ],
)
def test_what_is_missing_has_its_reason_and_the_service_refuses_with_the_same(
    key: str, changed: dict[str, object]
) -> None:
    facts = lacking(**changed)
    missing = {item.key: item.reason for item in requirements(facts, NOW) if item.reason}
    assert set(missing) == {key}
    assert tuple(missing.values()) == lifecycle.blockers("close", facts, NOW)


def test_more_returned_than_was_unspent_is_no_reason() -> None:
    assert all(item.reason is None for item in requirements(lacking(unspent=Decimal("-1")), NOW))


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage is not Stage.PILOT])
def test_only_a_pilot_closes_and_the_stage_is_said(stage: Stage) -> None:
    (reason,) = stage_blockers(lacking(stage=stage))
    assert lifecycle.STAGE_NAMES[stage] in str(reason)
    assert lifecycle.blockers("close", lacking(stage=stage), NOW) == (reason,)
