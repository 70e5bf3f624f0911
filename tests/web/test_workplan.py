"""The gate in the browser: writing without losing a word, submitting in time, judging, and what each role sees of it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from bs4 import BeautifulSoup, Tag
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lab import models as m
from lab.rules.facts import Stage
from lab.services import stages, workplan, workplan_talks
from tests.conftest import counted
from tests.factories import PLAN, World
from tests.web.pages import PageClient, lint

Clients = Callable[..., PageClient]
At = Callable[[str], None]


@pytest.fixture
def world(world_at: Callable[..., World]) -> World:
    return world_at()


def path(world: World, tail: str = "") -> str:
    return f"/awards/{world.code}/workplan{tail}"


def flat(plan: dict[str, Any], revision: int | str = 0, **more: str) -> dict[str, str]:
    """A plan as its form sends it."""
    form = {"summary": plan["summary"], "revision": str(revision), **more}
    for section in ("activities", "milestones", "budget"):
        for n, row in enumerate(plan[section]):
            # An unticked box sends nothing.
            form |= {f"{section}-{n}-{name}": value for name, value in row.items() if name != "own" or value}
    return form


def main(text: str) -> Tag:
    found = BeautifulSoup(text, "html.parser").main
    assert found is not None
    return found


def words(page: Tag | None) -> str:
    assert page is not None
    return " ".join(page.get_text(" ").split())


def draft(session: Session, world: World) -> m.Document:
    session.rollback()
    session.expire_all()
    return session.scalars(select(m.Document).where(m.Document.award_id == world.award.id)).one()


def counts(session: Session) -> list[int]:
    session.rollback()
    tables = (m.Version, m.Event, m.Obligation, m.Mail, m.Thread, m.Extension, m.Milestone, m.BudgetLine)
    return [session.scalar(select(func.count()).select_from(table)) or 0 for table in tables]


def submitted(world: World, now: datetime, plan: dict[str, Any] = PLAN) -> None:
    lead = world.actor(world.lead)
    revision = world.session.scalars(
        select(m.Document.draft_revision).where(m.Document.award_id == world.award.id)
    ).one()
    revision = workplan.save_draft(lead, now, world.code, plan, revision)
    workplan.submit_plan(lead, now, world.code, revision)


# Writing ------------------------------------------------------------------------------------------------------------


def test_an_unfinished_draft_is_kept_with_every_word(session: Session, world: World, client_for: Clients) -> None:
    client = client_for(world.member)
    typed = {
        "revision": "0",
        "do": "save",
        "summary": " Half a sentence ",
        "activities-0-title": "Interviews",
        "activities-0-starts_on": "next week",
        "budget-0-unit_cost": "1.234",
        "budget-0-quantity": "two",
    }
    assert client.submit(path(world, "/edit"), typed).status_code == 303
    page = client.page(path(world, "/edit"))
    assert "Draft saved." in page.text
    for name, value in typed.items():
        control = page.main.find(attrs={"name": name})  # type: ignore[union-attr]
        if name not in ("revision", "do"):
            assert isinstance(control, Tag)
            assert (control.get("value") or control.text.strip("\n")) == value, name
    date_field = page.find(id="activities-0-starts_on")
    assert isinstance(date_field, Tag) and date_field["type"] == "text", "a date field would drop what is no date"
    assert not page.select(".field-error"), "nobody is scolded for a draft"
    revision = page.select_one("main input[name=revision]")
    assert revision is not None and revision["value"] == "1"
    checked = client.page(path(world, "/edit?check=1"))
    assert "“next week” is not a date" in words(checked.find(id="activities-0-starts_on-error"))
    assert "“1.234” has too many decimals" in words(checked.find(id="budget-0-unit_cost-error"))
    assert "“two” is not an amount" in words(checked.find(id="budget-0-quantity-error"))


@pytest.mark.parametrize(
    ("do", "section", "rows"),
    [("add_activity", "activities", 2), ("add_milestone", "milestones", 2), ("add_line", "budget", 4)],
)
def test_adding_and_removing_rows_without_a_script(
    session: Session, world: World, client_for: Clients, do: str, section: str, rows: int
) -> None:
    client = client_for(world.lead)
    answer = client.submit(path(world, "/edit"), flat(PLAN, do=do))
    assert answer.status_code == 303 and f"#row-{section}-{rows - 1}" in answer.location
    page = client.page(answer.location)
    assert len(page.select(f"main form fieldset[id^=row-{section}-]")) == rows
    assert page.find(id=f"row-{section}-{rows - 1}"), "the anchor leads to the new row"
    answer = client.submit(path(world, "/edit"), flat(PLAN, 1, do=f"remove:{section}:0"))
    assert answer.status_code == 303
    kept = draft(session, world).draft[section]
    assert kept == PLAN[section][1:]


@pytest.mark.parametrize(
    "do", ["", "nonsense", "remove:", "remove:budget", "remove:budget:99", "remove:moon:0", "remove:budget:x"]
)
def test_a_strange_button_keeps_the_draft(session: Session, world: World, client_for: Clients, do: str) -> None:
    answer = client_for(world.lead).submit(path(world, "/edit"), flat(PLAN, do=do))
    assert answer.status_code == 303
    assert draft(session, world).draft == PLAN


def test_two_people_at_once_both_keep_their_text(session: Session, world: World, client_for: Clients) -> None:
    lead, member = client_for(world.lead), client_for(world.member)
    assert member.submit(path(world, "/edit"), flat({**PLAN, "summary": "Hers"}, do="save")).status_code == 303
    mine = flat({**PLAN, "summary": "Mine, at length"}, do="save")
    answer = lead.submit(path(world, "/edit"), mine)
    assert answer.status_code == 409
    page = main(answer.text)
    assert "Somebody saved a newer text" in words(page) and "Hers" in words(page.select_one(".conflict"))
    assert "Mine, at length" in page.find("textarea", {"name": "summary"}).text  # type: ignore[union-attr]
    assert draft(session, world).draft["summary"] == "Hers"
    form = page.find("form", attrs={"data-total": True})
    assert isinstance(form, Tag) and not form.has_attr("data-autosave-url"), "it must not save itself over the other"
    revision = page.select_one("input[name=revision]")
    assert revision is not None and revision["value"] == "1"
    assert lead.submit(path(world, "/edit"), {**mine, "revision": "1"}).status_code == 303
    assert draft(session, world).draft["summary"] == "Mine, at length"


def started(client: PageClient, world: World) -> dict[str, str]:
    """What the editor's form carries along: where the writer began."""
    page = client.page(path(world, "/edit"))
    return {name: hidden(page, name) for name in ("revision", "base")}


