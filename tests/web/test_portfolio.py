"""The list of awards as a file."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from lab.models import Award, LedgerEntry, Obligation, SecurityEvent, Tranche
from lab.queries import portfolio
from lab.rules.calendar import end_of_day
from lab.rules.facts import Stage
from lab.rules.obligations import ObligationState
from lab.rules.security_events import SecurityEventKind
from lab.services.steps import enter
from tests import factories
from tests.conftest import counted
from tests.factories import START, World
from tests.web.pages import PageClient

WorldAt = Callable[..., World]
ClientFor = Callable[..., PageClient]
HEADINGS = [
    "Code", "Call", "Project", "Organisation", "Country", "Prize", "Award", "Currency", "Paid so far", "Stage", "Next",
    "Whose turn", "Due", "Programme officer",
]  # fmt: skip


def take_out(client: PageClient, **form: str) -> Any:
    return client.post("/awards/export", data={"csrf_token": client.token(), **form})


def table(answer: Any) -> dict[str, dict[str, str]]:
    assert answer.status_code == 200, answer.text
    text = answer.data.decode("utf-8-sig")
    return {row["Code"]: row for row in csv.DictReader(io.StringIO(text, newline=""), strict=True)}


def enter_money(world: World, kind: str, amount: str) -> None:
    award = world.session.get_one(Award, world.award.id)
    found = world.session.scalars(select(Tranche.id).where(Tranche.award_id == award.id)).first()
    tranche = found if kind == "payment" else None
    entry = LedgerEntry(
        tranche_id=tranche, kind=kind, amount=Decimal(amount), currency=award.currency, local_amount=Decimal(amount),
        local_currency=award.local_currency, rate=Decimal(1), reference=f"R {amount}", value_on=date(2026, 3, 2),
        by=world.finance.id, at=START,
    )  # fmt: skip
    enter(entry, award)
    world.session.commit()


def test_the_list_with_what_is_next_and_what_was_paid(world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.PILOT)
    world.award.project = "=cmd|'/C calc'!A0"
    world.session.commit()
    enter_money(world, "payment", "15484.5")
    enter_money(world, "return", "100")
    first = world.session.scalars(
        select(Obligation)
        .where(Obligation.award_id == world.award.id, Obligation.state == ObligationState.OPEN)
        .order_by(Obligation.due_at)
    ).first()
    assert first is not None
    first.due_at = end_of_day(date(2026, 3, 4), "Europe/Zurich")
    world.session.commit()
    answer = take_out(client_for(world.finance), format="csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="awards-2026-03-02.csv"'
    assert answer.headers["Cache-Control"] == "no-store" and answer.headers["X-Content-Type-Options"] == "nosniff"
    rows = table(answer)
    row = rows[world.code]
    assert list(row) == HEADINGS
    assert row["Project"] == "'=cmd|'/C calc'!A0" and row["Organisation"].startswith("Cámara de Ejemplo")
    assert (row["Country"], row["Currency"], row["Programme officer"]) == ("Ecuador", "USD", "Olivia Officer")
    assert row["Award"] == f"{world.award.amount:.2f}" and row["Stage"] == "Pilot" and row["Prize"] and row["Call"]
    assert row["Next"] and row["Whose turn"] and row["Due"] == "2026-03-04", "the last day, not the midnight after it"
    assert row["Paid so far"] == "15484.50", "the payments of the ledger; what came back is not taken off"
    assert rows[world.other_award.code]["Paid so far"] == "0.00", "another award's money is its own"


def test_nothing_is_next_on_a_suspended_award(world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at()
    world.award.stage, world.award.suspended_from = Stage.SUSPENDED, Stage.WORKPLAN
    world.session.commit()
    row = table(take_out(client_for(world.officer), format="csv"))[world.code]
    assert (row["Next"], row["Whose turn"], row["Due"]) == ("", "", "")


def test_the_filters_go_along(world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.PILOT)
    client = client_for(world.officer)
    form = client.page("/awards?stage=pilot&q=test").find("form", action="/awards/export")
    sent = {field["name"]: field["value"] for field in form.find_all("input")}
    assert sent.pop("csrf_token") and sent == {"stage": "pilot", "q": "test"}
    assert set(table(take_out(client, format="csv", **sent))) == {world.code}
    assert set(table(take_out(client, format="csv", call="another-call"))) == {world.other_award.code}
    assert table(take_out(client, format="csv", q="nothing like it")) == {}
    assert [button["value"] for button in form.find_all("button", {"name": "format"})] == ["csv", "xlsx"]
    assert not client.page("/awards?q=nothing+like+it").find("form", action="/awards/export")


def test_as_excel_amounts_are_numbers_and_texts_are_texts(world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at()
    world.award.project = "=1+1"
    world.session.commit()
    answer = take_out(client_for(world.officer), format="xlsx", q=world.code)
    assert answer.content_type == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    with zipfile.ZipFile(io.BytesIO(answer.data)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert not re.search(r"<f[ >]", sheet) and ">=1+1</t>" in sheet
    amount = re.search(r'<c r="G2"[^>]*><v>([^<]+)</v>', sheet)
    assert amount and Decimal(amount[1]) == world.award.amount


def test_taking_it_out_is_noted_and_only_for_officers_and_finance(world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at()
    for who in (world.lead, world.mentor, world.committee, world.admin):
        assert take_out(client_for(who), format="csv").status_code == 403
    assert take_out(client_for(world.officer), format="pdf").status_code == 422
    assert client_for(world.officer).post("/awards/export", data={"format": "csv"}).status_code == 400
    take_out(client_for(world.officer), format="csv", stage="workplan")
    (event,) = world.session.scalars(select(SecurityEvent).filter_by(kind=SecurityEventKind.EXPORTED))
    assert event.actor_id == world.officer.id
    assert event.details == {"what": "awards", "format": "csv", "filters": "stage=workplan"}


def test_statements_stay_the_same_with_more_awards(app: Flask, world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.PILOT)
    client = client_for(world.finance)

    def statements() -> int:
        with counted(app) as seen:
            take_out(client, format="csv")
        return len(seen)

    before = statements()
    for _n in range(30):
        award = factories.make_award(world.session, world.call, world.officer)
        award.stage_since = START - timedelta(days=1)
    world.session.commit()
    assert statements() == before <= 8
    assert len(table(take_out(client, format="csv"))) == 32, "all pages of the list"


def test_a_long_list_leaves_up_to_its_limit(
    world_at: WorldAt, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = world_at()
    monkeypatch.setattr(portfolio, "EXPORT_LIMIT", 1)
    assert set(table(take_out(client_for(world.officer), format="csv"))) == {world.other_award.code}, "the newest"
