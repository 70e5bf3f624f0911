"""Before money, bank accounts and roles the password is asked for again, and nothing that was typed is lost by it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask_security.utils import hash_password
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lab import clock
from lab.models import BankAccount, SecurityEvent
from lab.rules.facts import Stage
from lab.rules.permissions import Action
from lab.rules.security_events import SecurityEventKind as Kind
from lab.web.access import DECLARED, FRESH
from tests.factories import World
from tests.web.pages import PageClient

PASSWORD = "a long enough password"
ClientFor = Callable[..., PageClient]
WorldAt = Callable[..., World]
ACCOUNT = {
    "holder": "Manos Unidas", "bank": "Banco & Hermanos", "number": "EC 0012 3456", "swift": "", "country": "EC",
    "currency": "USD",
}  # fmt: skip


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """An hour passes."""

    def pass_by() -> None:
        at = clock.wall() + timedelta(hours=1)
        monkeypatch.setattr(clock, "wall", lambda: at)

    return pass_by


@pytest.mark.usefixtures("app")
def test_what_asks_for_it() -> None:
    """Everything that moves money, names an account or changes what somebody may do."""
    money_and_roles = {
        Action.ENTER_ACCOUNT, Action.VERIFY_ACCOUNT, Action.PROPOSE_PAYMENT, Action.AUTHORISE_PAYMENT,
        Action.SEND_BACK_PAYMENT, Action.RECORD_PAYMENT, Action.CONFIRM_RECEIPT, Action.RECORD_RETURN, Action.DECIDE_PAYMENT, Action.PROPOSE_PAYMENTS,
        Action.AUTHORISE_PAYMENTS, Action.EDIT_TEAM,
        Action.SIGN_FOR_ORGANISATION, Action.SIGN_FOR_ILO, Action.WITHDRAW_AWARD, Action.RECORD_AWARD,
        Action.ARRANGE_ORGANISATION_SIGNING, Action.ARRANGE_ILO_SIGNING,
    }  # fmt: skip
    missing = {endpoint for endpoint, action in DECLARED.items() if action in money_and_roles} - FRESH
    assert not missing
    assert {
        "people.give_role", "people.take_role", "people.disable", "people.enable", "people.invite", "people.invite_again",
        "helping.help_team", "helping.help_person", "account.address",
    } <= FRESH  # fmt: skip


def _confirmed(page: str) -> dict[str, list[str]]:
    form = BeautifulSoup(page, "html.parser").find("main").find("form")  # type: ignore[union-attr]
    assert form is not None
    found: dict[str, list[str]] = {}
    for tag in form.find_all("input", type="hidden"):  # type: ignore[union-attr]
        found.setdefault(str(tag["name"]), []).append(str(tag["value"]))
    return found


def test_an_account_is_entered_after_the_password(
    world_at: WorldAt, client_for: ClientFor, session: Session, later: Callable[[], None]
) -> None:
    world = world_at(Stage.AGREEMENT)
    world.lead.password = hash_password(PASSWORD)
    session.commit()
    path = f"/awards/{world.code}/payments/account"
    client = client_for(world.lead)
    later()
    asked = client.submit(path, ACCOUNT)
    assert asked.status_code == 403 and "Is it you?" in asked.text
    assert session.scalar(select(func.count()).select_from(BankAccount)) == 0
    waiting = _confirmed(asked.text)
    assert {name: values[0] for name, values in waiting.items() if name in ACCOUNT} == ACCOUNT
    sent = {name: values[0] for name, values in waiting.items()}
    wrong = client.submit(path, sent | {"confirm_password": "not the password"})
    assert wrong.status_code == 403 and "not the password you sign in with" in wrong.text
    assert _confirmed(wrong.text)["number"] == [ACCOUNT["number"]], "what was typed waits on"
    assert "confirm_password" not in _confirmed(wrong.text)
    done = client.submit(path, sent | {"confirm_password": PASSWORD})
    assert done.status_code == 303
    assert session.scalars(select(BankAccount)).one().bank == "Banco & Hermanos"
    assert client.submit(path, ACCOUNT).status_code != 403, "fresh for a while"
    kinds = session.scalars(select(SecurityEvent.kind).where(SecurityEvent.actor_id == world.lead.id)).all()
    assert {Kind.CONFIRMATION_FAILED, Kind.CONFIRMED} <= set(kinds)


def test_who_has_just_signed_in_is_not_asked(world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.AGREEMENT)
    assert client_for(world.lead).submit(f"/awards/{world.code}/payments/account", ACCOUNT).status_code == 303


def test_reading_asks_for_nothing(world_at: WorldAt, client_for: ClientFor, later: Callable[[], None]) -> None:
    world = world_at(Stage.AGREEMENT)
    client = client_for(world.lead)
    later()
    client.page(f"/awards/{world.code}/payments")


def test_somebody_without_the_role_is_refused_before_being_asked(
    world_at: WorldAt, client_for: ClientFor, later: Callable[[], None]
) -> None:
    world = world_at(Stage.AGREEMENT)
    client = client_for(world.member)
    later()
    answer = client.submit(f"/awards/{world.code}/payments/account", ACCOUNT)
    assert answer.status_code == 403 and "Is it you?" not in answer.text


def test_the_password_cannot_be_guessed_there(
    world_at: WorldAt, client_for: ClientFor, session: Session, later: Callable[[], None]
) -> None:
    world = world_at(Stage.AGREEMENT)
    world.lead.password = hash_password(PASSWORD)
    session.commit()
    client = client_for(world.lead)
    later()
    path = f"/awards/{world.code}/payments/account"
    answers = [client.submit(path, ACCOUNT | {"confirm_password": f"guess number {n}"}).status_code for n in range(12)]
    assert answers == [403] * 10 + [429] * 2
    assert client.submit(path, ACCOUNT | {"confirm_password": PASSWORD}).status_code == 429


def test_a_list_of_values_waits_whole(
    app: Flask, world_at: WorldAt, client_for: ClientFor, later: Callable[[], None]
) -> None:
    world = world_at()
    client = client_for(world.lead)
    later()
    asked = client.submit(f"/awards/{world.code}/payments/account", {"holder": "a", "tick": ["1", "2", "3"]})
    assert _confirmed(asked.text)["tick"] == ["1", "2", "3"]