def hidden(page: Tag, name: str) -> str:
    found = page.select_one(f"form[data-total] input[name={name}]")
    assert found is not None
    return str(found["value"])


def test_two_people_at_once_are_only_asked_about_what_both_changed(
    session: Session, world: World, client_for: Clients
) -> None:
    lead, member = client_for(world.lead), client_for(world.member)
    lead.submit(path(world, "/edit"), flat(PLAN, do="save"))
    mine, hers = started(lead, world), started(member, world)
    theirs = copy.deepcopy(PLAN)
    theirs["summary"] = "Hers, which the other never touched"
    theirs["budget"][0] |= {"quantity": "5", "description": "Two developers"}
    theirs["milestones"][0]["due_on"] = "2026-06-30"
    assert member.submit(path(world, "/edit"), flat(theirs, **hers, do="save")).status_code == 303

    typed = copy.deepcopy(PLAN)
    typed["activities"][0]["owner"] = "Luis"
    typed["budget"][0]["quantity"] = "6"
    typed["milestones"] = []
    answer = lead.submit(path(world, "/edit"), flat(typed, **mine, do="save"))
    assert answer.status_code == 409
    page = main(answer.text)
    told = [words(found) for found in page.select(".conflict")]
    assert len(told) == 2, told
    assert "Milestone 1, “Needs known”: what you typed The row is removed." in told[0] and "30 Jun 2026" in told[0]
    assert "Budget line 1, “Two developers”: Quantity: what you typed 6" in told[1]
    assert "what is stored now 5" in told[1]
    for link in page.select(".conflict a"):
        assert page.find(id=str(link["href"])[1:]), link
    fields = {"summary": theirs["summary"], "activities-0-owner": "Luis", "budget-0-quantity": "6",
              "budget-0-description": "Two developers", "milestones-0-due_on": "2026-06-30"}  # fmt: skip
    for name, value in fields.items():
        control = page.find(attrs={"name": name})
        assert isinstance(control, Tag) and (control.get("value") or control.text.strip("\n")) == value, name
    assert draft(session, world).draft == theirs

    chosen = copy.deepcopy(theirs)
    chosen["activities"][0]["owner"], chosen["milestones"] = "Luis", []
    sent = flat(chosen, int(hidden(page, "revision")), base=hidden(page, "base"), do="save")
    assert lead.submit(path(world, "/edit"), sent).status_code == 303
    assert draft(session, world).draft == chosen, "who has seen both decides"


