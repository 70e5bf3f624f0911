"""People: the list, one account, roles and states, as an administrator works with them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lab.models import Mail, Person, ProgrammeRole
from lab.rules.facts import Role
from tests import factories
from tests.conftest import counted
from tests.factories import World
from tests.web.pages import PageClient

ClientFor = Callable[..., PageClient]


@pytest.fixture
def world(world_at: Callable[..., World]) -> World:
    return world_at()


@pytest.fixture
def client(world: World, client_for: ClientFor) -> PageClient:
    return client_for(world.admin)


def _row(client: PageClient, name: str, query: str = "") -> str:
    page = client.page(f"/people{query}")
    found = next(row for row in page.find_all("tr") if name in row.text)
    return " ".join(found.text.split())


def test_the_list_tells_roles_and_state(client: PageClient, world: World, session: Session) -> None:
    world.officer.password, world.finance.active = "set", False
    session.commit()
    assert "programme officer" in _row(client, "Olivia Officer") and "active" in _row(client, "Olivia Officer")
    assert "disabled" in _row(client, "Fatou Finance")
    assert "invited" in _row(client, "Adam Admin")
    assert "team lead" in _row(client, "Lucía Lead")
    committee = _row(client, "Carla Committee")
    assert "steering committee member: " in committee and world.call.definition["title"]["en"] in committee


def test_nothing_of_the_programme_is_shown(client: PageClient, world: World) -> None:
    for path in ("/people", f"/people/{world.lead.id}", f"/people/{world.mentor.id}"):
        text = client.page(path).text
        assert world.award.project not in text and world.code not in text


def test_searching(client: PageClient, world: World, session: Session) -> None:
    factories.person(session, name="Percent % Sign", email="per_cent@ilo.example")
    session.commit()

    def names(query: str) -> list[str]:
        return [tag.find("a").text for tag in client.page(f"/people?{query}").find_all("th", scope="row")]

    assert names("q=OLIVIA") == ["Olivia Officer"]
    assert names("q=team.example") == ["Lucía Lead"]
    assert names("q=%25") == names("q=r_c") == ["Percent % Sign"]
    assert names("state=active") == []
    assert "Nobody matches" in client.page("/people?state=disabled").text
    assert len(names("state=moon&page=99")) == session.scalar(select(func.count()).select_from(Person))


def test_inviting(client: PageClient, world: World, session: Session) -> None:
    refused = client.submit("/people/invite", {"name": "Nadia", "email": "nobody", "role": "officer"})
    assert refused.status_code == 422 and "is not an e-mail address" in refused.text and 'value="Nadia"' in refused.text
    refused = client.submit("/people/invite", {"name": "", "email": "n@ilo.example", "role": "lead"})
    assert refused.status_code == 422 and "Choose one of the roles." in refused.text
    refused = client.submit("/people/invite", {"name": " ", "email": "n@ilo.example", "role": "committee|no-call"})
    assert refused.status_code == 422
    assert session.scalar(select(func.count()).select_from(Mail)) == 0
    done = client.submit("/people/invite", {"name": "Nadia New", "email": "N@ilo.example", "role": "officer"})
    assert done.status_code == 303
    page = client.page(done.location)
    assert "An invitation to n@ilo.example is on its way." in page.text and page.h1.text.startswith("Nadia New")
    role = f"committee|{world.call.code}"
    again = client.submit("/people/invite", {"name": "Maya", "email": world.mentor.email, "role": role})
    assert again.location == f"/people/{world.mentor.id}"
    world.session.refresh(world.mentor)
    assert world.actor(world.mentor).committees == {world.call.id}


def test_giving_and_taking_a_role(client: PageClient, world: World, session: Session) -> None:
    path = f"/people/{world.mentor.id}"
    page = client.page(path)
    assert "Given on an award" in page.text and not page.find("button", string="Take away")
    assert client.submit(f"{path}/roles", {"role": "lead"}).status_code == 422
    assert client.submit(f"{path}/roles", {"role": ""}).status_code == 422
    for role in ("finance", f"committee|{world.call.code}"):
        assert client.submit(f"{path}/roles", {"role": role}).status_code == 303
    page = client.page(path)
    offered = [option["value"] for option in page.find("select", id="role").find_all("option")]
    assert offered == ["", "officer", "admin", "committee|another-call"]
    actor = world.actor(world.mentor)
    assert actor.programme == {Role.FINANCE} and actor.committees == {world.call.id}
    for role in ("finance", f"committee|{world.call.code}"):
        assert client.submit(f"{path}/roles/take", {"role": role}).status_code == 303
    actor = world.actor(world.mentor)
    assert not actor.programme and not actor.committees
    for role in ("", "lead", "moon"):
        assert client.submit(f"{path}/roles/take", {"role": role}).status_code == 404


def test_disabling_ends_the_session_at_once(
    client: PageClient, world: World, client_for: ClientFor, session: Session
) -> None:
    theirs = client_for(world.officer)
    assert theirs.get("/account").status_code == 200
    done = client.submit(f"/people/{world.officer.id}/disable", follow_redirects=True)
    assert "The account is disabled" in done.text
    assert "/login" in theirs.get("/account").location
    assert client.page(f"/people/{world.officer.id}").find("button", string="Enable the account")
    client.submit(f"/people/{world.officer.id}/enable")
    session.refresh(world.officer)
    assert world.officer.active
    assert "/login" in theirs.get("/account").location, "the old session stays ended"


def test_administrators_cannot_lock_themselves_out(client: PageClient, world: World, session: Session) -> None:
    me = f"/people/{world.admin.id}"
    page = client.page(me)
    assert not page.find("button", string="Disable the account") and not page.find("button", string="Take away")
    assert "ask another administrator" in client.submit(f"{me}/disable", follow_redirects=True).text
    taken = client.submit(f"{me}/roles/take", {"role": "admin"}, follow_redirects=True)
    assert "ask another administrator" in taken.text
    session.refresh(world.admin)
    assert world.admin.active
    assert session.scalar(select(func.count()).where(ProgrammeRole.role == Role.ADMIN)) == 1


def test_the_invitation_again(client: PageClient, world: World, session: Session) -> None:
    path = f"/people/{world.member.id}"
    assert client.page(path).find("button", string="Send the invitation again")
    assert client.submit(f"{path}/invite").status_code == 303
    assert session.scalar(select(func.count()).where(Mail.to == world.member.email)) == 1
    world.member.password = "set"
    session.commit()
    assert not client.page(path).find("button", string="Send the invitation again")
    assert "has joined already" in client.submit(f"{path}/invite", follow_redirects=True).text
    assert session.scalar(select(func.count()).where(Mail.to == world.member.email)) == 1


def test_nobody_there(client: PageClient) -> None:
    client.page("/people/999999", 404)
    for what in ("roles", "disable", "enable", "invite"):
        assert client.submit(f"/people/999999/{what}", {"role": "officer"}).status_code == 404


def test_only_administrators(world: World, client_for: ClientFor) -> None:
    for who in (world.lead, world.mentor, world.committee, world.officer, world.finance):
        for path in ("/people", "/people/invite", f"/people/{world.lead.id}"):
            client_for(who).page(path, 403)
        assert client_for(who).submit(f"/people/{world.lead.id}/roles", {"role": "admin"}).status_code == 403


def test_statements_stay_the_same_with_more_people(
    app: Flask, client: PageClient, world: World, session: Session
) -> None:
    def statements() -> int:
        with counted(app) as seen:
            client.page("/people")
        return len(seen)

    before = statements()
    for n in range(120):
        made = factories.person(session, Role.OFFICER, name=f"Zoe {n:03}")
        session.add(ProgrammeRole(person_id=made.id, role=Role.FINANCE))
    session.commit()
    assert statements() == before <= 8
    total = session.scalar(select(func.count()).select_from(Person)) or 0
    page = client.page("/people?page=3")
    assert "Page 3 of 3" in page.text and len(page.find_all("th", scope="row")) == total - 100


def test_signing_somebody_out_everywhere(world_at: Callable[..., World], client_for: Callable[..., PageClient]) -> None:
    world = world_at()
    phone, admin = client_for(world.lead), client_for(world.admin)
    assert phone.get("/").status_code == 200
    assert admin.submit(f"/people/{world.lead.id}/sign-out").status_code == 303
    assert "/login" in phone.get("/").location
    assert client_for(world.lead).get("/").status_code == 200, "the account itself is as it was"
