"""Asking for an amendment: each kind is written, checked before and after, and sent, by its own side alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from lab import models as m
from lab.rules.amendment import KIND_NAMES
from lab.rules.facts import Role, Stage
from lab.services import amendment as service
from tests.factories import PLAN, World, add_account, join
from tests.web.pages import PageClient
from tests.web.test_workplan import flat, main, words

Clients = Callable[..., PageClient]
WHY = "Prices rose."


@pytest.fixture
def world(world_at: Callable[..., World]) -> World:
    return world_at(Stage.PROTOTYPING)


def path(world: World, tail: str = "/1/edit") -> str:
    return f"/awards/{world.code}/amendments{tail}"


def begun(world: World, now: datetime, kind: str, by: m.Person | None = None) -> None:
    service.start(world.actor(by or world.lead), now, world.code, kind)


def draft(session: Session) -> dict[str, Any]:
    session.rollback()
    session.expire_all()
    return session.scalars(select(m.Document).where(m.Document.kind == "amendment")).one().draft


def counts(session: Session) -> list[int]:
    session.rollback()
    tables = (m.Version, m.Event, m.Obligation, m.Mail, m.BudgetLine, m.Tranche)
    return [session.scalar(select(func.count()).select_from(table)) or 0 for table in tables]


def plan_form(plan: dict[str, Any], revision: int = 0, **more: str) -> dict[str, str]:
    return flat(plan, revision, reason=WHY) | more


def value(page: Tag, name: str) -> str:
    control = page.find(attrs={"name": name})
    assert isinstance(control, Tag), name
    return str(control.get("value") or control.text.strip("\n"))


def revision(page: Tag) -> str:
    return value(page, "revision")


def missing(page: Tag) -> dict[str, str]:
    """What is still to do, by the place that it leads to."""
    links = page.select(".blockers a")
    return {str(link["href"]).rpartition("#")[2]: words(link) for link in links}


def send(client: PageClient, world: World) -> Any:
    page = main(client.get(path(world, "/1/check")).text)
    form = page.select_one("form[action$='/submit']")
    assert form is not None, words(page)
    return client.submit(path(world, "/1/submit"), {"revision": revision(form)})


# Beginning ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(KIND_NAMES))
def test_each_kind_is_begun_and_its_form_opens(session: Session, world: World, client_for: Clients, kind: str) -> None:
    for who in (world.lead, world.officer):
        client = client_for(who)
        page = client.page(path(world, "/new"))
        assert len(page.select("main input[name=kind]")) == 6 and "The sum stays the award." in page.text
        answer = client.submit(path(world, "/new"), {"kind": kind})
        assert answer.status_code == 303 and answer.location.startswith(path(world, "/"))
        form = client.page(answer.location)
        assert form.select_one("main textarea[name=reason]")
        assert "Say why the amendment is needed" in missing(form)["reason"]
        assert not form.select(".field-error"), "nobody is scolded for a draft"
        assert answer.location.split("/")[-2] in words(client.page(path(world, "/new")).find(id="begun").parent)  # type: ignore[union-attr]


def test_what_it_is_about_is_chosen_first(session: Session, world: World, client_for: Clients) -> None:
    for typed in ({}, {"kind": "weather"}):
        answer = client_for(world.lead).submit(path(world, "/new"), typed)
        assert answer.status_code == 422
        assert "Choose what the amendment is about." in words(main(answer.text).find(id="kind-error"))
    assert session.scalars(select(m.Document).where(m.Document.kind == "amendment")).all() == []


@pytest.mark.parametrize(
    ("stage", "why"), [(Stage.AGREEMENT, "The agreement is not in force yet"), (Stage.SUSPENDED, "Suspended")]
)
def test_nothing_is_begun_when_nothing_can_be_amended(
    session: Session, world_at: Callable[..., World], client_for: Clients, stage: Stage, why: str
) -> None:
    world = world_at(stage)
    client = client_for(world.lead)
    page = client.page(path(world, "/new"))
    assert why in words(page.select_one(".blockers")) and not page.select("main input[name=kind]")
    answer = client.submit(path(world, "/new"), {"kind": "team"})
    assert answer.status_code == 422 and why in words(main(answer.text).select_one(".error-summary"))


# By kind ------------------------------------------------------------------------------------------------------------


def test_money_is_moved_between_lines(session: Session, world: World, client_for: Clients, now: datetime) -> None:
    begun(world, now, "budget")
    client = client_for(world.lead)
    page = client.page(path(world))
    assert value(page, "budget-0-description") == "Developers" and not page.find(attrs={"name": "activities-0-title"})
    lines = [dict(PLAN["budget"][0], unit_cost="5250"), dict(PLAN["budget"][1], unit_cost="90x"), PLAN["budget"][2]]
    typed = plan_form({**PLAN, "budget": lines}, do="save")
    assert client.submit(path(world), typed).status_code == 303
    wrong = client.page(path(world, "/1/edit?check=1"))
    assert value(wrong, "budget-1-unit_cost") == "90x" and value(wrong, "reason") == WHY
    assert "“90x” is not an amount" in words(wrong.find(id="budget-1-unit_cost-error"))
    checked = client.page(path(world, "/1/check"))
    assert "“Phones for tests”" in missing(checked)["budget-1-unit_cost"] and not checked.select("main form")
    typed = typed | {"budget-1-unit_cost": "900", "revision": revision(wrong), "do": "check"}
    answer = client.submit(path(world), typed)
    assert answer.location == path(world, "/1/check")
    shown = words(client.page(answer.location).main)
    assert "USD 20,000.00 USD 21,000.00" in shown and "USD 10,000.00 USD 9,000.00" in shown and WHY in shown
    sent = send(client, world)
    assert sent.status_code == 303 and sent.location == path(world, "/1")
    assert "The amendment is sent" in client.page(sent.location).text
    assert draft(session)["side"] == "organisation"
    assert client.get(path(world)).location == path(world, "/1"), "what is sent is no longer written"
    assert client.get(path(world, "/1/check")).location == path(world, "/1")


def test_lines_show_what_was_spent_on_them(session: Session, world: World, client_for: Clients, now: datetime) -> None:
    line = session.scalars(select(m.BudgetLine).where(m.BudgetLine.number == 1)).one()
    report = m.Document(award_id=world.award.id, kind="progress_report", number=1, state="submitted", draft={})
    session.add(report)
    session.flush()
    version = m.Version(
        document_id=report.id, number=1, content={}, content_hash="0" * 64, submitted_by=world.lead.id, submitted_at=now
    )
    session.add(version)
    session.flush()
    session.add(
        m.Spending(award_id=world.award.id, version_id=version.id, budget_line_id=line.id, amount=6000, accepted=False)
    )
    session.commit()
    begun(world, now, "budget")
    client = client_for(world.lead)
    page = client.page(path(world))
    assert "Spent by reports: USD 6,000.00." in words(page.find(id="row-budget-0"))
    assert "Spent by reports" not in words(page.find(id="row-budget-1"))
    lines = [dict(PLAN["budget"][0], unit_cost="1000"), dict(PLAN["budget"][1], unit_cost="2600"), PLAN["budget"][2]]
    client.submit(path(world), plan_form({**PLAN, "budget": lines}, do="save"))
    told = missing(client.page(path(world, "/1/check")))["budget-0-unit_cost"]
    assert "give it at least that" in told and told.count("Developers") == 1


@pytest.mark.parametrize(
    ("do", "anchor", "lines"),
    [
        ("copy:budget:1", "row-budget-2", 4),
        ("split:budget:0", "row-budget-1", 4),
        ("remove:budget:0", "budget", 2),
        ("up:budget:1", "row-budget-0", 3),
        ("add_line", "row-budget-3", 3),
    ],
)
def test_rows_of_the_budget_are_acted_on_without_a_script(
    session: Session, world: World, client_for: Clients, now: datetime, do: str, anchor: str, lines: int
) -> None:
    begun(world, now, "budget")
    client = client_for(world.lead)
    answer = client.submit(path(world), plan_form(PLAN, do=do))
    assert answer.status_code == 303 and answer.location.endswith(f"#{anchor}")
    assert client.page(answer.location).find(id=anchor)
    kept = draft(session)
    assert len(kept["budget"]) == lines and kept["reason"] == WHY and set(kept) == {"side", "reason", "stood", "budget"}


def test_cells_are_pasted_into_the_budget(session: Session, world: World, client_for: Clients, now: datetime) -> None:
    begun(world, now, "budget")
    client = client_for(world.lead)
    form = plan_form(PLAN, do="paste:budget") | {"paste-budget": "Licences\t1\t700\nCables\tmany\t3"}
    answer = client.submit(path(world), form)
    assert answer.status_code == 422 and "Row 2" in words(main(answer.text).find(id="paste-budget-error"))
    assert [row["description"] for row in draft(session)["budget"]][3:] == ["Licences"]
    read = client.submit(
        path(world, "/1/paste"),
        plan_form(PLAN) | {"section": "budget", "cells": "Licences\t1\t700", "start": "description"},
        headers={"X-Requested-With": "fetch"},
    )
    assert read.get_json()["rows"] == [{"description": "Licences", "quantity": "1", "unit_cost": "700.00"}]
    lost = client.submit(path(world, "/1/paste"), {"section": "moon"}, headers={"X-Requested-With": "fetch"})
    assert lost.status_code == 422


def test_the_whole_plan_is_changed(session: Session, world: World, client_for: Clients, now: datetime) -> None:
    begun(world, now, "scope")
    client = client_for(world.lead)
    page = client.page(path(world))
    assert value(page, "summary") == PLAN["summary"] and value(page, "milestones-0-title") == "Needs known"
    new = {"id": "m2", "stage": "pilot", "title": "Handed over", "proof": "Minutes", "due_on": "2026-05-20"}
    step = PLAN["activities"][0] | {"id": "a2", "title": "Hand over", "milestone": "m2"}
    plan = {**PLAN, "milestones": [*PLAN["milestones"], new], "activities": [*PLAN["activities"], step]}
    typed = plan_form(plan, do="save")
    client.submit(path(world), typed)
    wrong = client.page(path(world, "/1/edit?check=1"))
    assert "is outside the pilot" in words(wrong.find(id="milestones-1-due_on-error"))
    assert value(wrong, "milestones-1-title") == "Handed over"
    client.submit(path(world), typed | {"milestones-1-due_on": "2026-10-20", "revision": revision(wrong)})
    shown = words(client.page(path(world, "/1/check")).main)
    assert "Handed over" in shown and "20 Oct 2026" in shown
    assert send(client, world).location == path(world, "/1")


def test_an_accepted_milestone_is_said_to_stay(
    session: Session, world: World, client_for: Clients, now: datetime
) -> None:
    step = session.scalars(select(m.Milestone)).one()
    step.accepted_at, step.accepted_by, step.evidence = now, world.officer.id, "Seen"
    session.commit()
    begun(world, now, "scope")
    begun(world, now, "time")
    client = client_for(world.lead)
    assert "Accepted: it stays as it is." in words(client.page(path(world)).find(id="row-milestones-0"))
    days = client.page(path(world, "/2/edit"))
    assert "Accepted; it was due on 15 May 2026." in words(days.main)
    assert not days.find(attrs={"name": "days-milestones-m1-due_on"})


def test_the_stage_gets_another_last_day(session: Session, world: World, client_for: Clients, now: datetime) -> None:
    begun(world, now, "time")
    client = client_for(world.lead)
    page = client.page(path(world))
    assert "Last day of the stage: Prototyping" in words(page.main) and "ceiling" not in words(page.main)
    assert value(page, "days-activities-a1-ends_on") == "2026-04-30"
    until = value(page, "until")
    typed = {
        "revision": "0", "reason": WHY, "until": until, "do": "save", "days-milestones-m1-due_on": "next week",
        "days-activities-a1-starts_on": "2026-04-01", "days-activities-a1-ends_on": "2026-03-30",
    }  # fmt: skip
    assert client.submit(path(world), typed).status_code == 303
    wrong = client.page(path(world, "/1/edit?check=1"))
    assert value(wrong, "days-milestones-m1-due_on") == "next week"
    assert "“next week” is not a date" in words(wrong.find(id="days-milestones-m1-due_on-error"))
    assert "ends before it starts" in words(wrong.find(id="days-activities-a1-ends_on-error"))
    left = missing(client.page(path(world, "/1/check")))
    assert left["days-milestones-m1-due_on"].startswith("“Needs known”: ")
    typed |= {"until": "soon", "revision": revision(wrong)}
    client.submit(path(world), typed)
    page = client.page(path(world, "/1/edit?check=1"))
    assert value(page, "until") == "soon" and "is not a date" in words(page.find(id="until-error"))
    good = {
        "until": "2026-12-01",
        "days-milestones-m1-due_on": "2026-06-20",
        "days-activities-a1-ends_on": "2026-06-15",
    }
    client.submit(path(world), typed | good | {"revision": revision(page)})
    shown = words(client.page(path(world, "/1/check")).main)
    assert "1 Dec 2026" in shown and "15 May 2026 20 Jun 2026" in shown
    assert send(client, world).location == path(world, "/1")


def test_a_pilot_beyond_its_ceiling_is_said_to_be_the_committees(
    session: Session, world_at: Callable[..., World], client_for: Clients, now: datetime
) -> None:
    world = world_at(Stage.PILOT)
    begun(world, now, "time")
    client = client_for(world.lead)
    page = client.page(path(world))
    ceiling = value(page, "until")
    assert "beyond that day the steering committee decides too" in words(page.main)
    days = {"days-milestones-m1-due_on": "2026-05-15"}
    form = {"reason": WHY, "until": "2027-09-30", "revision": "0", "do": "save"} | days
    assert ceiling < "2027-09-30"
    client.submit(path(world), form)
    checked = client.page(path(world, "/1/check"))
    assert "The pilot would end on 30 Sept 2027, after its ceiling" in words(checked.main), words(checked.main)
    assert send(client, world).status_code == 303
    owed = session.scalars(select(m.Obligation).where(m.Obligation.kind == "decide_amendment")).all()
    assert len(owed) == 1


def test_somebody_else_leads_the_team(session: Session, world: World, client_for: Clients, now: datetime) -> None:
    eva = join(session, world.award, Role.MEMBER, name="Eva Engineer", password="x")
    session.commit()
    begun(world, now, "team")
    client = client_for(world.lead)
    page = client.page(path(world))
    people = [words(label) for label in page.select("#lead label")]
    assert people == ["Lucía Lead, who leads it now", "Eva Engineer"], "whoever was only invited cannot lead"
    assert "stays on the team as a member" in words(page.find(id="lead"))
    client.submit(path(world), {"reason": WHY, "lead": "999999", "revision": "0", "do": "save"})
    wrong = client.page(path(world, "/1/edit?check=1"))
    assert "Choose somebody of the team" in words(wrong.find(id="lead-error"))
    assert missing(client.page(path(world, "/1/check"))).keys() == {"lead"}
    client.submit(path(world), {"reason": WHY, "lead": str(eva.id), "revision": revision(wrong), "do": "check"})
    assert "Lucía Lead Eva Engineer" in words(client.page(path(world, "/1/check")).main)
    assert send(client, world).location == path(world, "/1")


def test_another_account_takes_the_place_of_the_first(
    session: Session, world: World, client_for: Clients, now: datetime
) -> None:
    account = add_account(world)
    begun(world, now, "account")
    client = client_for(world.lead)
    page = client.page(path(world))
    assert account.number in words(page.main), "the lead may see it"
    assert [value(page, f"account-{name}") for name in ("holder", "bank", "number", "swift")] == [""] * 4
    assert "Finance verifies it anew" in words(page.main)
    typed = {"reason": WHY, "revision": "0", "do": "save", "account-holder": "Somebody else", "account-bank": "Banco Sur",
             "account-number": "EC99", "account-swift": "nope"}  # fmt: skip
    client.submit(path(world), typed)
    wrong = client.page(path(world, "/1/edit?check=1"))
    assert value(wrong, "account-swift") == "nope" and "8 or 11 letters" in words(wrong.find(id="account-swift-error"))
    typed |= {"account-swift": "", "revision": revision(wrong)}
    client.submit(path(world), typed)
    wrong = client.page(path(world, "/1/edit?check=1"))
    assert "in the name of “Somebody else”" in words(wrong.find(id="account-holder-error"))
    typed |= {"account-holder": world.award.organisation.legal_name, "revision": revision(wrong)}
    client.submit(path(world), typed)
    assert "EC99" in words(client.page(path(world, "/1/check")).main)
    assert send(client, world).location == path(world, "/1")


def payments_form(page: BeautifulSoup, do: str = "save", **more: Any) -> MultiDict[str, str]:
    """The payments of the page as its form sends them, with changes (``p0_amount``)."""
    found: MultiDict[str, str] = MultiDict({"reason": WHY, "revision": revision(page), "do": do})
    for control in page.select("main [name^=payments-]"):
        if control.get("type") != "checkbox" or control.has_attr("checked"):
            found.add(str(control["name"]), str(control.get("value") or ""))
    for name, typed in more.items():
        number, _sep, cell = name.removeprefix("p").partition("_")
        found.setlist(f"payments-{number}-{cell}", typed if isinstance(typed, list) else [typed])
    return found


def test_payments_are_split_and_no_longer_made(
    session: Session, world: World, client_for: Clients, now: datetime
) -> None:
    first = session.scalars(select(m.Tranche).where(m.Tranche.award_id == world.award.id)).one()
    first.state, first.amount = "proposed", Decimal(10000)
    session.add(
        m.Tranche(award_id=world.award.id, number=2, key="rest", amount=Decimal(20000), currency="USD", state="planned")
    )
    session.commit()
    begun(world, now, "payments")
    client = client_for(world.officer)
    assert client.get(path(world)).status_code == 403, "the other side's draft is not one's own"
    client = client_for(world.lead)
    page = client.page(path(world))
    section = page.find(id="payments")
    assert isinstance(section, Tag) and "Payment 1 · Proposed" in words(section)
    assert value(page, "payments-0-number") == "2" and "Planned today" in words(page.find(id="row-payments-0"))
    assert "All payments: USD 30,000.00" in words(section)
    answer = client.submit(path(world), payments_form(page, p0_amount="12,3,4", do="add_payment"))
    half = "10000.00"
    assert answer.location.endswith("add=payments#row-payments-1")
    page = client.page(answer.location)
    assert page.find(id="row-payments-1") and value(page, "payments-0-amount") == "12,3,4"
    client.submit(path(world), payments_form(page, p1_amount=half))
    wrong = client.page(path(world, "/1/edit?check=1"))
    assert "not an amount" in words(wrong.find(id="payments-0-amount-error"))
    assert "Choose the payment" in words(wrong.find(id="payments-1-like-error"))
    assert value(wrong, "payments-1-amount") == half
    left = missing(client.page(path(world, "/1/check")))
    assert left["payments-0-amount"].startswith("Payment 2: ")
    assert left["payments-1-like"].startswith("New payment: ")
    client.submit(path(world), payments_form(wrong, p0_amount=half, p1_amount=half, p1_like="2", p1_milestones=["1"]))
    shown = words(client.page(path(world, "/1/check")).main)
    assert "Payment 3 new" in shown and "the milestone “Needs known” is accepted" in shown
    kept = draft(session)["payments"]
    assert kept[1] == {"number": "", "amount": half, "like": "2", "milestones": ["1"]}
    assert send(client, world).location == path(world, "/1")


def test_a_new_payment_is_taken_out_again(session: Session, world: World, client_for: Clients, now: datetime) -> None:
    begun(world, now, "payments")
    client = client_for(world.lead)
    page = client.page(path(world))
    n = len(page.select("main fieldset[id^=row-payments-]"))
    client.submit(path(world), payments_form(page, p9_amount="5", p9_like="1"))
    assert len(draft(session)["payments"]) == n + 1
    page = client.page(path(world))
    client.submit(path(world), payments_form(page, do="remove:payments:0"))
    assert len(draft(session)["payments"]) == n + 1, "what is planned is emptied, not taken out"
    answer = client.submit(path(world), payments_form(client.page(path(world)), do=f"remove:payments:{n}"))
    assert answer.location.endswith("#payments") and len(draft(session)["payments"]) == n


def test_more_than_the_award_is_not_paid(session: Session, world: World, client_for: Clients, now: datetime) -> None:
    begun(world, now, "payments")
    client = client_for(world.lead)
    client.submit(path(world), payments_form(client.page(path(world)), p0_amount="999999"))
    page = client.page(path(world, "/1/edit?check=1"))
    assert "more than the award" in words(page.find(id="payments-error"))


# Every kind ---------------------------------------------------------------------------------------------------------


def test_two_texts_are_both_shown(session: Session, world: World, client_for: Clients, now: datetime) -> None:
    for n, (kind, mine) in enumerate(
        {
            "budget": plan_form({**PLAN, "budget": [dict(PLAN["budget"][0], description="My line")]}),
            "time": {"reason": WHY, "until": "My day"},
            "team": {"reason": WHY, "lead": str(world.lead.id)},
            "account": {"reason": WHY, "account-holder": "My holder"},
            "payments": {"reason": WHY, "payments-0-number": "1", "payments-0-amount": "17"},
        }.items(),
        start=1,
    ):
        begun(world, now, kind)
        client = client_for(world.lead)
        where = path(world, f"/{n}/edit")
        theirs = {"reason": "Their reason", "until": "Their day", "account-holder": "Their holder"}
        assert client.submit(where, theirs | {"revision": "0", "do": "save"}).status_code == 303
        answer = client.submit(where, mine | {"revision": "0", "do": "save"})
        assert answer.status_code == 409, kind
        page = main(answer.text)
        both = " ".join(words(box) for box in page.select(".conflict"))
        assert "Their reason" in both and WHY in both
        assert value(page, "reason") == WHY and revision(page) == "1"
        form = page.find("form", attrs={"action": where})
        assert isinstance(form, Tag) and not form.has_attr("data-autosave-url")
        for typed in ("My line", "My day", "My holder"):
            if typed in str(mine):
                assert typed in both and typed in str(form)


def test_a_draft_saves_itself(session: Session, world: World, client_for: Clients, now: datetime) -> None:
    begun(world, now, "team")
    client = client_for(world.lead)
    script = {"X-Requested-With": "fetch"}
    answer = client.submit(path(world, "/1/draft"), {"reason": "Half", "lead": "0", "revision": "0"}, headers=script)
    told = answer.get_json()
    assert told["revision"] == 1 and told["target"] == "missing" and "Choose somebody" in told["html"]
    assert draft(session)["reason"] == "Half"
    late = client.submit(path(world, "/1/draft"), {"reason": "Late", "lead": "0", "revision": "0"}, headers=script)
    assert late.status_code == 409 and draft(session)["reason"] == "Half"


def test_only_its_own_side_writes_it(session: Session, world: World, client_for: Clients, now: datetime) -> None:
    begun(world, now, "team")
    before = counts(session)
    for who, status in ((world.officer, 403), (world.member, 403), (world.finance, 403), (world.other_lead, 404)):
        client = client_for(who)
        for tail in ("/1/edit", "/1/check"):
            assert client.get(path(world, tail)).status_code == status, (who.name, tail)
        for tail in ("/1/edit", "/1/draft", "/1/paste", "/1/submit"):
            answer = client.submit(path(world, tail), {"revision": "0", "reason": "Not mine", "do": "save"})
            assert answer.status_code == status, (who.name, tail)
    assert client_for(world.lead).get(path(world, "/7/edit")).status_code == 404
    assert counts(session) == before and draft(session)["reason"] == ""


def test_what_is_not_ready_is_not_sent(session: Session, world: World, client_for: Clients, now: datetime) -> None:
    begun(world, now, "team")
    client = client_for(world.lead)
    before = counts(session)
    answer = client.submit(path(world, "/1/submit"), {"revision": "0"})
    assert answer.status_code == 422
    page = main(answer.text)
    assert "It cannot be sent as it is" in words(page.select_one(".error-summary")) and "reason" in missing(page)
    answer = client.submit(path(world, "/1/submit"), {"revision": "9"})
    assert answer.status_code == 409 and "read it again below" in words(main(answer.text))
    assert counts(session) == before


def test_what_was_sent_is_not_sent_twice(session: Session, world: World, client_for: Clients, now: datetime) -> None:
    eva = join(session, world.award, Role.MEMBER, name="Eva", password="x")
    session.commit()
    begun(world, now, "team")
    client = client_for(world.lead)
    client.submit(path(world), {"reason": WHY, "lead": str(eva.id), "revision": "0", "do": "save"})
    assert send(client, world).status_code == 303
    before = counts(session)
    answer = client.submit(path(world, "/1/submit"), {"revision": "1"})
    assert answer.location == path(world, "/1") and counts(session) == before
    late = client.submit(path(world), {"reason": "Typed too late", "revision": "1", "do": "save"})
    assert late.status_code == 422 and value(main(late.text), "reason") == "Typed too late"