def test_what_another_page_saved_meanwhile_is_kept_and_said(
    session: Session, world: World, client_for: Clients
) -> None:
    lead, member = client_for(world.lead), client_for(world.member)
    mine, hers = started(lead, world), started(member, world)
    member.submit(path(world, "/edit"), flat({**PLAN, "summary": ""}, **hers, do="save"))
    typed = {**PLAN, "activities": [], "milestones": [], "budget": []}
    assert lead.submit(path(world, "/edit"), flat(typed, **mine, do="save")).status_code == 303
    page = lead.page(path(world, "/edit"))
    assert "What was saved meanwhile on another page is in the draft too." in page.text
    assert draft(session, world).draft == PLAN
    # A button that keeps the page shows what is stored too, and goes on from there.
    mine, hers = started(lead, world), started(member, world)
    member.submit(path(world, "/edit"), flat({**PLAN, "summary": "Hers"}, **hers, do="save"))
    answer = lead.submit(path(world, "/edit"), flat(PLAN, **mine, do="save", **{"paste-budget": "not\tadded"}))
    assert answer.status_code == 422 and "Hers" in words(main(answer.text).find(id="summary"))
    again = flat({**PLAN, "summary": "Mine now"}, base=hidden(main(answer.text), "base"), do="save")
    assert lead.submit(path(world, "/edit"), again).status_code == 303
    assert draft(session, world).draft["summary"] == "Mine now"


def test_a_page_that_saves_itself_goes_on_from_what_it_sent(
    session: Session, world: World, client_for: Clients
) -> None:
    client, fetch = client_for(world.member), {"X-Requested-With": "fetch"}
    client.submit(path(world, "/edit"), flat(PLAN, do="save"))
    start = started(client, world)
    client_for(world.lead).submit(path(world, "/edit"), flat({**PLAN, "summary": "Hers"}, 1, do="save"))
    typed = copy.deepcopy(PLAN)
    for owner in ("Luis", "Luisa"):
        typed["activities"][0]["owner"] = owner
        found = client.submit(path(world, "/draft"), flat(typed, **start), headers=fetch).json
        assert "saved meanwhile on another page" in found["saved_at_text"]
        start = {"revision": str(found["revision"]), "base": found["base"]}
        kept = draft(session, world).draft
        assert (kept["summary"], kept["activities"][0]["owner"]) == ("Hers", owner)
    answer = client.submit(path(world, "/draft"), flat({**typed, "summary": "His"}, **start), headers=fetch)
    assert answer.status_code == 409 and draft(session, world).draft["summary"] == "Hers"


@pytest.mark.parametrize("revision", ["", "x", "-1", "99999999999999999999"])
def test_a_form_that_lost_its_place_loses_no_text(
    session: Session, world: World, client_for: Clients, revision: str
) -> None:
    answer = client_for(world.lead).submit(path(world, "/edit"), {**flat(PLAN, do="save"), "revision": revision})
    assert answer.status_code in (409, 422)
    page = main(answer.text)
    assert PLAN["summary"] in page.find("textarea", {"name": "summary"}).text  # type: ignore[union-attr]
    assert page.select(".error-summary, .alert-danger"), words(page)[:300]
    assert draft(session, world).draft["summary"] == ""


