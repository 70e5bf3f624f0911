"""What stands around every page: the way to other pages, the stage on its path, and the gate's clock."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from lab.rules.facts import PATH, Stage
from lab.services import stages, workplan
from tests.conftest import counted
from tests.factories import PLAN, World
from tests.web.pages import PageClient

Clients = Callable[..., PageClient]
Worlds = Callable[..., World]


def path_of(client: PageClient, world: World) -> list[tuple[str, str]]:
    """(class, text) of each stage on the award's path; on the timeline, which has nothing of its own but text."""
    page = client.page(f"/awards/{world.code}/timeline")
    return [(li["class"][0], " ".join(li.get_text(" ").split())) for li in page.select("ol.path > li")]


@pytest.mark.parametrize("stage", PATH[:-1])
def test_where_an_award_is(world_at: Worlds, client_for: Clients, stage: Stage) -> None:
    world = world_at(stage)
    at = PATH.index(stage)
    states = [state for state, _text in path_of(client_for(world.lead), world)]
    assert states == ["is-done"] * at + ["is-current"] + ["is-todo"] * (len(PATH) - at - 1)


@pytest.mark.parametrize("stage", PATH[:-1])
@pytest.mark.parametrize("turn", ["suspend", "terminate", "withdraw"])
def test_where_an_award_has_stopped(
    session: Session, world_at: Worlds, client_for: Clients, stage: Stage, turn: str, now: object
) -> None:
    world = world_at(stage)
    who = world.lead if turn == "withdraw" else world.officer
    stages.move(world.award, turn, world.actor(who), "A reason", now)  # type: ignore[arg-type]
    session.commit()
    at = PATH.index(stage)
    found = path_of(client_for(world.lead), world)
    assert [state for state, _text in found] == ["is-done"] * at + ["is-stopped"] + ["is-todo"] * (len(PATH) - at - 1)
    assert {"suspend": "Suspended", "terminate": "Terminated", "withdraw": "Withdrawn"}[turn] in found[at][1]


def test_the_clock_of_the_gate_on_every_page(
    session: Session, world_at: Worlds, client_for: Clients, now: object
) -> None:
    world = world_at()
    client = client_for(world.lead)
    for page in ("", "/timeline", "/workplan", "/workplan/edit"):
        clock = client.page(f"/awards/{world.code}{page}").select_one("p.clock")
        assert clock is not None, page
        text = " ".join(clock.get_text(" ").split())
        assert re.fullmatch(
            r"14 days 1[01] hours left 16 Mar 2026, 17:59 in Guayaquil \(16 Mar 2026, 23:59 in Geneva\)", text
        )
    revision = workplan.save_draft(world.actor(world.lead), now, world.code, PLAN, 0)  # type: ignore[arg-type]
    workplan.submit_plan(world.actor(world.lead), now, world.code, revision)  # type: ignore[arg-type]
    clock = client.page(f"/awards/{world.code}").select_one("p.clock")
    assert clock is not None and "Clock stopped: the ILO is reviewing" in clock.text
    assert "tone-paused" in clock["class"]
    text = " ".join(clock.get_text(" ").split())
    assert "It stands still since 2 Mar 2026, 07:0" in text
    assert "while the ILO reviews; 14 days 1" in text


def test_after_the_gate_there_is_no_clock(world_at: Worlds, client_for: Clients) -> None:
    world = world_at(Stage.AGREEMENT)
    assert client_for(world.lead).page(f"/awards/{world.code}/timeline").select_one("p.clock") is None


def test_tabs_are_what_the_reader_may_see(app: Flask, world_at: Worlds, client_for: Clients) -> None:
    world = world_at()
    every = {"Overview", "Workplan", "Agreement", "Payments", "Lab", "Reports", "Pilot", "Closing", "Timeline"}
    for who, hidden in {
        "lead": set(),
        "member": set(),
        "officer": set(),
        "finance": set(),
        "mentor": {"Agreement", "Payments", "Closing"},
        "committee": {"Agreement"},
    }.items():
        page = client_for(getattr(world, who)).page(f"/awards/{world.code}/timeline")
        tabs = {a.text.strip(): a for a in page.select("nav.subnav a")}
        assert set(tabs) == every - hidden, who
        assert [name for name, a in tabs.items() if a.get("aria-current")] == ["Timeline"]


def test_the_navigation_is_the_reader_s(world_at: Worlds, client_for: Clients) -> None:
    world = world_at()
    for who, places in {
        "lead": ["Home"],
        "mentor": ["Home"],
        "committee": ["Home", "Calls"],
        "finance": ["Home", "Awards", "Payments", "Calls"],
        "officer": ["Home", "Awards", "Payments", "Calls"],
        "admin": ["Home", "People", "Outbox", "Security"],
    }.items():
        page = client_for(getattr(world, who)).page("/")
        assert [a.text.strip() for a in page.select("nav.site-nav a")] == places, who
    assert client_for(None).page("/login").select("nav.site-nav a") == []


def test_the_frame_costs_the_same_for_ten_times_the_events(
    app: Flask, session: Session, world_at: Worlds, client_for: Clients, now: object
) -> None:
    from lab.services import steps

    world = world_at()
    client = client_for(world.lead)

    def more(count: int) -> None:
        for n in range(count):
            steps.record(world.award, "lesson_written", world.actor(world.lead), now, title=f"{n}")  # type: ignore[arg-type]
        session.commit()

    def statements() -> int:
        with counted(app) as seen:
            client.page(f"/awards/{world.code}/timeline")
        return len(seen)

    more(4)
    before = statements()
    more(40)
    # One more at the gate than elsewhere, for its clock.
    assert statements() == before <= 9
