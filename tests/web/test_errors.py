"""Refusals as pages: each says what happened and what to do next, nothing is stored, and none is a 500."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import event, func, select
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from lab.extensions import db
from lab.models import Award, Event, Lesson
from lab.rules.facts import Stage
from tests.factories import World
from tests.web.pages import PageClient, lint

Clients = Callable[..., PageClient]
Worlds = Callable[..., World]


def says(html: str, *words: str) -> None:
    page = lint(html, "error page")
    text = " ".join(page.find("main").get_text(" ").split())  # type: ignore[union-attr]
    for word in words:
        assert word in text, text


def test_404_of_a_stranger_and_of_nothing_are_the_same(world_at: Worlds, client_for: Clients) -> None:
    world = world_at()
    client = client_for(world.other_lead)
    theirs, nothing = client.get(f"/awards/{world.code}"), client.get("/awards/no-such-award")
    assert theirs.status_code == nothing.status_code == 404
    says(theirs.text, "Error 404", "Not found", "not yours to see", "begin on the start page")
    assert lint(theirs.text, "a").main == lint(nothing.text, "b").main
    says(client.get("/no/such/page").text, "Error 404", "start from the start page")


def test_403_names_whom_to_ask(world_at: Worlds, client_for: Clients) -> None:
    world = world_at()
    answer = client_for(world.member).submit(f"/awards/{world.code}/steer/suspend", {"reason": "No"})
    assert answer.status_code == 403
    says(answer.text, "Not for your role", "another role", "ask the programme officer")


@pytest.mark.parametrize(
    ("rest", "above"),
    [
        ("/withdraw", ""), ("/withdraw?next=https://evil.example", ""), ("/agreement/open", "/agreement"),
        ("/agreement/take-back", "/agreement"), ("/agreement/duties/7", "/agreement"), ("/agreement/checks/references", "/agreement"),
        ("/agreement/checks/references/reopen", "/agreement"), ("/agreement/sign/ilo", "/agreement"),
        ("/agreement/clauses/disputes/change", "/agreement/clauses/disputes"),
    ],
)  # fmt: skip
def test_whoever_loads_the_address_of_a_form_gets_the_page_that_it_stands_on(
    world_at: Worlds, client_for: Clients, rest: str, above: str
) -> None:
    world = world_at()
    answer = client_for(world.lead).get(f"/awards/{world.code}{rest}")
    assert (answer.status_code, answer.location) == (303, f"/awards/{world.code}{above}")


def test_405_of_the_address_of_a_form_whose_page_is_not_ones_own(world_at: Worlds, client_for: Clients) -> None:
    world = world_at()
    form = f"/awards/{world.code}/agreement/open"
    lead = client_for(world.lead)
    for client, path in (
        # Nobody learns from it which awards there are, nor is sent on to a page that they may not see.
        (client_for(world.other_lead), form),
        (lead, "/awards/no-such-award/agreement/open"),
        (client_for(world.mentor), form),
        (client_for(None), form),
        # The start page is no form's, and neither is one that is for people who are not signed in.
        (lead, "/logout"),
        (lead, "/login/passkey"),
    ):
        answer = client.get(path)
        assert answer.status_code == 405, path
        says(answer.text, "Not possible this way", "Go back")
    assert lead.get(form, headers={"X-Requested-With": "fetch"}).status_code == 405
    assert lead.open(form, method="PUT", headers={"X-CSRFToken": lead.token()}).status_code == 405


@pytest.mark.parametrize("path", ["/awards/%00", "/awards?q=a%00b", "/awards/%00/workplan/edit"])
def test_a_nul_is_refused_and_no_error_of_the_database(world_at: Worlds, client_for: Clients, path: str) -> None:
    answer = client_for(world_at().officer).get(path)
    assert answer.status_code == 400
    says(answer.text, "The request was not understood")


def test_a_nul_in_a_form_is_refused_and_stores_nothing(session: Session, world_at: Worlds, client_for: Clients) -> None:
    world = world_at()
    answer = client_for(world.officer).submit(f"/awards/{world.code}/steer/suspend", {"reason": "a\0b"})
    assert answer.status_code == 400
    session.rollback()
    assert session.scalar(select(func.count()).where(Event.kind == "award_suspended")) == 0


@pytest.mark.parametrize("number", ["2147483648", "9" * 30])
def test_a_number_that_no_row_can_have_is_no_page(world_at: Worlds, client_for: Clients, number: str) -> None:
    world = world_at()
    client = client_for(world.officer)
    assert client.get(f"/awards/{world.code}/workplan/versions/{number}").status_code == 404
    assert client.submit(f"/awards/{world.code}/team/{number}/remove").status_code == 404


@pytest.mark.parametrize("page", ["0", "-1", "9" * 30, "x", ""])
def test_a_strange_page_number_shows_a_page(world_at: Worlds, client_for: Clients, page: str) -> None:
    world = world_at()
    client = client_for(world.officer)
    client.page(f"/awards?page={page}")
    client.page(f"/awards/{world.code}/timeline?page={page}")


def test_409_of_a_form_says_that_nothing_was_changed(session: Session, world_at: Worlds, client_for: Clients) -> None:
    """What a script sends gets the reason and the remedy as data."""
    world = world_at()
    world.award.stage, world.award.ended_at = Stage.LAPSED, world.award.created_at
    session.commit()
    client = client_for(world.lead)
    path = f"/awards/{world.code}/workplan/draft"
    answer = client.submit(path, {"summary": "x", "revision": "0"}, headers={"X-Requested-With": "fetch"})
    assert answer.status_code == 409 and answer.is_json
    assert "Lapsed" in answer.json["error"] and "Nothing was changed" in answer.json["remedy"]  # type: ignore[index]
    page = client.submit(path, {"summary": "x", "revision": "0"})
    assert page.status_code == 409
    says(page.text, "Not possible now", "Lapsed", "Nothing was changed")


def test_413_says_how_much_is_taken(app: Flask, world_at: Worlds, client_for: Clients) -> None:
    world = world_at()
    client = client_for(world.lead)
    answer = client.submit(f"/awards/{world.code}/workplan/edit", {"summary": "x" * (3 * 1024 * 1024)})
    assert answer.status_code == 413
    says(answer.text, "Too large", "up to 3 MB", "Nothing was stored")


def test_422_keeps_what_was_typed_and_says_what_to_do(session: Session, world_at: Worlds, client_for: Clients) -> None:
    world = world_at()
    answer = client_for(world.officer).submit(f"/awards/{world.code}/steer/terminate", {"reason": "  "})
    assert answer.status_code == 422
    says(answer.text, "There is a problem", "Give the reason in a sentence")
    session.rollback()
    assert session.get_one(Award, world.award.id).stage == Stage.WORKPLAN


class _Gone:
    """From the moment it is switched on, every statement fails as when the database is gone."""

    def __init__(self, app: Flask, error: Callable[[str], Exception]) -> None:
        self.on, self.error, self.after = False, error, 0
        with app.app_context():
            self.engine = db.engine
        event.listen(self.engine, "before_cursor_execute", self.fail)

    def fail(self, connection: object, cursor: object, statement: str, *rest: object) -> None:
        if self.on and not statement.startswith(("BEGIN", "PRAGMA")):
            if self.after:
                self.after -= 1
                return
            raise self.error(statement)

    def stop(self) -> None:
        event.remove(self.engine, "before_cursor_execute", self.fail)


def _operational(statement: str) -> Exception:
    return OperationalError(statement, {}, Exception("server closed the connection unexpectedly"))


def _interface(statement: str) -> Exception:
    return InterfaceError(statement, {}, Exception("connection already closed"))


@pytest.mark.parametrize("error", [_operational, _interface])
@pytest.mark.parametrize("after", [0, 1, 2, 4])
def test_503_when_the_database_is_gone_and_well_again_without_a_restart(
    app: Flask,
    world_at: Worlds,
    client_for: Clients,
    caplog: pytest.LogCaptureFixture,
    error: Callable[[str], Exception],
    after: int,
) -> None:
    world = world_at()
    client = client_for(world.officer)
    gone = _Gone(app, error)
    try:
        gone.on, gone.after = True, after
        answer = client.get(f"/awards/{world.code}")
        assert answer.status_code == 503, answer.text[:500]
        says(
            answer.text,
            "Error 503",
            "The database does not answer",
            "Nothing of what you sent was stored",
            "Wait a minute",
        )
        assert answer.headers["Retry-After"] == "60"
        assert answer.headers["Cache-Control"] == "no-store"
        gone.on = False
        client.page(f"/awards/{world.code}")
    finally:
        gone.stop()
    assert "the database did not answer" in caplog.text


def test_503_in_the_middle_of_a_form_stores_nothing_and_the_form_can_be_sent_again(
    app: Flask, session: Session, world_at: Worlds, client_for: Clients
) -> None:
    world = world_at(Stage.PILOT)
    client = client_for(world.lead)
    form = {"reason": "Our partner left", "form_key": "once-only"}
    gone = _Gone(app, _operational)
    try:
        gone.on, gone.after = True, 14
        answer = client.submit(f"/awards/{world.code}/withdraw", form)
        assert answer.status_code == 503
        gone.on = False
        session.rollback()
        session.expire_all()
        assert session.get_one(Award, world.award.id).stage == Stage.PILOT
        assert session.scalars(select(Lesson)).all() == []
        session.rollback()
        assert client.submit(f"/awards/{world.code}/withdraw", form).status_code == 303
    finally:
        gone.stop()


def test_a_mistake_of_ours_is_a_page_too_and_tells_nothing_of_the_inside(
    app: Flask, world_at: Worlds, client_for: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lab.web import award

    world = world_at()
    client = client_for(world.lead)

    def broken(*args: object) -> None:
        raise ZeroDivisionError("secret inside")

    monkeypatch.setattr(award, "list_events", broken)
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    answer = client.get(f"/awards/{world.code}/timeline")
    assert answer.status_code == 500
    says(answer.text, "Something went wrong", "Go back and try again")
    assert "secret" not in answer.text and "ZeroDivision" not in answer.text
