"""The pilot's pages: what each person sees and sends, and what comes back when it is wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lab.models import Decision, Indicator, IndicatorValue
from lab.rules.facts import Stage
from tests.conftest import counted
from tests.factories import START, World

INDICATOR = {"name": "Firms on the platform", "unit": "firms", "baseline": "0", "target": "200"}


def add_indicators(session: Session, world: World, number: int = 1, values: int = 2) -> list[int]:
    """Indicators of the world's award, each with values on consecutive days."""
    made = []
    for n in range(number):
        indicator = Indicator(
            award_id=world.award.id, name=f"Indicator {n}", unit="firms", baseline=Decimal(0), target=Decimal(200),
            created_by=world.lead.id, created_at=START,
        )  # fmt: skip
        session.add(indicator)
        session.flush()
        for day in range(values):
            session.add(
                IndicatorValue(
                    indicator_id=indicator.id,
                    measured_on=date(2026, 3, 2 + day),
                    total=Decimal(50 + day),
                    split={},
                    note="",
                    entered_by=world.lead.id,
                    entered_at=START,
                )  # fmt: skip
            )
        made.append(indicator.id)
    session.commit()
    return made


def _pilot(world: World) -> str:
    return f"/awards/{world.code}/pilot"


def test_the_page_before_the_lab(world_at: Callable[..., World], client_for: Callable) -> None:
    world = world_at(Stage.WORKPLAN)
    page = client_for(world.lead).page(_pilot(world))
    assert "during prototyping and the pilot only" in page.text
    assert not page.find("form", {"action": f"{_pilot(world)}/indicators"})


def test_everybody_sees_and_only_some_write(
    session: Session, world_at: Callable[..., World], client_for: Callable
) -> None:
    world = world_at(Stage.PILOT)
    add_indicators(session, world)
    writers = {world.lead, world.member, world.officer}
    for person in (world.lead, world.member, world.mentor, world.officer, world.finance, world.committee):
        page = client_for(person).page(_pilot(world))
        assert "Indicator 0" in page.text
        assert bool(page.find("form", {"action": f"{_pilot(world)}/indicators"})) is (person in writers)
        assert bool(page.find("form", {"action": f"{_pilot(world)}/decisions"})) is (person is world.committee)
    client_for(world.other_lead).page(_pilot(world), 404)


def test_defining_an_indicator(session: Session, world_at: Callable[..., World], client_for: Callable) -> None:
    world = world_at(Stage.PILOT)
    client = client_for(world.member)
    answer = client.submit(f"{_pilot(world)}/indicators", INDICATOR)
    assert (answer.status_code, answer.location) == (303, _pilot(world))
    assert "Firms on the platform" in client.page(_pilot(world)).text


def test_a_wrong_indicator_keeps_what_was_typed(
    session: Session, world_at: Callable[..., World], client_for: Callable
) -> None:
    world = world_at(Stage.PILOT)
    answer = client_for(world.member).submit(f"{_pilot(world)}/indicators", INDICATOR | {"target": "many <b>"})
    assert answer.status_code == 422
    assert "is not a number" in answer.text and 'value="many &lt;b&gt;"' in answer.text
    assert 'value="Firms on the platform"' in answer.text
    assert session.scalar(select(func.count()).select_from(Indicator)) == 0