def test_saving_as_one_types(session: Session, world: World, client_for: Clients) -> None:
    client, fetch = client_for(world.member), {"X-Requested-With": "fetch"}
    answer = client.submit(path(world, "/draft"), flat({**PLAN, "summary": ""}), headers=fetch)
    assert answer.status_code == 200
    found = answer.json
    assert found["revision"] == 1 and found["target"] == "missing" and "Saved" in found["saved_at_text"]
    assert "Write a summary" in found["html"]
    again = client.submit(path(world, "/draft"), flat(PLAN, 1), headers=fetch)
    assert "Everything is there" in again.json["html"]
    late = client.submit(path(world, "/draft"), flat({**PLAN, "summary": "old"}, 0), headers=fetch)
    assert late.status_code == 409 and late.is_json
    assert draft(session, world).draft == PLAN


@pytest.mark.parametrize(
    ("cost", "said"),
    [("999.99", "0.10 below the award"), ("1000.01", "0.10 above the award")],
)
def test_the_page_says_how_far_the_budget_is_off(
    session: Session, world: World, client_for: Clients, cost: str, said: str
) -> None:
    plan = copy.deepcopy(PLAN)
    plan["budget"][1]["unit_cost"] = cost
    client = client_for(world.lead)
    client.submit(path(world, "/edit"), flat(plan, do="save"))
    text = words(client.page(path(world, "/check"))).replace("\xa0", " ")
    assert f"USD {said}" in text
    assert not client.page(path(world, "/check")).find("button", string="Submit to the ILO")


def test_a_cent_off_is_refused_by_the_server_and_nothing_is_stored(
    session: Session, world: World, client_for: Clients
) -> None:
    plan = copy.deepcopy(PLAN)
    plan["budget"][1] |= {"quantity": "1", "unit_cost": "9999.99"}
    client = client_for(world.lead)
    client.submit(path(world, "/edit"), flat(plan, do="save"))
    before = counts(session)
    answer = client.submit(path(world, "/submit"), {"revision": "1"})
    assert answer.status_code == 422
    assert "USD 0.01 below the award" in words(main(answer.text)).replace("\xa0", " ")
    assert counts(session) == before and draft(session, world).state == "draft"


# Submitting ---------------------------------------------------------------------------------------------------------


def test_check_and_submit(session: Session, world: World, client_for: Clients) -> None:
    lead, member = client_for(world.lead), client_for(world.member)
    answer = member.submit(path(world, "/edit"), flat(PLAN, do="submit"))
    assert answer.location == path(world, "/check")
    page = member.page(path(world, "/check"))
    assert "The plan is complete" in words(page) and "Ask your team lead" in words(page)
    assert not page.find("button", string="Submit to the ILO")
    assert member.submit(path(world, "/submit"), {"revision": "1"}).status_code == 403
    assert lead.page(path(world, "/check")).find("button", string="Submit to the ILO")
    form = {"revision": "1", "form_key": uuid4().hex}
    assert [lead.submit(path(world, "/submit"), form).status_code for _ in range(2)] == [303, 303]
    assert counts(session)[0] == 1, "sent twice, submitted once"
    assert "Version 1 is submitted" in words(lead.page(path(world)))
    for tail in ("/edit", "/check"):
        assert lead.get(path(world, tail)).status_code == 303, "it is the ILO's turn"


def test_what_was_changed_meanwhile_is_shown_before_it_is_submitted(
    session: Session, world: World, client_for: Clients
) -> None:
    client_for(world.member).submit(path(world, "/edit"), flat(PLAN, do="save"))
    client_for(world.member).submit(path(world, "/edit"), flat({**PLAN, "summary": "Changed"}, 1, do="save"))
    answer = client_for(world.lead).submit(path(world, "/submit"), {"revision": "1"})
    assert answer.status_code == 409
    page = main(answer.text)
    assert "The plan was changed since you opened this page" in words(page) and "Changed" in words(page)
    assert counts(session)[0] == 0


