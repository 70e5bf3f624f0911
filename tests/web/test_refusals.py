"""Refusals leave a trace: who was refused what, from where; and nothing that is no refusal leaves one."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from lab import clock
from lab.models import SecurityEvent
from lab.rules.facts import Stage
from lab.rules.security_events import REFUSALS_A_MINUTE, SecurityEventKind
from lab.services import security_events
from lab.services.security_events import Place
from lab.web import access
from tests.factories import World
from tests.web.pages import PageClient

WorldAt = Callable[..., World]
ClientFor = Callable[..., PageClient]


def refusals(session: Session) -> list[SecurityEvent]:
    session.rollback()
    query = select(SecurityEvent).where(SecurityEvent.kind == SecurityEventKind.REFUSED).order_by(SecurityEvent.id)
    return list(session.scalars(query))


def test_a_role_that_may_not_is_noted(world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at()
    before = clock.wall()
    client_for(world.member).page(f"/awards/{world.code}/workplan/review", 403)
    client_for(world.officer).page("/people", 403)
    one, two = refusals(world.session)
    assert (one.actor_id, one.action, one.path) == (
        world.member.id, "review_workplan", f"/awards/{world.code}/workplan/review",
    )  # fmt: skip
    assert (one.address, one.details) == ("127.0.0.1", {"method": "GET"})
    assert before <= one.at <= clock.wall(), "the real instant, wherever the programme's clock stands"
    assert (two.actor_id, two.action, two.path) == (world.officer.id, "see_people", "/people")


def test_an_award_of_somebody_else_is_noted_though_the_answer_hides_it(
    world_at: WorldAt, client_for: ClientFor
) -> None:
    world = world_at()
    client = client_for(world.other_lead)
    hidden = client.get(f"/awards/{world.code}/payments")
    missing = client.get("/awards/no-such-award/payments")
    assert hidden.status_code == missing.status_code == 404
    # Each answer has a nonce of its own.
    plain = [re.sub(r'nonce="[^"]*"', "", answer.text) for answer in (hidden, missing)]
    assert plain[0].replace(world.code, "") == plain[1].replace("no-such-award", "")
    (found,) = refusals(world.session)
    assert (found.actor_id, found.action) == (world.other_lead.id, "see_payments")


def test_a_form_that_is_refused_is_noted_and_stores_nothing_else(world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at()
    answer = client_for(world.other_lead).submit(f"/awards/{world.code}/withdraw", {"reason": "Because"})
    assert answer.status_code == 404
    answer = client_for(world.member).submit(f"/awards/{world.code}/withdraw", {"reason": "Because"})
    assert answer.status_code == 403
    assert [(event.action, event.details["method"]) for event in refusals(world.session)] == [
        ("withdraw_award", "POST"), ("withdraw_award", "POST"),
    ]  # fmt: skip
    assert world.again().award.stage == Stage.WORKPLAN


def test_what_a_service_refuses_is_noted_too(
    world_at: WorldAt, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The door forgotten: the service still refuses, and its refusal is noted."""
    world = world_at()
    monkeypatch.setitem(access.DECLARED, "award.withdraw", access.Action.SEE_AWARD)
    assert client_for(world.mentor).submit(f"/awards/{world.code}/withdraw", {"reason": "So"}).status_code == 403
    (found,) = refusals(world.session)
    assert (found.actor_id, found.action) == (world.mentor.id, "withdraw_award")


@pytest.mark.parametrize(
    "path",
    ["/no-such-page", "/awards/no-such-award", "/awards/{code}/no-such-tab", "/awards/{code}/lab/versions/77",
     "/awards/{code}/files/999999", "/calls/no-such-call"],
)  # fmt: skip
def test_an_address_that_leads_nowhere_is_no_refusal(world_at: WorldAt, client_for: ClientFor, path: str) -> None:
    world = world_at(Stage.PROTOTYPING)
    client_for(world.officer).page(path.format(code=world.code), 404)
    client_for(world.other_lead).page("/awards/no-such-award", 404)
    assert not refusals(world.session)


def test_being_sent_to_sign_in_is_no_refusal(world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at()
    assert client_for(None).get(f"/awards/{world.code}").status_code == 302
    assert client_for(None).get("/security").status_code == 302
    assert not refusals(world.session)


def test_a_flood_is_noted_until_it_says_nothing_new(world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at()
    member = world.actor(world.member)
    here = Place("127.0.0.1", "", "/people")
    for _n in range(REFUSALS_A_MINUTE - 2):
        security_events.note_refusal(SecurityEventKind.REFUSED, member, clock.wall(), here, action="see_people")
    client = client_for(world.member)
    for _n in range(5):
        client.page("/people", 403)
    found = refusals(world.session)
    assert len(found) == REFUSALS_A_MINUTE
    assert "more" not in found[-2].details and "more" in found[-1].details, "the last one says that there may be more"
    # Another person, and the same from elsewhere, are still noted.
    client_for(world.mentor).page("/people", 403)
    client.get("/people", environ_base={"REMOTE_ADDR": "198.51.100.7"})
    assert [event.address for event in refusals(world.session)[REFUSALS_A_MINUTE:]] == ["127.0.0.1", "198.51.100.7"]


def test_after_a_minute_refusals_are_noted_again(world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at()
    past = clock.wall() - timedelta(seconds=61)
    for _n in range(REFUSALS_A_MINUTE):
        security_events.note_refusal(
            SecurityEventKind.REFUSED, world.actor(world.member), past, Place("127.0.0.1"), action="see_people"
        )
    client_for(world.member).page("/people", 403)
    assert len(refusals(world.session)) == REFUSALS_A_MINUTE + 1


def test_a_log_that_cannot_be_written_does_not_break_the_answer(
    world_at: WorldAt, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world = world_at()

    def fail(*args: object, **options: object) -> None:
        raise OperationalError("INSERT", {}, Exception("disk full"))

    monkeypatch.setattr("lab.web.refusals.note_refusal", fail)
    with caplog.at_level(logging.ERROR):
        page = client_for(world.member).page("/people", 403)
    assert "Not for your role" in page.text
    assert "could not be noted" in caplog.text and "/people" in caplog.text
    assert not refusals(world.session)


def test_the_log_is_only_ever_added_to(app: Flask, world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at()
    client_for(world.member).page("/people", 403)
    for statement in ("update security_event set action = 'x'", "delete from security_event"):
        with pytest.raises(Exception, match="append-only"):
            world.session.execute(text(statement))
        world.session.rollback()
    assert refusals(world.session)


def test_the_token_of_a_link_is_never_kept(app: Flask) -> None:
    from lab.web.whereabouts import place

    with app.test_request_context("/invitation/secret-token-123"):
        assert place().path == "/invitation/…"
    with app.test_request_context("/people", environ_base={"REMOTE_ADDR": "2001:db8::7"}):
        assert (place().path, place().address) == ("/people", "2001:db8::7")
