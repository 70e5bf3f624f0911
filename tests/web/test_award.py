"""Awards in the browser: the list, recording one, the overview as each role sees it, its team, its steering, its timeline."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lab import models as m
from lab.rules.facts import Role, Stage
from lab.services import steps
from tests.conftest import counted
from tests.factories import World, make_award, make_call, person
from tests.web.pages import PageClient

Clients = Callable[..., PageClient]
Worlds = Callable[..., World]

WINNER: dict[str, Any] = {
    "prize": "e-formalisation-2021|first",
    "notice_on": "2026-02-23",
    "project": "Encadenamientos",
    "summary": "Stock on a phone.",
    "language": "es",
    "legal_name": "Cámara de Ejemplo",
    "kind": "employers",
    "country": "EC",
    "registered_on": "2001-05-04",
    "local_currency": "usd",
    "holder": "", "bank": "", "number": "", "swift": "",
    "lead_name": "Lucía Lead",
    "lead_email": "lucia@camara.example",
    "mentors-0-name": "Maya Mentor",
    "mentors-0-email": "maya@ilo.example",
    "mentors-1-name": "",
    "mentors-1-email": "",
}  # fmt: skip


@pytest.fixture
def officer(session: Session) -> m.Person:
    make_call(session)
    found = person(session, Role.OFFICER, name="Olivia Officer", time_zone="Europe/Zurich")
    session.commit()
    return found


def rows(session: Session) -> list[int]:
    """How many there are of everything that recording an award writes."""
    session.rollback()
    tables = (m.Award, m.Organisation, m.BankAccount, m.Person, m.TeamMember, m.Mail, m.Event, m.Obligation, m.FormKey)
    return [session.scalar(select(func.count()).select_from(table)) or 0 for table in tables]


def soup(text: str) -> BeautifulSoup:
    return BeautifulSoup(text, "html.parser")


def words(page: Tag) -> str:
    return " ".join(page.get_text(" ").split())


# Recording ---------------------------------------------------------------------------------------------------------


def test_recording_an_award(session: Session, officer: m.Person, client_for: Clients) -> None:
    client = client_for(officer)
    page = client.page("/awards/new")
    offered = [option["value"] for option in page.select("select[name=prize] option")]
    assert offered == ["", "e-formalisation-2021|first", "e-formalisation-2021|second"]
    answer = client.submit("/awards/new", WINNER)
    assert (answer.status_code, answer.location) == (303, "/awards/e-formalisation-2021-1")
    page = client.page(answer.location)
    assert "Lucía Lead has been sent an invitation." in words(page)
    for said in (
        "Encadenamientos",
        "Cámara de Ejemplo",
        "Ecuador",
        "USD 30,000.00",
        "23 Feb 2026",
        "Stock on a phone.",
    ):
        assert said in words(page), said
    page = client.page("/awards/new")
    left = [option["value"] for option in page.select("select[name=prize] option")]
    assert left == ["", "e-formalisation-2021|second"], "what is won is not offered again"


@pytest.mark.parametrize(
    ("changed", "field", "said"),
    [
        ({"prize": ""}, "prize", "Choose one of the prizes"),
        ({"notice_on": ""}, "notice_on", "Give the day of the notice"),
        ({"notice_on": "31/12/2025"}, "notice_on", "“31/12/2025” is not a date"),
        ({"notice_on": "2026-02-30"}, "notice_on", "“2026-02-30” is not a date"),
        ({"notice_on": "<b>today</b>"}, "notice_on", "“<b>today</b>” is not a date"),
        ({"notice_on": "2026-03-03"}, "notice_on", "3 Mar 2026 is in the future"),
        ({"project": "  "}, "project", "Give the project's title"),
        ({"legal_name": ""}, "legal_name", "Give the organisation's legal name"),
        ({"kind": ""}, "kind", "Choose what kind"),
        ({"country": ""}, "country", "Choose the country"),
        ({"registered_on": "2026-03-03"}, "registered_on", "is in the future"),
        ({"local_currency": "dollars"}, "local_currency", "is not a currency"),
        ({"lead_name": ""}, "lead_name", "Give the person's full name"),
        ({"lead_email": "lucia@"}, "lead_email", "is not an e-mail address"),
        ({"mentors-0-email": "maya"}, "mentors-0-email", "is not an e-mail address"),
        ({"mentors-1-name": "Max"}, "mentors-1-email", "Give the e-mail address"),
        ({"mentors-1-name": "Lucía", "mentors-1-email": "LUCIA@camara.example"}, "mentors-1-email", "named twice"),
        ({"holder": "Cámara"}, "number", "IBAN"),
    ],
)
def test_a_wrong_field_is_named_beside_it_and_everything_typed_is_kept(
    session: Session, officer: m.Person, client_for: Clients, changed: dict[str, str], field: str, said: str
) -> None:
    before = rows(session)
    typed = {**WINNER, **changed}
    answer = client_for(officer).submit("/awards/new", typed)
    assert answer.status_code == 422
    page = soup(answer.text).main
    assert page is not None
    error = page.find(id=f"{field}-error")
    assert error is not None and said in error.text, words(page)[:800]
    control = page.find(attrs={"name": field})
    assert control is not None and control["aria-invalid"] == "true"
    assert f"{field}-error" in control["aria-describedby"]
    summary = page.select_one(".error-summary")
    assert summary is not None and summary.find("a", href=f"#{control['id']}") is not None
    for name, value in typed.items():
        control = page.find(attrs={"name": name})
        assert control is not None, name
        if control.name == "select":
            chosen = control.find("option", selected=True)
            assert (chosen["value"] if chosen else "") == value, name
        else:
            assert (control.get("value", "") if control.name == "input" else control.text.strip()) == value.strip() or (
                control.get("value", "") == value
            ), name
    assert rows(session) == before


def test_several_mistakes_are_told_at_once(session: Session, officer: m.Person, client_for: Clients) -> None:
    before = rows(session)
    answer = client_for(officer).submit("/awards/new", {"prize": WINNER["prize"]})
    assert answer.status_code == 422
    summary = soup(answer.text).select(".error-summary li")
    assert len(summary) >= 10, [li.text for li in summary]
    assert rows(session) == before


def test_two_gaps_between_mentors_keep_their_places(officer: m.Person, client_for: Clients) -> None:
    typed = {**WINNER, "mentors-0-name": "", "mentors-0-email": "", "mentors-1-name": "Max", "mentors-1-email": "max"}
    page = soup(client_for(officer).submit("/awards/new", typed).text)
    error = page.find(id="mentors-1-email-error")
    assert error is not None and "“max” is not an e-mail address" in error.text


def test_markup_is_shown_as_it_was_typed(session: Session, officer: m.Person, client_for: Clients) -> None:
    nasty = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    client = client_for(officer)
    typed = {**WINNER, "project": nasty, "legal_name": nasty, "lead_name": nasty, "summary": nasty}
    answer = client.submit("/awards/new", typed)
    assert answer.status_code == 303
    for path in (
        answer.location,
        f"{answer.location}/timeline",
        "/awards",
        "/awards?q=%3Cscript%3E",
        f"{answer.location}/workplan",
    ):
        page = client.page(path)
        assert not page.find("img", src="x")
        if "q=" not in path:
            assert nasty in page.text or nasty in words(page), path
    refused = client.submit("/awards/new", {**typed, "lead_email": nasty})
    assert refused.status_code == 422 and "<img src=x" not in refused.text


def test_only_officers_record(world_at: Worlds, client_for: Clients) -> None:
    world = world_at()
    for who in ("lead", "member", "mentor", "committee", "finance", "admin"):
        client = client_for(getattr(world, who))
        assert client.get("/awards/new").status_code == 403
        assert client.submit("/awards/new", WINNER).status_code == 403


# The list ----------------------------------------------------------------------------------------------------------


def test_the_list_says_whose_turn_it_is_and_narrows(session: Session, world_at: Worlds, client_for: Clients) -> None:
    world = world_at()
    world.award.project, world.award.organisation.legal_name = "Stock 100% on_line", "Cámara Única"
    world.other_award.stage = Stage.CLOSED
    session.commit()
    client = client_for(world.finance)
    page = client.page("/awards")
    assert "2 awards" in words(page) and not page.find("a", href="/awards/new")
    row = next(tr for tr in page.select("tbody tr") if "Stock" in tr.text)
    assert "The team: Submit the workplan and budget" in words(row) and "14 days left" in words(row)
    for query, count in {
        "q=stock": 1,
        "q=ÚNICA": 1 if session.get_bind().dialect.name == "postgresql" else 0,
        "q=nica": 1,
        f"q={world.code}": 1,
        # Signs that mean something to LIKE are only themselves.
        "q=100%25": 1,
        "q=on_line": 1,
        "q=_": 1,
        "q=%25%25": 0,
        "stage=closed": 1,
        "stage=workplan": 1,
        "stage=nonsense": 0,
        "call=another-call": 1,
        "call=another-call&stage=workplan": 0,
    }.items():
        page = client.page(f"/awards?{query}")
        assert len(page.select("tbody tr")) == count, query
        if not count:
            assert "No award matches" in words(page) and page.find("a", string="Show all awards")


def test_an_empty_list_says_what_to_do(officer: m.Person, client_for: Clients) -> None:
    page = client_for(officer).page("/awards")
    assert "No award yet" in words(page) and page.find("a", href="/awards/new")


def test_the_list_costs_the_same_for_ten_times_the_awards(
    app: Flask, session: Session, world_at: Worlds, client_for: Clients
) -> None:
    world = world_at()
    client = client_for(world.officer)

    def more(count: int) -> None:
        from lab.services import stages

        for _ in range(count):
            stages.settle(make_award(session, world.call, world.officer), world.award.created_at)
        session.commit()

    def statements(path: str = "/awards") -> int:
        with counted(app) as seen:
            client.page(path)
        return len(seen)

    before = statements()
    more(20)
    assert statements() == before <= 8
    more(20)
    page = client.page("/awards?page=2")
    assert len(page.select("tbody tr")) == 17 and "Page 2 of 2" in words(page)
    assert statements("/awards?page=2") == before
    assert client.page("/awards?page=99").select("tbody tr"), "beyond the end is the last page"


# The overview ------------------------------------------------------------------------------------------------------


def test_each_role_sees_what_is_next_for_it(world_at: Worlds, client_for: Clients) -> None:
    world = world_at()
    for who, title in {
        "lead": "Submit the workplan and budget",
        "member": "Submit the workplan and budget",
        "officer": "Waiting for: The team",
        "finance": "Waiting for: The team",
        "mentor": "Waiting for: The team",
        "committee": "Waiting for: The team",
    }.items():
        page = client_for(getattr(world, who)).page(f"/awards/{world.code}")
        step = page.select_one(".next-step h2")
        assert step is not None and step.text == title, who
        turns = {summary.text for summary in page.select("#steering ~ details summary")}
        assert turns == {
            "officer": {"Suspend the award", "Terminate the award"}, "lead": {"Withdraw from the award"},
        }.get(who, set()), who  # fmt: skip
        assert bool(page.find("summary", string="Invite somebody")) is (who in ("lead", "officer"))
    link = client_for(world.lead).page(f"/awards/{world.code}").select_one(".next-step a")
    assert link is not None and link["href"] == f"/awards/{world.code}/workplan/edit"


def test_an_ended_award_has_nothing_left_to_do(session: Session, world_at: Worlds, client_for: Clients) -> None:
    world = world_at()
    client_for(world.officer).submit(f"/awards/{world.code}/steer/terminate", {"reason": "Fraud"})
    for who in (world.lead, world.officer):
        page = client_for(who).page(f"/awards/{world.code}")
        assert "Nothing is due any more" in words(page)
        assert not page.find("summary", string="Invite somebody") and not page.select("#steering")


def test_a_prize_that_its_call_no_longer_names_is_no_error(
    session: Session, world_at: Worlds, client_for: Clients
) -> None:
    world = world_at()
    world.award.prize = "gone"
    session.commit()
    assert "gone" in words(client_for(world.lead).page(f"/awards/{world.code}"))


def test_the_days_shown_are_the_reader_s(session: Session, world_at: Worlds, client_for: Clients) -> None:
    """Suspended at half past eleven at night in UTC: already tomorrow in Geneva, still today in Guayaquil."""
    from datetime import UTC, datetime

    world = world_at()
    world.award.stage, world.award.suspended_from = Stage.SUSPENDED, Stage.WORKPLAN
    world.award.stage_since = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
    session.commit()
    for who, day in ((world.officer, "2 Mar 2026"), (world.lead, "1 Mar 2026")):
        page = client_for(who).page(f"/awards/{world.code}")
        assert f"Suspended since {day}" in words(page)


def test_the_overview_costs_the_same_for_ten_times_the_duties_and_people(
    app: Flask, session: Session, world_at: Worlds, client_for: Clients, now: Any
) -> None:
    from lab.rules.obligations import ObligationKind, Party
    from tests.factories import join

    world = world_at()
    client = client_for(world.officer)

    def more(count: int) -> None:
        for _ in range(count):
            key = f"milestone:{session.scalar(select(func.count()).select_from(m.Obligation))}"
            steps.owe(
                world.award, ObligationKind.REACH_MILESTONE, Party.TEAM, Party.OFFICER, now, now, key=key, title="x"
            )
            join(session, world.award, Role.MEMBER)
        session.commit()

    def statements() -> int:
        with counted(app) as seen:
            client.page(f"/awards/{world.code}")
        return len(seen)

    more(2)
    before = statements()
    more(20)
    assert statements() == before <= 12


# Team --------------------------------------------------------------------------------------------------------------


def test_inviting_and_taking_off(session: Session, world_at: Worlds, client_for: Clients) -> None:
    world = world_at()
    client, home = client_for(world.lead), f"/awards/{world.code}"
    answer = client.submit(f"{home}/team", {"name": "Ana New", "email": "ana@team.example", "role": "member"})
    assert (answer.status_code, answer.location) == (303, f"{home}#team")
    page = client.page(home)
    assert "Ana New has been invited by e-mail." in words(page) and "invited" in words(page)
    ana = session.scalars(select(m.Person).where(m.Person.email == "ana@team.example")).one().id
    session.rollback()
    assert client.submit(f"{home}/team/{ana}/invite").status_code == 303
    assert client.submit(f"{home}/team/{ana}/remove").status_code == 303
    assert "ana@team.example" not in client.page(home).text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"name": "", "email": "ana@team.example", "role": "member"}, "Give the person's full name"),
        ({"name": "Ana", "email": "", "role": "member"}, "Give the e-mail address"),
        ({"name": "Ana", "email": "ana", "role": "member"}, "is not an e-mail address"),
        ({"name": "Ana", "email": "ana@team.example", "role": "mentor"}, "role"),
        ({"name": "Ana", "email": "ana@team.example", "role": "admin"}, "role"),
        ({"name": "Ana", "email": "ana@team.example"}, "role"),
    ],
)
def test_a_wrong_invitation_is_refused_with_what_was_typed(
    session: Session, world_at: Worlds, client_for: Clients, typed: dict[str, str], said: str
) -> None:
    world = world_at()
    before = rows(session)
    answer = client_for(world.lead).submit(f"/awards/{world.code}/team", typed)
    assert answer.status_code == 422
    page = soup(answer.text)
    details = next(d for d in page.select("#team ~ details") if "Invite somebody" in d.text)
    assert details.has_attr("open"), "the form is open where the problem is"
    if said == "role":
        assert details.find(id="invite-role-error")
    else:
        assert said in words(details)
    for name in ("name", "email"):
        control = details.find("input", {"name": name})
        assert control is not None and control.get("value", "") == typed[name]
    assert rows(session) == before


def test_the_lead_stays_and_mentors_are_the_officer_s(world_at: Worlds, client_for: Clients) -> None:
    world = world_at()
    home = f"/awards/{world.code}"
    client = client_for(world.lead)
    for who, said in ((world.lead, "always has its team lead"), (world.mentor, "named by the programme officer")):
        client.submit(f"{home}/team/{who.id}/remove")
        page = client.page(home)
        assert said in words(page) and who.email in page.text
    page = client_for(world.officer).page(home)
    assert page.find("form", action=f"{home}/team/{world.mentor.id}/remove")
    assert client_for(world.officer).submit(f"{home}/team/{world.other_lead.id}/remove").status_code == 404


# Steering ----------------------------------------------------------------------------------------------------------


def test_suspend_resume_and_withdraw(session: Session, world_at: Worlds, client_for: Clients) -> None:
    world = world_at()
    home = f"/awards/{world.code}"
    officer, lead = client_for(world.officer), client_for(world.lead)
    assert officer.submit(f"{home}/steer/suspend", {"reason": "An audit question"}).status_code == 303
    page = officer.page(home)
    assert "The award is suspended" in words(page)
    assert {s.text for s in page.select("#steering ~ details summary")} == {"Resume the award", "Terminate the award"}
    assert officer.submit(f"{home}/steer/resume", {"reason": "Answered"}).status_code == 303
    assert lead.submit(f"{home}/withdraw", {"reason": "We lost our partner"}).status_code == 303
    text = words(lead.page(f"{home}/timeline"))
    for said in ("Award suspended: An audit question", "Award resumed: Answered", "Team withdrew: We lost our partner"):
        assert said in text
    assert "Olivia Officer" in text and "Lucía Lead" in text


@pytest.mark.parametrize("turn", ["suspend", "terminate"])
@pytest.mark.parametrize("reason", ["", " \n\t", "x" * 4001])
def test_a_turn_without_a_fit_reason_is_refused_where_it_was_typed(
    session: Session, world_at: Worlds, client_for: Clients, turn: str, reason: str
) -> None:
    world = world_at()
    before = rows(session)
    answer = client_for(world.officer).submit(f"/awards/{world.code}/steer/{turn}", {"reason": reason})
    assert answer.status_code == 422
    page = soup(answer.text)
    field = page.find("textarea", id=f"{turn}-reason")
    assert field is not None and field.find_parent("details").has_attr("open")  # type: ignore[union-attr]
    assert field["aria-invalid"] == "true"
    assert len(page.select("textarea[aria-invalid]")) == 1, "the other turn's form has no error"
    if reason.strip():
        assert reason in field.text
    assert rows(session) == before


def test_who_comes_second_is_told_why_nothing_happened(session: Session, world_at: Worlds, client_for: Clients) -> None:
    world = world_at()
    client = client_for(world.officer)
    path = f"/awards/{world.code}/steer/suspend"
    assert client.submit(path, {"reason": "First"}).status_code == 303
    answer = client.submit(path, {"reason": "Second, typed at length"})
    assert answer.status_code == 422
    page = words(soup(answer.text))
    assert "This is not possible in the stage the award is in: Suspended." in page
    assert "Second, typed at length" in page, "what was typed is not lost"
    session.rollback()
    assert session.scalar(select(func.count()).where(m.Event.kind == "award_suspended")) == 1


def test_turns_that_are_none(world_at: Worlds, client_for: Clients) -> None:
    world = world_at()
    officer = client_for(world.officer)
    assert officer.submit(f"/awards/{world.code}/steer/close", {"reason": "x"}).status_code == 404
    assert officer.submit(f"/awards/{world.code}/steer/withdraw", {"reason": "x"}).status_code == 403
    assert officer.submit(f"/awards/{world.code}/withdraw", {"reason": "x"}).status_code == 403
    assert client_for(world.lead).submit(f"/awards/{world.code}/steer/suspend", {"reason": "x"}).status_code == 403


# Timeline ----------------------------------------------------------------------------------------------------------


def test_the_timeline_is_in_words_with_who_and_when(session: Session, officer: m.Person, client_for: Clients) -> None:
    client = client_for(officer)
    home = client.submit("/awards/new", WINNER).location
    text = words(client.page(f"{home}/timeline"))
    assert "Award recorded: First prize, USD 30,000.00, notice of 23 Feb 2026" in text
    assert "Lucía Lead invited as team lead" in text and "Maya Mentor invited as mentor" in text
    assert "Olivia Officer" in text and "2 Mar 2026, 13:0" in text, "noon in UTC is one o'clock in Geneva"


def test_a_timeline_costs_the_same_for_ten_times_the_events(
    app: Flask, session: Session, world_at: Callable[..., World], client_for: Clients
) -> None:
    world = world_at()
    client = client_for(world.lead)

    def statements() -> int:
        with counted(app) as seen:
            client.page(f"/awards/{world.code}/timeline")
        return len(seen)

    def more(count: int) -> None:
        for n in range(count):
            steps.record(world.award, "lesson_written", world.actor(world.member), world.award.created_at, title=str(n))
        session.commit()
        world.again()

    more(4)
    few = statements()
    more(36)
    assert statements() == few <= 8


def test_a_long_timeline_has_pages_and_an_empty_one_says_so(
    session: Session, world_at: Worlds, client_for: Clients, now: Any
) -> None:
    world = world_at()
    client = client_for(world.lead)
    assert "Nothing yet" in words(client.page(f"/awards/{world.code}/timeline"))
    for n in range(60):
        steps.record(world.award, "lesson_written", world.actor(world.lead), now, title=f"Lesson number {n}")
    session.commit()
    first, second = (client.page(f"/awards/{world.code}/timeline?page={n}") for n in (1, 2))
    assert len(first.select("ol.timeline li")) == 50 and len(second.select("ol.timeline li")) == 10
    assert "Lesson number 59" in first.text and "Lesson number 0" in second.text
    assert first.find("a", rel="next") and second.find("a", rel="prev") and not second.find("a", rel="next")


def test_without_a_prize_the_rest_is_told_at_once(
    world_at: Callable[..., World], client_for: Callable[[m.Person | None], PageClient]
) -> None:
    world = world_at()
    answer = client_for(world.officer).submit("/awards/new", {})
    assert answer.status_code == 422
    for words in ("Choose one of the prizes", "legal name", "Give the currency", "Give the day of the notice"):
        assert words in answer.text, words


def test_a_suspended_award_stands_still(
    world_at: Callable[..., World], client_for: Callable[[m.Person | None], PageClient]
) -> None:
    world = world_at(Stage.SUSPENDED)
    page = client_for(world.lead).page(f"/awards/{world.code}")
    assert page.text.count("The award stands still") == 2
    listed = client_for(world.officer).page("/awards")
    row = next(row for row in listed.find_all("tr") if world.award.project in row.text)
    assert "left" not in row.text
    assert "late" not in row.text
