"""One-time keys: a form sent twice has one effect and one answer, later or at once, and a refused one can be mended."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from lab.models import Award, Event, FormKey, Mail, TeamMember
from lab.rules.facts import Stage
from lab.services import steps
from tests.factories import World
from tests.web.pages import PageClient

ANA = {"invite-name": "", "name": "Ana New", "email": "ana@team.example", "role": "member"}


def invitations(session: Session) -> int:
    session.rollback()
    return session.scalar(select(func.count()).where(Event.kind == "person_invited")) or 0


def test_the_same_form_twice_has_one_effect_and_the_same_answer(
    session: Session, world_at: Callable[..., World], client_for: Callable[..., PageClient]
) -> None:
    world = world_at()
    client, form = client_for(world.lead), {**ANA, "form_key": uuid4().hex}
    first = client.submit(f"/awards/{world.code}/team", form)
    second = client.submit(f"/awards/{world.code}/team", form)
    third = client.submit(f"/awards/{world.code}/team", {**form, "email": "eve@team.example"})
    assert [answer.status_code for answer in (first, second, third)] == [303, 303, 303]
    assert first.location == second.location == third.location
    assert invitations(session) == 1
    assert session.scalar(select(func.count()).where(Mail.to == "ana@team.example")) == 1
    page = client.page(f"/awards/{world.code}")
    assert "It is done. Your form came in twice and counted once." in page.text


def test_another_key_is_another_sending(
    session: Session, world_at: Callable[..., World], client_for: Callable[..., PageClient]
) -> None:
    world = world_at()
    client = client_for(world.lead)
    for name in ("ana", "eva"):
        client.submit(f"/awards/{world.code}/team", {**ANA, "email": f"{name}@team.example"})
    assert invitations(session) == 2


def test_a_form_that_was_refused_can_be_mended_under_its_key(
    session: Session, world_at: Callable[..., World], client_for: Callable[..., PageClient]
) -> None:
    world = world_at()
    client, key = client_for(world.lead), uuid4().hex
    path = f"/awards/{world.code}/team"
    assert client.submit(path, {**ANA, "email": "no address", "form_key": key}).status_code == 422
    session.rollback()
    assert session.get(FormKey, key) is None
    session.rollback()
    # The service refuses this one: she is on the award already.
    assert client.submit(path, {**ANA, "email": world.member.email, "form_key": key}).status_code == 422
    assert client.submit(path, {**ANA, "form_key": key}).status_code == 303
    assert invitations(session) == 1


def test_a_button_that_was_refused_can_be_pressed_again(
    session: Session, world_at: Callable[..., World], client_for: Callable[..., PageClient]
) -> None:
    world = world_at()
    world.lead.password = "set"
    session.commit()
    client, key = client_for(world.officer), uuid4().hex
    path = f"/awards/{world.code}/team/{world.lead.id}/invite"
    assert client.submit(path, {"form_key": key}).status_code == 303
    assert invitations(session) == 0, "who has joined is not invited again"
    world.lead.password = None
    session.commit()
    client.submit(path, {"form_key": key})
    assert invitations(session) == 1


def test_somebody_else_s_key_tells_nothing_of_where_it_led(
    session: Session, world_at: Callable[..., World], client_for: Callable[..., PageClient]
) -> None:
    world = world_at()
    key = uuid4().hex
    client_for(world.lead).submit(f"/awards/{world.code}/team", {**ANA, "form_key": key})
    answer = client_for(world.other_lead).submit(f"/awards/{world.other_award.code}/team", {**ANA, "form_key": key})
    assert (answer.status_code, answer.location) == (303, "/")
    assert invitations(session) == 1


@pytest.mark.parametrize("key", ["", "x" * 65, "x" * 5000, "ключ", "'; drop table form_key; --"])
def test_a_strange_key_is_no_error(
    world_at: Callable[..., World], client_for: Callable[..., PageClient], key: str
) -> None:
    world = world_at()
    answer = client_for(world.lead).submit(f"/awards/{world.code}/team", {**ANA, "form_key": key})
    assert answer.status_code in (303, 422)


def test_a_form_without_its_token_is_refused_before_its_key_is_used(
    session: Session, world_at: Callable[..., World], client_for: Callable[..., PageClient]
) -> None:
    world = world_at()
    client, key = client_for(world.lead), uuid4().hex
    for token in (None, "", "forged", PageClient.token(client_for(world.officer))):
        form = {**ANA, "form_key": key, **({} if token is None else {"csrf_token": token})}
        answer = client.post(f"/awards/{world.code}/team", data=form)
        assert answer.status_code == 400
        assert "This page had expired" in answer.text and "Open the page of the form anew" in answer.text
    assert session.get(FormKey, key) is None
    assert invitations(session) == 0


def _at_once(app: Flask, clients: list[PageClient], path: str, forms: list[dict[str, str]]) -> list[TestResponse]:
    """Send the forms at the same instant, each from a thread of its own."""
    gate, answers = threading.Barrier(len(clients)), []
    # Tokens first: making them writes to the client's session.
    ready: list[dict[str, str]] = [
        {**form, "csrf_token": client.token()} for client, form in zip(clients, forms, strict=True)
    ]

    def send(client: PageClient, form: dict[str, str]) -> None:
        gate.wait(10)
        answers.append(client.post(path, data=form))

    threads = [threading.Thread(target=send, args=pair) for pair in zip(clients, ready, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return answers


def test_sent_eight_times_at_once_it_is_done_once_and_all_get_the_same_answer(
    app: Flask, session: Session, world_at: Callable[..., World], client_for: Callable[..., PageClient]
) -> None:
    world = world_at()
    clients = [client_for(world.lead) for _ in range(8)]
    form, path = {**ANA, "form_key": uuid4().hex}, f"/awards/{world.code}/team"
    # The test itself must hold no lock while the others write.
    session.commit()
    answers = _at_once(app, clients, path, [form] * 8)
    assert [answer.status_code for answer in answers] == [303] * 8, [answer.text[:300] for answer in answers]
    assert {answer.location for answer in answers} == {f"/awards/{world.code}#team"}
    assert invitations(session) == 1
    assert session.scalar(select(func.count()).where(TeamMember.award_id == world.award.id)) == 4


def test_two_officers_at_once_with_keys_of_their_own_have_one_effect_and_the_loser_is_told(
    app: Flask, session: Session, world_at: Callable[..., World], client_for: Callable[..., PageClient]
) -> None:
    world = world_at()
    clients = [client_for(world.officer) for _ in range(4)]
    forms = [{"reason": f"A question {n}", "form_key": uuid4().hex} for n in range(4)]
    path = f"/awards/{world.code}/steer/suspend"
    session.commit()
    answers = _at_once(app, clients, path, forms)
    assert sorted(answer.status_code for answer in answers) == [303, 422, 422, 422]
    for answer in answers:
        if answer.status_code == 422:
            assert "This is not possible in the stage the award is in: Suspended." in answer.text
    session.rollback()
    session.expire_all()
    assert session.get_one(Award, world.award.id).stage == Stage.SUSPENDED
    assert session.scalar(select(func.count()).where(Event.kind == "award_suspended")) == 1


def test_a_second_sending_waits_for_the_answer_of_the_first(
    app: Flask,
    session: Session,
    world_at: Callable[..., World],
    client_for: Callable[..., PageClient],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between the commit of the effect and the note of its answer a second sending may come in."""
    from lab.web import once

    world = world_at()
    client, key = client_for(world.lead), uuid4().hex
    steps.record(world.award, "lesson_written", world.actor(world.lead), world.award.created_at, title="x")
    session.add(FormKey(key=key, person_id=world.lead.id, path="/", at=world.award.created_at))
    session.commit()
    waits: list[float] = []

    def first_goes_on(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            session.get_one(FormKey, key).answer = "/awards/there"
            session.commit()
        time.sleep(0.001)

    monkeypatch.setattr(once, "sleep", first_goes_on)
    answer = client.submit(f"/awards/{world.code}/team", {**ANA, "form_key": key})
    assert (answer.status_code, answer.location, len(waits)) == (303, "/awards/there", 3)
