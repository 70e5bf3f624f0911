"""Review item by item: comments, threads answered on both sides, versions compared, and the version that is frozen."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from bs4 import Tag
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from lab import models as m
from lab.services import workplan
from tests.conftest import counted
from tests.factories import PLAN, World
from tests.web.pages import PageClient, lint
from tests.web.test_workplan import counts, flat, main, path, submitted, words

Clients = Callable[..., PageClient]
ASKED = {
    "comment_activities-a1": "Whom do you interview?",
    "comment_milestones-m1": "What counts as known?",
    "comment_budget-staff": "Split the staff line.",
}


@pytest.fixture
def world(world_at: Callable[..., World], now: datetime) -> World:
    world = world_at()
    submitted(world, now)
    return world


def ask(world: World, client_for: Clients, **more: str) -> None:
    answer = client_for(world.officer).submit(
        path(world, "/review"), {"version": "1", "do": "changes", **ASKED, **more}
    )
    assert answer.status_code == 303


def second() -> dict[str, Any]:
    """The plan after the changes: an activity and a line are new, the milestone is another."""
    plan = copy.deepcopy(PLAN)
    plan["activities"][0]["title"] = "Interview forty firms"
    plan["milestones"] = [dict(PLAN["milestones"][0], id="m9", title="Forty firms heard")]
    plan["activities"][0]["milestone"] = "m9"
    plan["budget"][0] |= {"quantity": "2"}
    plan["budget"].append(dict(PLAN["budget"][0], id="b9", description="Designers", quantity="2"))
    return plan


def threads(session: Session) -> dict[str, int]:
    session.rollback()
    return {thread.section: thread.id for thread in session.scalars(select(m.Thread))}


def thread_on(page: Tag, thread_id: int) -> str:
    return words(page.find(id=f"thread-{thread_id}"))  # type: ignore[arg-type]


# Asking ----------------------------------------------------------------------------------------------------------------


def test_changes_are_asked_for_on_three_items_at_once(session: Session, world: World, client_for: Clients) -> None:
    page = client_for(world.officer).page(path(world, "/review"))
    boxes = [box.find_parent("details") for box in page.select("main textarea[name^=comment_]")]
    assert len(boxes) == 9 and not any(box is None or box.has_attr("open") for box in boxes), (
        "calm until somebody writes"
    )
    ask(world, client_for)
    found = threads(session)
    assert set(found) == {"activities:a1", "milestones:m1", "budget:staff"}
    for who in (world.lead, world.member, world.mentor, world.officer):
        page = client_for(who).page(path(world))
        text = thread_on(page, found["activities:a1"])
        assert "Activity: Interview firms · version 1" in text and "To be answered" in text
        assert "Whom do you interview?" in text
        below = page.find(id="item-activities-a1").find_parent("tr").find_next_sibling("tr")  # type: ignore[union-attr]
        assert below.find(id=f"thread-{found['activities:a1']}"), "it stands at its item"


def test_a_refused_review_keeps_every_comment_in_an_open_box(
    session: Session, world: World, client_for: Clients
) -> None:
    before = counts(session)
    long = {"version": "1", "do": "changes", **ASKED, "comment_whole": "x" * 4001}
    for form in (long, {"version": "1", "do": "approve", **ASKED}, {"version": "7", "do": "changes", **ASKED}):
        answer = client_for(world.officer).submit(path(world, "/review"), form)
        assert answer.status_code == 422
        page = main(answer.text)
        for name, text in ASKED.items():
            box = page.find("textarea", {"name": name})
            assert isinstance(box, Tag) and text in box.text
            assert box.find_parent("details").has_attr("open")  # type: ignore[union-attr]
    assert counts(session) == before


def test_a_comment_typed_while_a_newer_version_came_in_is_not_lost(
    session: Session, world: World, client_for: Clients, now: datetime
) -> None:
    workplan.request_changes(world.actor(world.officer), now, world.code, 1, {"summary": "x"})
    submitted(world, now, second())
    answer = client_for(world.officer).submit(path(world, "/review"), {"version": "1", "do": "changes", **ASKED})
    assert answer.status_code == 422
    page = main(answer.text)
    assert "A newer version came in" in words(page)
    gone = page.find(id="gone").parent  # type: ignore[union-attr]
    assert isinstance(gone, Tag) and gone.find("textarea", {"name": "comment_milestones-m1"})
    assert ASKED["comment_milestones-m1"] in words(gone)


# Answering -------------------------------------------------------------------------------------------------------------


def test_the_team_answers_on_the_plans_page_and_the_officer_settles_or_asks_again(
    session: Session, world: World, client_for: Clients
) -> None:
    ask(world, client_for)
    on = threads(session)["budget:staff"]
    member, officer = client_for(world.member), client_for(world.officer)
    url = path(world, f"/threads/{on}/answers")
    for text in ("", "x" * 4001):
        answer = member.submit(url, {"body": text})
        assert answer.status_code == 422
        box = main(answer.text).find(id=f"answer-{on}")
        assert isinstance(box, Tag) and text in box.text and box.find_parent("details").has_attr("open")  # type: ignore[union-attr]
    answer = member.submit(url, {"body": "It is split in two now."})
    assert answer.location.endswith(f"#thread-{on}")
    assert "Answered" in thread_on(officer.page(path(world)), on)
    assert officer.submit(path(world, f"/threads/{on}/settle"), {}).status_code == 303
    page = member.page(path(world))
    assert "Settled comment on version 1" in thread_on(page, on) and not page.find(id=f"answer-{on}")
    refused = member.submit(url, {"body": "One thing more."})
    assert refused.status_code == 422 and "settled this comment" in words(main(refused.text))
    assert "One thing more." in words(main(refused.text)), "what was typed is still there"
    assert officer.submit(url, {"body": "In which two?"}).status_code == 303
    assert "To be answered" in thread_on(member.page(path(world)), on)


def test_who_may_answer_and_settle(session: Session, world: World, client_for: Clients) -> None:
    ask(world, client_for)
    on = threads(session)["budget:staff"]
    for who in (world.mentor, world.finance, world.committee):
        assert client_for(who).submit(path(world, f"/threads/{on}/answers"), {"body": "x"}).status_code == 403
    assert client_for(world.lead).submit(path(world, f"/threads/{on}/settle"), {}).status_code == 403
    assert not client_for(world.mentor).page(path(world)).find(id=f"answer-{on}")
    assert client_for(world.officer).submit(path(world, "/threads/999/answers"), {"body": "x"}).status_code == 404
    other = f"/awards/{world.other_award.code}/workplan/threads/{on}/answers"
    assert client_for(world.other_lead).submit(other, {"body": "x"}).status_code == 404


def test_the_team_answers_in_the_editor_and_keeps_what_it_writes(
    session: Session, world: World, client_for: Clients
) -> None:
    ask(world, client_for)
    on, more = (threads(session)[place] for place in ("activities:a1", "budget:staff"))
    client, plan = client_for(world.member), second()
    page = client.page(path(world, "/edit"))
    assert page.find(id="row-activities-0").find(id=f"thread-{on}"), "it stands at its row"  # type: ignore[union-attr]
    typed = {f"answer-{on}": "Forty firms.", f"answer-{more}": "Half a thought"}
    answer = client.submit(path(world, "/edit"), flat(plan, 1, do=f"answer:{on}", **typed))
    assert answer.status_code == 422, "the other answer is not sent: it is shown again"
    page = main(answer.text)
    assert "Half a thought" in words(page.find(id=f"answer-{more}")) and "Forty firms." in thread_on(page, on)  # type: ignore[arg-type]
    assert page.find("input", {"value": "Interview forty firms"}), "the draft is saved with it"
    for do in ("save", "submit"):
        answer = client.submit(path(world, "/edit"), flat(plan, 2, do=do, **{f"answer-{more}": "Half a thought"}))
        assert answer.status_code == 422 and "An answer is not sent yet" in words(main(answer.text))
    answer = client.submit(path(world, "/edit"), flat(plan, 2, do=f"answer:{more}", **{f"answer-{more}": "Split."}))
    assert answer.status_code == 303 and answer.location.endswith(f"#thread-{more}")
    answer = client.submit(path(world, "/edit"), flat(plan, 2, do=f"answer:{more}"))
    assert answer.status_code == 422 and "Write the answer before you send it." in words(main(answer.text))
    assert client.submit(path(world, "/edit"), flat(plan, 2, do="answer:²")).status_code in (303, 422)


# Comparing -------------------------------------------------------------------------------------------------------------


def test_the_next_version_shows_what_changed_to_both_sides(
    session: Session, world: World, client_for: Clients, now: datetime
) -> None:
    ask(world, client_for)
    lead, officer = client_for(world.lead), client_for(world.officer)
    lead.submit(path(world, "/edit"), flat(second(), 1, do="save"))
    page = lead.page(path(world, "/check"))
    for text in ("Changed since version 1", "2 changed, 2 new, 1 removed", "Comments without an answer"):
        assert text in words(page)
    workplan.submit_plan(world.actor(world.lead), now, world.code, 2)
    page = officer.page(path(world, "/review"))
    assert "2 changed, 2 new, 1 removed" in words(page.find(id="changed").parent)  # type: ignore[union-attr]
    assert "Changed" in words(page.find(id="item-activities-a1")) and "New" in words(page.find(id="item-budget-b9"))  # type: ignore[arg-type]
    below = page.find(id="item-activities-a1").find_parent("tr").find_next_sibling("tr")  # type: ignore[union-attr]
    assert "Before: Interview firms" in words(below.find("del")) and "Now: Interview forty firms" in words(
        below.find("ins")
    )
    milestone = threads(session)["milestones:m1"]
    gone = page.find(id="gone").parent  # type: ignore[union-attr]
    assert isinstance(gone, Tag) and "Milestone: Needs known" in thread_on(gone, milestone), "not lost with its item"
    assert page.find(id="gone") and lead.page(path(world)).find(id="gone")
    for client in (lead, client_for(world.mentor)):
        page = client.page(path(world, "/versions/2/changes"))
        text = words(page)
        assert "Against version 1: 2 changed, 2 new, 1 removed." in text
        assert "Needs known Removed" in text and "Forty firms heard New" in text and "Designers New" in text
    assert "This is the first version" in words(lead.page(path(world, "/versions/1/changes")))
    assert lead.get(path(world, "/versions/2/changes?against=1")).status_code == 200
    for wrong in ("2", "3", "x", ""):
        assert lead.get(path(world, f"/versions/2/changes?against={wrong}")).status_code == 404


def test_the_officer_settles_and_asks_again_with_the_decision(
    session: Session, world: World, client_for: Clients, now: datetime
) -> None:
    ask(world, client_for)
    on = threads(session)
    submitted(world, now, PLAN)
    form = {
        "version": "2", "do": "changes", f"answer_{on['budget:staff']}": "Still one line.", f"settled_{on['activities:a1']}": "y"
    }  # fmt: skip
    officer = client_for(world.officer)
    refused = officer.submit(path(world, "/review"), form | {"do": "approve"})
    assert refused.status_code == 422 and "Still one line." in words(main(refused.text))
    box = main(refused.text).find("input", {"name": f"settled_{on['activities:a1']}"})
    assert isinstance(box, Tag) and box.has_attr("checked")
    assert officer.submit(path(world, "/review"), form).status_code == 303
    page = client_for(world.lead).page(path(world))
    assert "Still one line." in thread_on(page, on["budget:staff"]) and "To be answered" in thread_on(
        page, on["budget:staff"]
    )
    assert "Settled comment" in thread_on(page, on["activities:a1"])


# Freezing --------------------------------------------------------------------------------------------------------------


def test_the_page_says_which_version_is_frozen_by_whom_and_nothing_of_it_moves(
    session: Session, world: World, client_for: Clients
) -> None:
    ask_form = {"version": "1", "do": "approve"}
    assert "frozen" not in words(client_for(world.lead).page(path(world)))
    assert client_for(world.officer).submit(path(world, "/review"), ask_form).status_code == 303
    for who in (world.lead, world.officer, world.mentor):
        text = words(client_for(who).page(path(world)).find(id="frozen").parent)  # type: ignore[union-attr]
        assert "Version 1 is approved and frozen" in text and "by Olivia Officer" in text
        assert "1 milestone · 3 budget lines" in text
    lead = client_for(world.lead)
    assert lead.get(path(world, "/edit")).status_code == 303
    before = counts(session)
    assert lead.submit(path(world, "/edit"), flat(second(), 1, do="save")).status_code == 422
    assert counts(session) == before


def test_pages_of_the_review_are_sound_and_cost_the_same_for_more_threads_and_rows(
    app: Flask, session: Session, world: World, client_for: Clients, now: datetime
) -> None:
    ask(world, client_for)
    submitted(world, now, second())
    pages = (
        (client_for(world.officer), "/review"), (client_for(world.lead), ""), (client_for(world.lead), "/versions/2/changes"),
    )  # fmt: skip

    def cost() -> list[int]:
        found = []
        for client, tail in pages:
            with counted(app) as seen:
                lint(str(client.page(path(world, tail))), tail)
            found.append(len(seen))
        return found

    few = cost()
    assert max(few) <= 12
    for number in range(2, 5):
        places = {"activities:a1": "x", "milestones:m9": "y", "budget:staff": "z", "whole": "w", "summary": "v"}
        workplan.request_changes(world.actor(world.officer), now, world.code, number, places)
        submitted(world, now, second() | {"summary": f"Version {number}"})
    assert cost() == few