@pytest.mark.parametrize(
    ("notice_on", "last_second", "deadline"),
    [
        # An ordinary day, and the days on which summer time begins (2027) and ends (2026) in Geneva.
        (date(2026, 2, 23), "2026-03-16T23:59:58+01:00", "2026-03-17T00:00:00+01:00"),
        (date(2027, 3, 7), "2027-03-28T23:59:58+02:00", "2027-03-29T00:00:00+02:00"),
        (date(2026, 10, 4), "2026-10-25T23:59:58+01:00", "2026-10-26T00:00:00+01:00"),
    ],
)
def test_to_the_second(
    session: Session, world: World, client_for: Clients, at: At, notice_on: date, last_second: str, deadline: str
) -> None:
    world.award.notice_on = notice_on
    stages.settle(world.award, datetime(notice_on.year, notice_on.month, notice_on.day, 12, tzinfo=UTC))
    session.commit()
    plan = copy.deepcopy(PLAN)
    for row in (*plan["activities"], *plan["milestones"]):
        row.update({name: (notice_on + timedelta(days=30)).isoformat() for name in row if name.endswith("_on")})
    client = client_for(world.lead)
    client.submit(path(world, "/edit"), flat(plan, do="save"))
    at(deadline)
    before = counts(session)
    answer = client.submit(path(world, "/submit"), {"revision": "1"})
    assert answer.status_code == 422
    day = (notice_on + timedelta(days=21)).strftime("%-d %b %Y")
    assert f"The time to submit ended with {day} at midnight" in words(main(answer.text))
    assert "Ask the programme officer to extend the deadline: your draft is kept." in words(main(answer.text))
    assert counts(session) == before and draft(session, world).draft == plan
    page = client.page(path(world, "/check"))
    button = page.find("button", string="Submit to the ILO")
    assert isinstance(button, Tag) and button.has_attr("disabled")
    at(last_second)
    assert "less than an hour left" in words(client.page(path(world)))
    assert client.submit(path(world, "/submit"), {"revision": "1"}).status_code == 303
    assert draft(session, world).state == "submitted"


def test_a_late_team_can_go_on_writing(session: Session, world: World, client_for: Clients, at: At) -> None:
    at("2026-03-20T12:00:00Z")
    client = client_for(world.lead)
    assert "The deadline has passed" in words(client.page(path(world, "/edit")))
    assert client.submit(path(world, "/edit"), flat(PLAN, do="save")).status_code == 303
    assert draft(session, world).draft == PLAN


# Judging ------------------------------------------------------------------------------------------------------------


def test_changes_asked_for_and_answered(session: Session, world: World, client_for: Clients, now: datetime) -> None:
    submitted(world, now)
    officer, lead = client_for(world.officer), client_for(world.lead)
    form = {"version": "1", "do": "changes", "comment_budget": "Split the staff line."}
    assert officer.submit(path(world, "/review"), form).status_code == 303
    page = lead.page(path(world, "/edit"))
    assert "Split the staff line." in words(page.find(id="budget")) and "To be answered" in words(
        page.find(id="budget")
    )
    submitted(world, now, {**PLAN, "summary": "Second"})
    page = officer.page(path(world, "/review"))
    assert "Review version 2" in words(page) and "Split the staff line." in words(page)
    first = lead.page(path(world, "/versions/1"))
    assert PLAN["summary"] in words(first) and "Second" not in words(first.find(id="plan-summary").parent)  # type: ignore[union-attr]
    assert lead.get(path(world, "/versions/3")).status_code == 404


