"""Oneself: arriving by a link, the profile, the password, and the language of the pages."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask_security.utils import hash_password, verify_password
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lab.models import Event, Mail, Person, SignIn
from lab.rules.facts import SYSTEM, Role
from lab.services import invitations, people
from tests import factories
from tests.conftest import NOON, counted
from tests.factories import World
from tests.web.pages import PageClient

PASSWORD = "a long enough password"
ClientFor = Callable[..., PageClient]
ARRIVAL = {
    "password": PASSWORD, "again": PASSWORD, "name": "Mateo M. Member", "language": "es", "time_zone": "America/Guayaquil",
}  # fmt: skip


@pytest.fixture
def invited(world_at: Callable[..., World], session: Session) -> tuple[World, str]:
    """A world whose member has a link, and its path."""
    world = world_at()
    world.member.time_zone = "Europe/Zurich"
    invitations.send_link(world.award, world.member, "team member", world.actor(world.lead), NOON)
    session.commit()
    return world, _path(session, world.member.email)


def _path(session: Session, email: str) -> str:
    body = session.scalars(select(Mail.body).where(Mail.to == email).order_by(Mail.id.desc())).first()
    found = re.search(r"http://localhost(/invitation/\S+)", body or "")
    assert found
    return found[1]


def _selected(page: object, name: str) -> str:
    return str(page.find("select", attrs={"name": name}).find("option", selected=True)["value"])  # type: ignore[attr-defined]


def test_the_page_of_a_link_welcomes_and_guesses(
    app: Flask, invited: tuple[World, str], client_for: ClientFor, session: Session
) -> None:
    world, path = invited
    client = client_for(None)
    with counted(app) as seen:
        page = client.page(path)
    assert all(statement.upper().startswith("SELECT") for statement in seen), "a GET writes nothing"
    assert page.h1.text == "Welcome, Mateo Member"
    for word in (world.award.project, world.lead.name, world.member.email, "At least 10 characters"):
        assert word in page.text
    main = page.find("main")
    assert _selected(main, "language") == world.member.language
    assert _selected(main, "time_zone") == "America/Guayaquil", "where the team's country is"
    assert session.scalar(select(func.count()).select_from(Event).where(Event.kind == "person_joined")) == 0


def test_arriving_signs_in_and_lands_on_the_award(
    invited: tuple[World, str], client_for: ClientFor, session: Session
) -> None:
    world, path = invited
    client = client_for(None)
    answer = client.submit(path, ARRIVAL)
    assert (answer.status_code, answer.location) == (303, f"/awards/{world.code}")
    assert "Welcome, Mateo M. Member" in client.page(answer.location).text
    session.refresh(world.member)
    assert (world.member.language, world.member.time_zone) == ("es", "America/Guayaquil")
    assert verify_password(PASSWORD, world.member.password)
    later = client_for(None)
    assert later.submit("/login", {"email": world.member.email, "password": PASSWORD}).location == "/"


def test_staff_land_on_their_start_page(client_for: ClientFor, session: Session) -> None:
    people.first_administrator(SYSTEM, NOON, "Ada", "ada@ilo.example")
    answer = client_for(None).submit(_path(session, "ada@ilo.example"), ARRIVAL)
    assert (answer.status_code, answer.location) == (303, "/")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"password": "short", "again": "short"}, "10 characters or more"),
        ({"again": "another password"}, "not the same"),
        ({"name": " "}, "Give your full name"),
        ({"language": "xx"}, "Choose one of the languages"),
        ({"time_zone": "Moon/Base"}, "Choose a time zone"),
        ({"time_zone": ""}, "Choose a time zone"),
    ],
)
def test_what_is_wrong_is_told_and_what_was_typed_is_kept(
    invited: tuple[World, str], client_for: ClientFor, session: Session, changes: dict[str, str], told: str
) -> None:
    world, path = invited
    client = client_for(None)
    answer = client.submit(path, ARRIVAL | {"name": "Kept As Typed"} | changes)
    assert answer.status_code == 422 and told in answer.text
    assert PASSWORD not in answer.text
    if "name" not in changes:
        assert 'value="Kept As Typed"' in answer.text
    session.refresh(world.member)
    assert world.member.password is None
    assert "/login" in client.get("/").location
    assert client.submit(path, ARRIVAL).status_code == 303, "the link still works"


def test_links_that_cannot_be_used_say_what_to_do(
    invited: tuple[World, str], client_for: ClientFor, session: Session, at: Callable[[str], None]
) -> None:
    world, path = invited
    client = client_for(None)
    unknown = client.page("/invitation/made-up", 404)
    assert unknown.h1.text == "This link is not known"
    world.member.active = False
    session.commit()
    assert client.page(path, 410).h1.text == "This account is disabled"
    world.member.active = True
    session.commit()
    at("2026-03-16T12:00:01+00:00")
    expired = client.page(path, 410)
    assert expired.h1.text == "This link has run out" and world.lead.name in expired.text
    assert client.submit(path, ARRIVAL).status_code == 410
    at(NOON.isoformat())
    assert client.submit(path, ARRIVAL).status_code == 303
    used = client_for(None).page(path, 410)
    assert used.h1.text == "You have joined already" and used.find("main").find("a", string="Sign in")
    assert (
        client_for(None).submit(path, ARRIVAL | {"password": "somebody else’s", "again": "somebody else’s"}).status_code
        == 410
    )
    session.refresh(world.member)
    assert verify_password(PASSWORD, world.member.password)


def test_arriving_in_somebody_elses_browser(invited: tuple[World, str], client_for: ClientFor) -> None:
    world, path = invited
    client = client_for(world.lead)
    assert f"You are signed in as {world.lead.name}" in client.page(path).text
    client.submit(path, ARRIVAL)
    assert client.page("/account").find("input", attrs={"name": "name"})["value"] == "Mateo M. Member"


def test_the_profile(world_at: Callable[..., World], client_for: ClientFor, session: Session) -> None:
    world = world_at()
    client = client_for(world.lead)
    page = client.page("/account")
    assert _selected(page.find("main"), "time_zone") == "America/Guayaquil"
    assert world.lead.email in page.text
    refused = client.submit("/account", {"name": " ", "language": "fr", "time_zone": "America/Lima"})
    assert refused.status_code == 422 and "Give your full name" in refused.text
    refused = client.submit("/account", {"name": "Lucía L.", "language": "xx", "time_zone": "Moon/Base"})
    assert refused.status_code == 422 and 'value="Lucía L."' in refused.text
    session.refresh(world.lead)
    assert (world.lead.name, world.lead.time_zone) == ("Lucía Lead", "America/Guayaquil")
    done = client.submit("/account", {"name": "Lucía L.", "language": "fr", "time_zone": "America/Lima"})
    assert (done.status_code, done.location) == (303, "/account")
    assert "Your account is changed." in client.page("/account").text
    session.refresh(world.lead)
    assert (world.lead.name, world.lead.language, world.lead.time_zone) == ("Lucía L.", "fr", "America/Lima")


def test_a_time_zone_that_is_no_longer_offered_is_kept(
    world_at: Callable[..., World], client_for: ClientFor, session: Session
) -> None:
    world = world_at()
    world.lead.time_zone = "UTC"
    session.commit()
    assert _selected(client_for(world.lead).page("/account").find("main"), "time_zone") == "UTC"


def test_another_password(world_at: Callable[..., World], client_for: ClientFor, session: Session) -> None:
    world = world_at()
    world.lead.password = hash_password(PASSWORD)
    session.commit()
    here, elsewhere = client_for(world.lead), client_for(world.lead)
    new = "quite another one"
    for typed, told in (
        ({"current": "not mine", "new": new, "again": new}, "not the password you sign in with"),
        ({"current": PASSWORD, "new": "short", "again": "short"}, "10 characters or more"),
        ({"current": PASSWORD, "new": new, "again": "not the same"}, "not the same"),
        ({}, "10 characters or more"),
    ):
        refused = here.submit("/account/password", typed)
        assert refused.status_code == 422 and told in refused.text, told
    assert elsewhere.get("/").status_code == 200
    done = here.submit("/account/password", {"current": PASSWORD, "new": new, "again": new})
    assert (done.status_code, done.location) == (303, "/account")
    assert "Your password is changed" in here.page("/account").text
    assert "/login" in elsewhere.get("/").location
    session.refresh(world.lead)
    assert verify_password(new, world.lead.password)


def test_the_language_of_somebody_signed_in(
    world_at: Callable[..., World], client_for: ClientFor, session: Session
) -> None:
    world = world_at()
    client = client_for(world.officer)
    answer = client.submit("/language", {"language": "es", "next": "/awards?q=a"})
    assert (answer.status_code, answer.location) == (303, "/awards?q=a")
    session.refresh(world.officer)
    assert world.officer.language == "es"
    client.submit("/language", {"language": "xx", "next": "/"})
    assert "Choose one of the languages" in client.page("/").text
    session.refresh(world.officer)
    assert world.officer.language == "es"


def test_the_language_before_signing_in(client_for: ClientFor, session: Session) -> None:
    client = client_for(None)
    assert client.submit("/language", {"language": "pt", "next": "/login"}).location == "/login"
    menu = client.page("/login").find("select", id="choose-language")
    assert menu.find("option", selected=True)["value"] == "pt"


@pytest.mark.parametrize(
    "place",
    [
        "//evil.example", "/\\evil.example", "\\\\evil.example", "///evil.example", "https://evil.example", "/\t/evil.example",
        "javascript:alert(1)", "evil.example", "", "/\x7f/evil", "/no-such-page", "/logout", "/awards/x/closing/lessons", "/[",
        "/login\r\nSet-Cookie: a=b",
    ],
)  # fmt: skip
def test_changing_the_language_never_leads_elsewhere(client_for: ClientFor, session: Session, place: str) -> None:
    answer = client_for(None).submit("/language", {"language": "fr", "next": place})
    assert (answer.status_code, answer.location) == (303, "/")


def test_an_account_of_any_role_opens(world_at: Callable[..., World], client_for: ClientFor) -> None:
    world = world_at()
    for who in (world.lead, world.mentor, world.committee, world.officer, world.finance, world.admin):
        assert client_for(who).page("/account").h1.text == "Your account"


def test_somebody_without_any_part(client_for: ClientFor, session: Session) -> None:
    nobody: Person = factories.person(session, name="Nora Nobody")
    session.commit()
    assert "You have no part in an award now" in client_for(nobody).page("/").text
    assert not factories.actor_for(session, nobody).programme & set(Role)


def test_devices_are_seen_and_ended(world_at: Callable[..., World], client_for: ClientFor, session: Session) -> None:
    world = world_at()
    here, phone, tablet = (client_for(world.lead) for _ in range(3))
    stranger = client_for(world.other_lead)
    page = here.page("/account")
    lines = page.find("section", attrs={"aria-labelledby": "devices"}).find_all("li")
    assert len(lines) == 3 and "this one" in lines[0].text and "192.0.2.1" in lines[1].text
    ids = session.scalars(select(SignIn.id).where(SignIn.person_id == world.lead.id).order_by(SignIn.id)).all()
    assert stranger.submit(f"/account/devices/{ids[1]}/end").status_code == 404
    assert phone.get("/").status_code == 200
    assert here.submit(f"/account/devices/{ids[1]}/end").status_code == 303
    assert "/login" in phone.get("/").location
    assert tablet.get("/").status_code == 200
    here.submit("/account/devices/end")
    assert "/login" in tablet.get("/").location and here.get("/").status_code == 200


def test_another_address_in_the_browser(
    world_at: Callable[..., World], client_for: ClientFor, session: Session
) -> None:
    world = world_at()
    client = client_for(world.lead)
    refused = client.submit("/account/address", {"email": "not an address"})
    assert refused.status_code == 422 and 'value="not an address"' in refused.text
    assert client.submit("/account/address", {"email": "New@ong.example"}).status_code == 303
    assert "on its way to new@ong.example" in client.page("/account").text
    body = session.scalars(select(Mail.body).where(Mail.to == "new@ong.example")).one()
    found = re.search(r"http://localhost(/account/address/\S+)", body)
    assert found
    assert "/login?next=" in client_for(None).get(found[1]).location, "one signs in first"
    assert client_for(world.member).page(found[1]).find("main").find("form") is None
    assert client.page(found[1]).find("button", string="Use the new address")
    client.submit(found[1])
    session.refresh(world.lead)
    assert world.lead.email == "new@ong.example"
    assert client.page(found[1]).find("main").find("form") is None, "a link works once"


def test_a_person_taken_off_every_award_sees_nothing_at_once(
    world_at: Callable[..., World], client_for: ClientFor, session: Session
) -> None:
    world = world_at()
    member = client_for(world.member)
    assert member.get(f"/awards/{world.code}").status_code == 200
    client_for(world.lead).submit(f"/awards/{world.code}/team/{world.member.id}/remove")
    assert member.get(f"/awards/{world.code}").status_code == 404
