"""The log of security events as an administrator reads it and takes it out, and one's own on the account page."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lab.models import Person, SecurityEvent
from lab.queries import security_events as queries
from lab.rules.errors import NotAllowed
from lab.rules.facts import Actor, Role
from lab.rules.permissions import Action
from lab.rules.security_events import KIND_NAMES, SecurityEventKind
from lab.services.security_events import Place, note, note_export
from tests import factories
from tests.conftest import counted
from tests.web.pages import PageClient

ClientFor = Callable[..., PageClient]
Kind = SecurityEventKind
# In the year before any sign-in that a test makes.
DAY = datetime(2025, 3, 10, 12, tzinfo=UTC)
HERE = Place("192.0.2.7", "", "/somewhere")
FORMULA = '=HYPERLINK("https://evil.example";"x")'


@pytest.fixture
def admin(session: Session) -> Person:
    found = factories.person(session, Role.ADMIN, name="Adam Admin", time_zone="America/Guayaquil")
    session.commit()
    return found


@pytest.fixture
def ana(session: Session) -> Person:
    found = factories.person(session, name="Ana Andrade", email="ana@team.example", time_zone="Europe/Zurich")
    session.commit()
    return found


def happen(
    session: Session,
    kind: Kind,
    at: datetime = DAY,
    actor: Person | None = None,
    subject: Person | None = None,
    place: Place = HERE,
    action: str = "",
    **details: object,
) -> None:
    who = Actor(person_id=actor.id, name=actor.name) if actor else None
    note(kind, who, at, place, subject_id=subject.id if subject else None, action=action, **details)
    session.commit()


def listed(client: PageClient, query: str = "") -> list[str]:
    """The rows of the log before 2026 (signing in as an administrator adds one of today), as text."""
    page = client.page(f"/security?until=2025-12-31&{query}")
    return [" ".join(row.get_text(" ").split()) for row in page.select("tbody tr")]


def test_a_log_with_nothing_in_it_says_what_will_be(client_for: ClientFor, admin: Person) -> None:
    client = client_for(admin)
    page = client.page("/security?until=2001-01-01")
    assert "No event matches" in page.text and not page.find("button", {"name": "format"})
    # The administrator's own sign-in is there already.
    assert "signed in" in client.page("/security").select_one("tbody tr").text


def test_each_row_says_when_what_who_whose_from_where_and_what_was_asked_for(
    session: Session, client_for: ClientFor, admin: Person, ana: Person
) -> None:
    happen(session, Kind.ROLE_GIVEN, actor=admin, subject=ana, role="officer")
    happen(session, Kind.REFUSED, DAY + timedelta(hours=1), actor=ana, action="see_payments", method="GET")
    happen(session, Kind.SIGN_IN_FAILED, DAY + timedelta(hours=2), email="nobody@evil.example")
    failed, refused, given = listed(client_for(admin))
    for text in (
        "wrong address or password",
        "nobody signed in",
        "address typed: nobody@evil.example",
        "9:00",
        "192.0.2.7",
    ):
        assert text in failed, text
    for text in ("refused", "Ana Andrade", "ana@team.example", "see payments (GET /somewhere)", "8:00"):
        assert text in refused, text
    for text in ("role given", "Adam Admin", "Account: Ana Andrade (ana@team.example)", "role: officer", "7:00"):
        assert text in given, text


def test_the_filters_narrow_by_kind_person_address_and_days(
    session: Session, client_for: ClientFor, admin: Person, ana: Person
) -> None:
    happen(session, Kind.SIGNED_IN, actor=ana, subject=ana)
    happen(session, Kind.ROLE_GIVEN, actor=admin, subject=ana, place=Place("2001:db8::1"))
    happen(session, Kind.SIGN_IN_FAILED, email="ANA@team.example", place=Place("198.51.100.9"))
    happen(session, Kind.SIGNED_IN, actor=admin, subject=admin, place=Place("192.0.2.77"))
    client = client_for(admin)
    assert len(listed(client)) == 4
    assert len(listed(client, "kind=signed_in")) == 2
    assert len(listed(client, "kind=no_such_kind")) == 4, "an unknown kind filters nothing"
    assert len(listed(client, "who=ana@")) == 3, "who did it, whose account it was, and what was typed"
    assert len(listed(client, "who=ANDRADE")) == 2
    assert len(listed(client, "who=%25")) == 0, "signs of the query language are letters here"
    assert len(listed(client, "address=192.0.2.7")) == 2, "the beginning of an address"
    assert len(listed(client, "address=2001:DB8:")) == 1
    assert len(listed(client, "kind=signed_in&who=ana&address=192.0.2.7")) == 1
    assert "No event matches" in client.page("/security?who=somebody").text


@pytest.mark.parametrize(
    ("days", "count"),
    [
        ("since=2025-03-10&until=2025-03-10", 2), ("since=2025-03-11", 1), ("until=2025-03-09", 1),
        ("since=2025-03-09&until=2025-03-11", 4), ("since=2025-03-12", 0),
    ],
)  # fmt: skip
def test_days_are_the_readers_own(
    session: Session, client_for: ClientFor, admin: Person, days: str, count: int
) -> None:
    """In Guayaquil a day begins five hours after it does in UTC."""
    for hours in (4, 5, 28, 29):
        happen(session, Kind.SIGNED_OUT, datetime(2025, 3, 10, tzinfo=UTC) + timedelta(hours=hours))
    page = client_for(admin).page(f"/security?kind=signed_out&{days}")
    assert len(page.select("tbody tr")) == count


@pytest.mark.parametrize(
    ("query", "text"),
    [("since=10.03.2025", "Give a day such as"), ("until=2025-02-30", "Give a day such as"),
     ("since=2025-03-11&until=2025-03-10", "before the first one")],
)  # fmt: skip
def test_a_day_that_cannot_be_read_is_said_and_kept(
    client_for: ClientFor, admin: Person, query: str, text: str
) -> None:
    page = client_for(admin).page(f"/security?{query}")
    field = page.find("input", {"aria-invalid": "true"})
    assert text in page.find(id=field["aria-describedby"]).text
    assert query.endswith(field["value"]), "what was typed is still there"
    assert not page.find("button", {"name": "format"}), "a list that was not asked for cannot be taken out"


@pytest.mark.parametrize(
    "query",
    ["before=x", "before=-1", "before=99999999999999999999", "since=0001-01-01&until=9999-12-31", "kind=%3Cscript%3E",
     "who=" + "x" * 3000, "address=%25%25", "since=%EF%BC%92%EF%BC%90", "before=1&before=2"],
)  # fmt: skip
def test_odd_questions_get_a_page(client_for: ClientFor, admin: Person, query: str) -> None:
    client_for(admin).page(f"/security?{query}")


def test_pages_follow_each_other_without_a_gap(
    app: Flask, session: Session, client_for: ClientFor, admin: Person
) -> None:
    # Several at one instant: their order still holds from page to page.
    for n in range(queries.PAGE * 2 + 5):
        happen(session, Kind.SIGNED_OUT, DAY + timedelta(seconds=n // 4), place=Place("192.0.2.1", "", f"/page/{n}"))
    client, path, seen, pages = client_for(admin), "/security?kind=signed_out&who=", [], 0
    while path:
        page = client.page(path)
        seen += [int(found) for found in re.findall(r"/page/(\d+)", page.find("table").text)]
        pages += 1
        assert bool(page.find("a", string="Back to the newest")) == (pages > 1)
        following = page.find("a", rel="next")
        path = following["href"] if following else ""
        assert not path or "kind=signed_out" in path, "the filter goes along"
    assert seen == list(reversed(range(queries.PAGE * 2 + 5))) and pages == 3


def test_statements_stay_the_same_with_more_events(
    app: Flask, session: Session, client_for: ClientFor, admin: Person
) -> None:
    client = client_for(admin)

    def statements(path: str) -> int:
        with counted(app) as seen:
            client.page(path)
        return len(seen)

    few = statements("/security"), statements("/account")
    for n in range(60):
        somebody = factories.person(session, name=f"Person {n}")
        happen(session, Kind.SIGNED_IN, actor=somebody, subject=admin)
    assert (statements("/security"), statements("/account")) == few
    assert few[0] <= 4


def rows_of_csv(answer: Any) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"), newline=""), strict=True))


def texts_of_xlsx(answer: Any) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(answer.data)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet and "<f " not in sheet
    return re.findall(r"<t[^>]*>([^<]*)</t>", sheet)


def take_out(client: PageClient, **form: str) -> Any:
    return client.post("/security/export", data={"csrf_token": client.token(), **form})


def exports(session: Session) -> list[Mapping[str, Any]]:
    session.rollback()
    return [event.details for event in session.scalars(select(SecurityEvent).filter_by(kind=Kind.EXPORTED))]


def test_the_filtered_log_as_csv(session: Session, client_for: ClientFor, admin: Person, ana: Person) -> None:
    ana.name = FORMULA
    session.commit()
    happen(session, Kind.REFUSED, actor=ana, action="see_payments", place=Place("192.0.2.7", "", "/a;=1"), method="GET")
    happen(session, Kind.SIGNED_OUT, actor=ana)
    answer = take_out(client_for(admin), format="csv", kind="refused", until="2025-12-31")
    assert answer.status_code == 200 and answer.content_type == "text/csv; charset=utf-8"
    assert re.fullmatch(
        r'attachment; filename="security-events-2026-03-02\.csv"', answer.headers["Content-Disposition"]
    )
    assert answer.headers["X-Content-Type-Options"] == "nosniff" and answer.headers["Cache-Control"] == "no-store"
    headings, row = rows_of_csv(answer)
    assert headings[0] == "When (America/Guayaquil)" and len(headings) == len(set(headings)) == 10
    assert row == [
        "2025-03-10T07:00:00-05:00", "refused", FORMULA.replace("=", "'=", 1), "ana@team.example", "", "", "192.0.2.7",
        "see_payments", "/a;'=1", "method: GET",
    ]  # fmt: skip


def test_the_log_as_excel(session: Session, client_for: ClientFor, admin: Person, ana: Person) -> None:
    happen(session, Kind.SIGN_IN_FAILED, email="=1+1@evil.example", subject=ana)
    answer = take_out(client_for(admin), format="xlsx", until="2025-12-31")
    assert answer.headers["Content-Disposition"].endswith('.xlsx"') and "spreadsheetml" in answer.content_type
    texts = texts_of_xlsx(answer)
    assert "wrong address or password" in texts and "address typed: =1+1@evil.example" in texts


def test_taking_the_log_out_is_noted_before_it_leaves(session: Session, client_for: ClientFor, admin: Person) -> None:
    client = client_for(admin)
    answer = take_out(client, format="csv", who="ana")
    assert exports(session) == [{"what": "security events", "format": "csv", "filters": "who=ana"}]
    assert rows_of_csv(take_out(client, format="csv"))[1][1] == "list taken out", "the log that leaves tells of it"
    assert len(rows_of_csv(answer)) == 1
    assert len(exports(session)) == 2, "each time, as often as the button is pressed"


def test_what_cannot_be_taken_out(session: Session, client_for: ClientFor, admin: Person, ana: Person) -> None:
    client = client_for(admin)
    assert take_out(client, format="pdf").status_code == 422
    assert take_out(client, format="csv", since="soon").status_code == 422, "never more than was asked for"
    assert client.post("/security/export", data={"format": "csv"}).status_code == 400
    assert client.get("/security/export").location == "/security", "the page that the form stands on"
    officer = factories.person(session, Role.OFFICER)
    session.commit()
    assert take_out(client_for(officer), format="csv").status_code == 403
    client_for(officer).page("/security", 403)
    assert not exports(session)
    with pytest.raises(NotAllowed):
        note_export(Actor(ana.id, "Ana"), Action.EXPORT_SECURITY, DAY, Place(), "security events")


def test_a_long_log_leaves_up_to_its_limit(
    session: Session, client_for: ClientFor, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "EXPORT_LIMIT", 20)
    for n in range(30):
        happen(session, Kind.SIGNED_OUT, DAY + timedelta(minutes=n), place=Place("", "", f"/page/{n}"))
    rows = rows_of_csv(take_out(client_for(admin), format="csv", until="2025-12-31"))
    assert [row[8] for row in rows[1:]] == [f"/page/{n}" for n in range(29, 9, -1)], "the newest"
    assert "50,000" in client_for(admin).page("/security").text


def test_the_way_from_an_account_to_its_events(
    session: Session, client_for: ClientFor, admin: Person, ana: Person
) -> None:
    happen(session, Kind.PASSWORD_CHANGED, actor=ana, subject=ana)
    client = client_for(admin)
    link = client.page(f"/people/{ana.id}").find("a", string="Security events of this person")
    page = client.page(link["href"])
    assert "password changed" in page.find("tbody").text and len(page.select("tbody tr")) == 1
    assert client.page("/security").select_one(".site-nav [aria-current]").text == "Security"


def test_everybody_sees_what_happened_to_their_own_account(
    session: Session, client_for: ClientFor, admin: Person, ana: Person
) -> None:
    other = factories.person(session, name="Otto Other")
    happen(session, Kind.SIGN_IN_FAILED, subject=ana, place=Place("198.51.100.9"), email="ana@team.example")
    happen(session, Kind.ROLE_GIVEN, actor=admin, subject=ana, place=Place("203.0.113.5"), role="officer")
    happen(session, Kind.SIGNED_IN, actor=other, subject=other, place=Place("192.0.2.200"))
    happen(session, Kind.ROLE_GIVEN, actor=ana, subject=other)
    page = client_for(ana).page("/account")
    texts = [" ".join(item.text.split()) for item in page.find(id="account-events").parent.select("li")]
    assert len(texts) == 3 and texts[0].startswith("signed in"), "this sign-in, and the two about Ana; no other's"
    text = " ".join(texts)
    assert "wrong address or password" in text and "from 198.51.100.9" in text
    assert "role given" in text and "by Adam Admin" in text
    assert "203.0.113.5" not in text, "where somebody else sits is not hers to know"


def test_own_events_are_the_newest(session: Session, client_for: ClientFor, ana: Person) -> None:
    for n in range(20):
        happen(session, Kind.SIGNED_OUT, DAY + timedelta(days=n), actor=ana, subject=ana)
    found = queries.own_events(session, ana.id, 12)
    assert [event.at for event in found] == [DAY + timedelta(days=n) for n in range(19, 7, -1)]
    assert len(client_for(ana).page("/account").find(id="account-events").parent.select("li")) == 12


def test_markup_in_what_was_typed_is_text(session: Session, client_for: ClientFor, admin: Person) -> None:
    nasty = "<img src=x onerror=alert(1)>"
    happen(session, Kind.SIGN_IN_FAILED, place=Place(nasty, "", f"/{nasty}"), email=nasty, action=nasty)
    page = client_for(admin).page("/security?until=2025-12-31&who=" + nasty.replace(" ", "+"))
    assert not page.find("main").find("img") and page.find("tbody").text.count("onerror") == 4


def test_every_kind_has_its_words(session: Session) -> None:
    assert set(KIND_NAMES) == set(SecurityEventKind)
    assert session.scalar(select(func.count()).select_from(SecurityEvent)) == 0