def test_approving(session: Session, world: World, client_for: Clients, now: datetime) -> None:
    submitted(world, now)
    officer = client_for(world.officer)
    assert officer.submit(path(world, "/review"), {"version": "1", "do": "approve"}).status_code == 303
    session.rollback()
    session.refresh(world.award)
    assert world.award.stage == Stage.AGREEMENT
    assert "The workplan and budget are approved." in words(officer.page(path(world)))
    answer = officer.get(path(world, "/review"))
    assert answer.status_code == 303, "nothing is left to decide on"


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"version": "1", "do": "changes"}, "Say in at least one section what should change"),
        ({"version": "1", "do": "changes", "comment_budget": " "}, "Say in at least one section"),
        ({"version": "1", "do": "reject", "reason": " "}, "Give the reason in a sentence"),
        # A comment that was typed is never lost by pressing another button.
        ({"version": "1", "do": "approve", "comment_budget": "Split it."}, "You wrote a comment here"),
        ({"version": "1", "do": "reject", "reason": "No", "comment_summary": "More."}, "You wrote a comment here"),
        ({"version": "7", "do": "changes", "comment_budget": "Split it."}, "A newer version came in"),
        ({"version": "0", "do": "approve"}, "A newer version came in"),
        ({"version": "", "do": "approve"}, "A newer version came in"),
        ({"version": "²", "do": "approve"}, "A newer version came in"),
        ({"version": "9" * 40, "do": "approve"}, "A newer version came in"),
        ({"version": "1", "do": "nonsense", "comment_summary": ""}, "Say in at least one section"),
        ({"version": "1", "do": "changes", "comment_summary": "x" * 4001}, "4000"),
    ],
)
def test_a_decision_that_cannot_be_taken_is_shown_with_what_was_typed(
    session: Session, world: World, client_for: Clients, now: datetime, form: dict[str, str], said: str
) -> None:
    submitted(world, now)
    before = counts(session)
    answer = client_for(world.officer).submit(path(world, "/review"), form)
    assert answer.status_code == 422
    page = main(answer.text)
    assert said in words(page), words(page)[:600]
    for name, value in form.items():
        if name.startswith("comment_") and value.strip():
            box = page.find("textarea", {"name": name})
            assert isinstance(box, Tag) and box.text.strip() == value
    assert counts(session) == before and draft(session, world).state == "submitted"


def test_rejecting_ends_the_award_with_its_reason(
    session: Session, world: World, client_for: Clients, now: datetime
) -> None:
    submitted(world, now)
    form = {"version": "1", "do": "reject", "reason": "It pays for salaries only."}
    assert client_for(world.officer).submit(path(world, "/review"), form).status_code == 303
    page = client_for(world.lead).page(path(world))
    assert "It pays for salaries only." in words(page) and "Rejected" in words(page)
    assert client_for(world.lead).get(path(world, "/edit")).status_code == 303


def test_extending(session: Session, world: World, client_for: Clients) -> None:
    client = client_for(world.officer)
    before = counts(session)
    for typed, field in (
        ({"days": "0", "reason": "Floods"}, "days"),
        ({"days": "61", "reason": "Floods"}, "days"),
        ({"days": "a week", "reason": "Floods"}, "days"),
        ({"days": "", "reason": "Floods"}, "days"),
        ({"days": "7", "reason": " "}, "reason"),
    ):
        answer = client.submit(path(world, "/extend"), typed)
        assert answer.status_code == 422, typed
        page = main(answer.text)
        error = page.find(id=f"extend-{field}-error")
        assert isinstance(error, Tag), typed
        if typed["reason"].strip():
            assert "Floods" in page.find(id="extend-reason").text  # type: ignore[union-attr]
        details = page.find(id=f"extend-{field}").find_parent("details")  # type: ignore[union-attr]
        assert details is not None and details.has_attr("open")
        assert not page.find(id="lapse-reason-error"), "the other form has no error"
    assert counts(session) == before
    assert client.submit(path(world, "/extend"), {"days": "7", "reason": "Floods"}).status_code == 303
    assert "21 days left" in words(client.page(path(world)))


