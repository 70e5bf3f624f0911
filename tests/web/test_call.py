"""The pages of a call, and the dashboard of its pilots: one screen, the same statements for any number of awards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from lab.models import Award, Indicator, IndicatorValue, LedgerEntry, Obligation, Tranche
from lab.queries.awards import definition_of_call
from lab.queries.dashboard import dashboard
from lab.rules.facts import Stage
from lab.services.steps import enter
from tests.conftest import counted
from tests.factories import START, World, make_award
from tests.web.test_pilot import add_indicators

SECOND = Path(__file__).parents[1] / "rules" / "data" / "one-prize-clp.toml"


def _call(world: World) -> str:
    return f"/calls/{world.call.code}"


def test_everybody_sees_their_calls(world_at: Callable[..., World], client_for: Callable) -> None:
    world = world_at()
    both = client_for(world.officer).page("/calls")
    assert {f"/calls/{world.call.code}", "/calls/another-call"} <= {str(a["href"]) for a in both.find_all("a")}
    own = {str(a["href"]) for a in client_for(world.committee).page("/calls").find_all("a")}
    assert f"/calls/{world.call.code}" in own and "/calls/another-call" not in own
    client_for(world.lead).page("/calls", 403)


@pytest.mark.parametrize("page", ["", "/pilots", "/pilots/time.svg"])
def test_a_call_is_for_staff_and_its_committee(world_at: Callable[..., World], client_for: Callable, page: str) -> None:
    world = world_at()
    for person in (world.officer, world.finance, world.committee):
        assert client_for(person).get(_call(world) + page).status_code == 200
    for person in (world.other_committee, world.lead, world.mentor, world.admin):
        assert client_for(person).get(_call(world) + page).status_code == 404
    assert client_for(world.officer).get(f"/calls/nothing{page}").status_code == 404


def test_the_call_in_the_readers_language(
    session: Session, world_at: Callable[..., World], client_for: Callable
) -> None:
    world = world_at()
    titles = world.call.definition["title"]
    for language in ("en", "es", "fr", "pt"):
        world.officer.language = language
        session.commit()
        page = client_for(world.officer).page(_call(world))
        assert page.h1.text == titles[language] and page.h1["lang"] == language


def test_a_language_that_the_call_lacks_falls_back(
    session: Session, world_at: Callable[..., World], client_for: Callable
) -> None:
    world = world_at(path=str(SECOND))
    known = world.call.definition["languages"]
    world.officer.language = next(code for code in ("fr", "pt", "en", "es") if code not in known)
    session.commit()
    page = client_for(world.officer).page(_call(world))
    assert page.h1["lang"] == known[0]
    assert page.h1.text == world.call.definition["title"][known[0]]
    assert "CLP" in page.text


def test_the_acknowledgement_stands_word_for_word(world_at: Callable[..., World], client_for: Callable) -> None:
    world = world_at()
    page = client_for(world.committee).page(_call(world))
    said = {str(dd["lang"]): dd.text for dd in page.find_all("dd") if dd.has_attr("lang")}
    assert said == world.call.definition["acknowledgement"]
    assert "Carla Committee" in page.text


def _late(session: Session, world: World) -> Obligation:
    obligation = session.scalars(
        select(Obligation).where(Obligation.award_id == world.award.id, Obligation.state == "open").limit(1)
    ).one()
    obligation.due_at = START - timedelta(days=5)
    session.commit()
    return obligation


def _pay(session: Session, world: World, amount: Decimal) -> None:
    award = session.get_one(Award, world.award.id)
    tranche = session.scalars(select(Tranche.id).where(Tranche.award_id == award.id)).first()
    entry = LedgerEntry(
        tranche_id=tranche, kind="payment", amount=amount, currency=award.currency, local_amount=amount,
        local_currency=award.local_currency, rate=Decimal(1), reference="R 1", value_on=date(2026, 3, 2),
        by=world.finance.id, at=START,
    )  # fmt: skip
    enter(entry, award)
    session.commit()


def test_one_screen_answers(session: Session, world_at: Callable[..., World], client_for: Callable) -> None:
    world = world_at(Stage.PILOT)
    add_indicators(session, world, number=5)
    _late(session, world)
    _pay(session, world, Decimal("1234.5"))
    page = client_for(world.committee).page(f"{_call(world)}/pilots")
    (row,) = page.find("table", class_="pilots").tbody.find_all("tr")
    words = " ".join(row.text.split())
    for expected in ("Pilot", "Time of the pilot", "1,234.50", "0 of 5 at their target", "2 more short", "5 days late"):
        assert expected in words, expected
    images = page.find_all("img", src=lambda src: bool(src) and "/pilots/" in src)
    assert len(images) == 3
    for image in images:
        assert image["alt"]
        figure = image.find_parent("figure")
        assert figure.find("details").find("table").tbody.find_all("tr")


def test_an_empty_call_says_what_to_do(session: Session, world_at: Callable[..., World], client_for: Callable) -> None:
    from lab.models import Call

    world = world_at()
    session.add(Call(code="empty-call", definition=world.call.definition, definition_hash="0" * 64, loaded_at=START))
    session.commit()
    page = client_for(world.officer).page("/calls/empty-call/pilots")
    assert "No award yet" in page.text


def _images(page: BeautifulSoup) -> list[str]:
    return [str(tag["src"]) for tag in page.find_all("img") if "/pilots/" in str(tag["src"])]


def test_charts_are_kept_by_the_browser_until_their_data_change(
    session: Session, world_at: Callable[..., World], client_for: Callable
) -> None:
    world = world_at(Stage.PILOT)
    add_indicators(session, world)
    client = client_for(world.committee)
    sources = _images(client.page(f"{_call(world)}/pilots"))
    for source in sources:
        answer = client.get(source)
        assert (answer.status_code, answer.mimetype) == (200, "image/svg+xml")
        assert answer.cache_control.private and answer.cache_control.max_age == 86_400
        assert answer.data.startswith(b"<?xml") or b"<svg" in answer.data[:400]
        again = client.get(source, headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
    indicator = session.scalars(select(Indicator.id)).first()
    session.add(
        IndicatorValue(
            indicator_id=indicator,
            measured_on=date(2026, 4, 1),
            total=Decimal(150),
            split={},
            entered_by=world.lead.id,
            entered_at=START,
        )
    )
    session.commit()
    changed = set(_images(client.page(f"{_call(world)}/pilots"))) - set(sources)
    assert [("results.svg" in source) for source in changed] == [True]
    stale = client.get(next(source for source in sources if "results.svg" in source))
    assert stale.cache_control.no_cache


@pytest.mark.parametrize("chart", ["moon", "money-XXX", "time.png"])
def test_an_unknown_chart_is_not_found(world_at: Callable[..., World], client_for: Callable, chart: str) -> None:
    world = world_at(Stage.PILOT)
    assert client_for(world.committee).get(f"{_call(world)}/pilots/{chart}.svg").status_code == 404


@pytest.mark.parametrize("page", ["2", "9999999999999999999999"])
def test_a_page_beyond_the_last_is_not_found(world_at: Callable[..., World], client_for: Callable, page: str) -> None:
    world = world_at(Stage.PILOT)
    client_for(world.committee).page(f"{_call(world)}/pilots?page={page}", 404)


@pytest.mark.parametrize("page", ["0", "-4", "x", ""])
def test_a_page_that_is_no_page_is_the_first(world_at: Callable[..., World], client_for: Callable, page: str) -> None:
    world = world_at(Stage.PILOT)
    client_for(world.committee).page(f"{_call(world)}/pilots?page={page}")


def _more_awards(session: Session, world: World, number: int) -> None:
    for n in range(number):
        award = make_award(
            session,
            world.call,
            world.officer,
            stage="pilot",
            pilot_on=date(2026, 3, 2),
            prototyping_on=date(2026, 1, 2),
        )
        for k in range(4):
            indicator = Indicator(
                award_id=award.id, name=f"Indicator {n}.{k}", unit="firms", baseline=Decimal(0), target=Decimal(20),
                created_by=world.lead.id, created_at=START,
            )  # fmt: skip
            session.add(indicator)
            session.flush()
            for day in (2, 3, 4):
                session.add(
                    IndicatorValue(
                        indicator_id=indicator.id,
                        measured_on=date(2026, 3, day),
                        total=Decimal(day),
                        split={},
                        entered_by=world.lead.id,
                        entered_at=START,
                    )  # fmt: skip
                )
    session.commit()


@pytest.mark.parametrize("page", ["", "/pilots", "/pilots/results.svg"])
def test_statements_stay_the_same_with_ten_times_the_awards(
    app: Flask, session: Session, world_at: Callable[..., World], client_for: Callable, page: str
) -> None:
    world = world_at(Stage.PILOT)
    add_indicators(session, world)
    client = client_for(world.committee)

    def statements() -> int:
        with counted(app) as seen:
            assert client.get(_call(world) + page).status_code == 200
        return len(seen)

    before = statements()
    _more_awards(session, world, 30)
    assert statements() == before <= 12


def test_many_awards_come_in_pages(session: Session, world_at: Callable[..., World], client_for: Callable) -> None:
    world = world_at(Stage.PILOT)
    _more_awards(session, world, 30)
    client = client_for(world.committee)
    first, second = (client.page(f"{_call(world)}/pilots?page={n}") for n in (1, 2))
    rows = [len(page.find("table", class_="pilots").tbody.find_all("tr")) for page in (first, second)]
    assert rows == [20, 11]
    assert first.find("a", rel="next") and second.find("a", rel="prev") and not second.find("a", rel="next")


def test_the_list_of_calls_has_one_statement_more_for_none(
    app: Flask, session: Session, world_at: Callable[..., World], client_for: Callable
) -> None:
    world = world_at()
    client = client_for(world.officer)
    with counted(app) as seen:
        client.page("/calls")
    assert len(seen) <= 8


@pytest.mark.parametrize(("stage", "late"), [(Stage.PILOT, 1), (Stage.SUSPENDED, 0)])
def test_nothing_is_late_on_a_suspended_award(
    session: Session, world_at: Callable[..., World], stage: Stage, late: int
) -> None:
    world = world_at(Stage.PILOT)
    session.execute(delete(Obligation).where(Obligation.award_id == world.award.id))
    session.add(
        Obligation(
            award_id=world.award.id, kind="close_award", key="close_award", debtor="officer", creditor="team", params={},
            due_at=START - timedelta(days=2), opened_at=START - timedelta(days=9), state="open",
        )
    )  # fmt: skip
    world.award.stage = stage
    world.again()
    board = dashboard(session, world.call.id, definition_of_call(world.call), START)
    assert len(board.rows[0].overdue) == late