def test_entering_a_value_with_its_split(
    session: Session, world_at: Callable[..., World], client_for: Callable
) -> None:
    world = world_at(Stage.PILOT)
    (indicator,) = add_indicators(session, world, values=0)
    client = client_for(world.member)
    path = f"{_pilot(world)}/indicators/{indicator}"
    fields = [
        str(tag["name"]) for tag in client.page(path).find_all("input") if str(tag.get("name")).startswith("sex-")
    ]
    assert len(fields) >= 2
    sent = {"on": "2026-03-02", "total": "12", "note": "Counted", fields[0]: "7", fields[1]: "5"}
    assert client.submit(f"{path}/values", sent).status_code == 303
    page = client.page(path)
    assert "Counted" in page.text
    value = session.scalars(select(IndicatorValue)).one()
    assert value.split == {"sex": {fields[0][4:]: "7", fields[1][4:]: "5"}}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"on": ""}, "Give the day on which it was measured"),
        ({"on": "31/31/2026"}, "2026"),
        ({"on": "2027-01-01"}, "The date is in the future"),
        ({"on": "2020-01-01"}, "before the lab began"),
        ({"total": ""}, "Type a number"),
        ({"total": "3"}, "more than the total"),
        ({"note": "n" * 5001}, "5000"),
    ],
)
def test_a_wrong_value_is_refused_with_a_sentence(
    session: Session, world_at: Callable[..., World], client_for: Callable, wrong: dict[str, str], says: str
) -> None:
    world = world_at(Stage.PILOT)
    (indicator,) = add_indicators(session, world, values=0)
    client = client_for(world.lead)
    path = f"{_pilot(world)}/indicators/{indicator}"
    first = next(
        str(tag["name"]) for tag in client.page(path).find_all("input") if str(tag.get("name")).startswith("sex-")
    )
    sent = {"on": "2026-03-02", "total": "12", "note": "My note", first: "7"}
    answer = client.submit(f"{path}/values", sent | wrong)
    assert answer.status_code == 422
    assert says in answer.text
    assert f'name="{first}"' in answer.text and 'value="7"' in answer.text
    assert session.scalar(select(func.count()).select_from(IndicatorValue)) == 0


def test_a_corrected_value_is_shown_as_such(
    world_at: Callable[..., World], session: Session, client_for: Callable
) -> None:
    world = world_at(Stage.PILOT)
    (indicator,) = add_indicators(session, world, values=1)
    client = client_for(world.lead)
    path = f"{_pilot(world)}/indicators/{indicator}"
    client.submit(f"{path}/values", {"on": "2026-03-02", "total": "12"})
    page = client.page(path)
    assert [tag.text for tag in page.find_all("del")] == ["50"]


def test_an_indicator_of_another_award_is_not_found(
    session: Session, world_at: Callable[..., World], client_for: Callable
) -> None:
    world = world_at(Stage.PILOT)
    (indicator,) = add_indicators(session, world)
    client_for(world.other_lead).page(f"/awards/{world.other_award.code}/pilot/indicators/{indicator}", 404)


def test_the_committee_records_a_decision(
    session: Session, world_at: Callable[..., World], client_for: Callable
) -> None:
    world = world_at(Stage.PILOT)
    client = client_for(world.committee)
    assert client.submit(f"{_pilot(world)}/decisions", {"title": "Go on", "body": ""}).status_code == 422
    assert client.submit(f"{_pilot(world)}/decisions", {"title": "Go on", "body": "All is well."}).status_code == 303
    assert "All is well." in client_for(world.lead).page(_pilot(world)).text
    assert session.scalar(select(func.count()).select_from(Decision)) == 1
    assert (
        client_for(world.officer).submit(f"{_pilot(world)}/decisions", {"title": "a", "body": "b"}).status_code == 403
    )


def test_statements_stay_the_same_with_more_indicators(
    app: Flask, session: Session, world_at: Callable[..., World], client_for: Callable
) -> None:
    world = world_at(Stage.PILOT)
    client = client_for(world.lead)
    (indicator,) = add_indicators(session, world, values=2)
    pages = (_pilot(world), f"{_pilot(world)}/indicators/{indicator}")
    before = [_statements(app, client, page) for page in pages]
    add_indicators(session, world, number=10, values=20)
    assert [_statements(app, client, page) for page in pages] == before
    assert max(before) <= 12


def _statements(app: Flask, client: object, path: str) -> int:
    with counted(app) as seen:
        client.page(path)  # type: ignore[attr-defined]
    return len(seen)