def test_extending_what_has_run_out(session: Session, world: World, client_for: Clients, at: At) -> None:
    at("2026-03-20T12:00:00Z")
    client = client_for(world.officer)
    page = client.page(path(world))
    step = page.select_one(".next-step")
    assert "Decide: extend the deadline, or let the award lapse" in words(step)
    link = step.find("a")  # type: ignore[union-attr]
    assert isinstance(link, Tag) and link["href"] == path(world, "#deadline") and page.find(id="deadline")
    form = page.select_one("form[action*='/extend']")
    assert form is not None and "At least 4 days" in words(form)
    assert form.find_parent("details").has_attr("open")  # type: ignore[union-attr]
    # With scripts or without: the browser goes to the error on the page that answers.
    assert str(form["action"]).endswith("/extend#extend-problem")
    answer = client.submit(path(world, "/extend"), {"days": "3", "reason": "Floods"})
    assert answer.status_code == 422
    assert "give at least 4 days" in words(main(answer.text).find(id="extend-problem"))
    error = main(answer.text).find(id="extend-days-error")
    assert "Even then the deadline would have ended on 19 Mar 2026: give at least 4 days." in words(error)
    assert client.submit(path(world, "/extend"), {"days": "4", "reason": "Floods"}).status_code == 303
    assert words(client.page(path(world)).select_one(".next-step h2")) == "The team is writing"


def test_letting_lapse_only_after_the_deadline(session: Session, world: World, client_for: Clients, at: At) -> None:
    client = client_for(world.officer)
    page = client.page(path(world))
    assert "The team still has time" in words(page)
    button = page.find("button", string="Let it lapse")
    assert isinstance(button, Tag) and button.has_attr("disabled")
    answer = client.submit(path(world, "/lapse"), {"reason": "No answer"})
    assert answer.status_code == 422 and "The team still has time" in words(main(answer.text))
    at("2026-03-17T00:00:00+01:00")
    button = client.page(path(world)).find("button", string="Let it lapse")
    assert isinstance(button, Tag) and not button.has_attr("disabled")
    assert client.submit(path(world, "/lapse"), {"reason": ""}).status_code == 422
    assert client.submit(path(world, "/lapse"), {"reason": "No answer"}).status_code == 303
    session.rollback()
    session.refresh(world.award)
    assert world.award.stage == Stage.LAPSED


# Who sees what ------------------------------------------------------------------------------------------------------


def test_comments_without_an_answer_come_before_anything_else(
    world: World, client_for: Clients, now: datetime, at: At
) -> None:
    submitted(world, now)
    asked = {"summary": "For whom?", "milestones:m1": "Who reads it?"}
    workplan.request_changes(world.actor(world.officer), now, world.code, 1, asked)
    client = client_for(world.lead)

    def step() -> str:
        return words(client.page(path(world)).select_one(".next-step"))

    assert "2 comments have no answer yet. The plan itself is complete." in step()
    assert "Everything is there" not in step()
    first, second = world.session.scalars(select(m.Thread.id).order_by(m.Thread.id)).all()
    workplan_talks.reply(world.actor(world.lead), now, world.code, first, "For small firms.")
    assert "1 comment has no answer yet." in step()
    workplan_talks.reply(world.actor(world.lead), now, world.code, second, "Two of us.")
    assert "Everything is there: check it and submit." in step()
    at("2026-03-20T12:00:00Z")
    assert "The deadline has passed: ask the programme officer to extend it." in step()


def test_each_role_sees_its_own_step(world: World, client_for: Clients, now: datetime, at: At) -> None:
    def step(who: str) -> str:
        page = client_for(getattr(world, who)).page(path(world))
        return words(page.select_one(".next-step h2"))

    for who in ("lead", "member"):
        assert step(who) == "Write the workplan and the budget"
    for who in ("officer", "finance", "mentor", "committee"):
        assert step(who) == "The team is writing"
    at("2026-03-20T12:00:00Z")
    for who in ("lead", "member"):
        assert step(who) == "Write the workplan and the budget"
    assert step("officer") == "Decide: extend the deadline, or let the award lapse"
    for who in ("finance", "mentor", "committee"):
        assert step(who) == "The programme officer decides: extend the deadline, or let the award lapse"
    at(now.isoformat())
    submitted(world, now)
    assert step("officer") == "Review version 1"
    for who in ("lead", "member", "finance", "mentor", "committee"):
        assert step(who) == "The ILO is reviewing version 1"


def test_a_draft_is_the_team_s_until_it_is_submitted(session: Session, world: World, client_for: Clients) -> None:
    client_for(world.lead).submit(path(world, "/edit"), flat({**PLAN, "summary": "Not for other eyes"}, do="save"))
    for who in (world.officer, world.finance, world.mentor, world.committee):
        client = client_for(who)
        page = client.page(path(world))
        assert "Not for other eyes" not in page.text and "No version submitted yet" in words(page)
        for tail in ("/edit", "/check"):
            assert client.get(path(world, tail)).status_code == 403
    for who in (world.other_lead, world.other_committee):
        assert client_for(who).get(path(world)).status_code == 404


def test_markup_and_formulas_in_every_cell_are_only_text(
    session: Session, world: World, client_for: Clients, now: datetime
) -> None:
    nasty = "<b onclick=alert(1)>=1+1</b>\"'&"
    plan = copy.deepcopy(PLAN)
    plan["summary"] = nasty
    for section, fields in {
        "activities": ("title", "owner", "deliverable"),
        "milestones": ("title", "proof"),
        "budget": ("description",),
    }.items():
        for row in plan[section]:
            row.update(dict.fromkeys(fields, nasty))
    submitted(world, now, plan)
    for who, tail in ((world.lead, ""), (world.officer, "/review"), (world.lead, "/versions/1")):
        page = client_for(who).page(path(world, tail))
        assert nasty in page.text and not page.find("b", onclick=True)
    form = {"version": "1", "do": "changes", "comment_summary": nasty}
    client_for(world.officer).submit(path(world, "/review"), form)
    page = client_for(world.lead).page(path(world, "/edit"))
    assert nasty in page.text and page.find("input", value=nasty)


def test_pages_cost_the_same_for_ten_times_the_rows_and_versions(
    app: Flask, session: Session, world: World, client_for: Clients, now: datetime
) -> None:
    lead, officer = client_for(world.lead), client_for(world.officer)

    def grow(rows: int, versions: int) -> None:
        plan = copy.deepcopy(PLAN)
        plan["activities"] = [PLAN["activities"][0] | {"id": f"a{n}", "milestone": f"m{n}"} for n in range(1, rows + 1)]
        plan["milestones"] = [PLAN["milestones"][0] | {"id": f"m{n}"} for n in range(1, rows + 1)]
        plan["budget"] += [plan["budget"][2]] * rows
        for _ in range(versions):
            submitted(world, now, plan)
            workplan.request_changes(
                world.actor(world.officer),
                now,
                world.code,
                _newest(session, world),
                dict.fromkeys(("summary", "budget"), "x"),
            )
        submitted(world, now, plan)

    def statements() -> list[int]:
        found = []
        for client, tail in ((lead, ""), (officer, "/review"), (lead, "/versions/1")):
            with counted(app) as seen:
                client.page(path(world, tail))
            found.append(len(seen))
        return found

    grow(1, 1)
    before = statements()
    workplan.request_changes(world.actor(world.officer), now, world.code, _newest(session, world), {"summary": "x"})
    grow(20, 10)
    assert statements() == before
    assert max(before) <= 12


def _newest(session: Session, world: World) -> int:
    return (
        session.scalar(select(func.max(m.Version.number)).join(m.Document).where(m.Document.award_id == world.award.id))
        or 0
    )


def test_every_page_is_sound(world: World, client_for: Clients, now: datetime) -> None:
    """Refused forms are linted by the client; these are the pages that a GET shows, with versions and threads on them."""
    submitted(world, now)
    workplan.request_changes(world.actor(world.officer), now, world.code, 1, {"summary": "x", "milestones": "y"})
    submitted(world, now)
    for who, tail in (
        ("lead", ""),
        ("officer", ""),
        ("officer", "/review"),
        ("mentor", "/versions/1"),
        ("finance", "/versions/2"),
    ):
        lint(str(client_for(getattr(world, who)).page(path(world, tail))), tail)
