"""Who comes to a team and who leaves it: leads are named by the officer, nobody is taken over, leaving ends access at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from lab import models as m
from lab.rules.facts import Role, Stage
from tests.factories import World, join, person
from tests.web.pages import PageClient
from tests.worlds import build_worlds

Worlds = Callable[..., World]
Clients = Callable[[m.Person | None], PageClient]


def _take_off(client: PageClient, world: World, who: m.Person) -> bool:
    """Whether the page offers it, and whether it is done: the two agree."""
    home = f"/awards/{world.code}"
    path = f"{home}/team/{who.id}/remove"
    offered = client.page(home).find("form", action=path) is not None
    client.submit(path)
    world.session.expire_all()
    gone = world.session.scalars(
        select(m.TeamMember.until).where(m.TeamMember.award_id == world.award.id, m.TeamMember.person_id == who.id)
    ).all()
    done = all(until is not None for until in gone)
    assert offered == done, who.name
    return done


@pytest.mark.parametrize(
    ("first_arrived", "second_arrived", "who", "goes"),
    [
        (True, True, "first", True),
        # Nobody would lead the team: the other's link may never be followed.
        (True, False, "first", False),
        # Invited under a wrong address: taken back as soon as the right one is invited.
        (False, False, "first", True),
        (False, True, "first", True),
        (True, False, "second", True),
    ],
)
def test_one_lead_takes_the_place_of_another(
    world_at: Worlds, client_for: Clients, first_arrived: bool, second_arrived: bool, who: str, goes: bool
) -> None:
    world = world_at()
    second = join(world.session, world.award, Role.LEAD, password="x" if second_arrived else None)
    world.lead.password = "x" if first_arrived else None
    world.session.commit()
    assert _take_off(client_for(world.officer), world, world.lead if who == "first" else second) is goes


def test_the_only_lead_stays_whoever_asks(world_at: Worlds, client_for: Clients) -> None:
    world = world_at()
    for asks in (world.officer, world.lead):
        assert not _take_off(client_for(asks), world, world.lead)


def test_a_lead_adds_and_takes_off_members_alone(world_at: Worlds, client_for: Clients, session: Session) -> None:
    world = world_at()
    second = join(session, world.award, Role.LEAD, password="x")
    session.commit()
    client = client_for(world.lead)
    for role in ("lead", "mentor", "officer", "admin", "committee"):
        typed = {"name": "Ana", "email": "ana@team.example", "role": role}
        assert client.submit(f"/awards/{world.code}/team", typed).status_code == 422
    assert session.scalars(select(m.Person).where(m.Person.email == "ana@team.example")).first() is None
    assert not _take_off(client, world, second) and not _take_off(client, world, world.mentor)
    assert _take_off(client, world, world.member)


@pytest.mark.parametrize("role", ["lead", "mentor", "member"])
def test_an_officer_adds_anybody(world_at: Worlds, client_for: Clients, session: Session, role: str) -> None:
    world = world_at()
    typed = {"name": "Ana", "email": "ana@team.example", "role": role}
    assert client_for(world.officer).submit(f"/awards/{world.code}/team", typed).status_code == 303
    ana = session.scalars(select(m.Person).where(m.Person.email == "ana@team.example")).one()
    assert world.actor(ana).awards == {world.award.id: frozenset({Role(role)})}


@pytest.mark.parametrize("arrived", [True, False])
def test_an_account_is_not_taken_over_by_inviting_its_address(
    world_at: Worlds, client_for: Clients, session: Session, arrived: bool
) -> None:
    world = world_at()
    other = person(
        session, name="Her Own Name", email="her@elsewhere.example", language="pt", password="x" if arrived else None
    )
    session.commit()
    columns = [column.key for column in m.Person.__table__.columns]
    before = {name: getattr(other, name) for name in columns}
    typed = {"name": "Somebody Else", "email": " HER@elsewhere.example", "role": "member"}
    assert client_for(world.lead).submit(f"/awards/{world.code}/team", typed).status_code == 303
    session.refresh(other)
    assert {name: getattr(other, name) for name in columns} == before
    mails = session.scalars(select(m.Mail).where(m.Mail.person_id == other.id)).all()
    assert [mail.to for mail in mails] == ["her@elsewhere.example"]
    assert ("/invitation/" in mails[0].body) is not arrived, "whoever has a password gets no link to choose another"
    session.rollback()
    page = client_for(world.lead).page(f"/awards/{world.code}")
    assert "Her Own Name" in page.text


@pytest.mark.parametrize("office", [Role.OFFICER, Role.FINANCE, Role.ADMIN])
def test_whoever_works_for_the_programme_is_on_no_team(
    world_at: Worlds, client_for: Clients, session: Session, office: Role
) -> None:
    world = world_at()
    colleague = person(session, office, password="x")
    session.commit()
    for role in ("lead", "member"):
        typed = {"name": "A Colleague", "email": colleague.email, "role": role}
        assert client_for(world.officer).submit(f"/awards/{world.code}/team", typed).status_code == 422
    assert not world.actor(colleague).awards


def test_leaving_ends_access_with_the_next_request_and_keeps_the_name(session: Session, client_for: Clients) -> None:
    place = build_worlds(session).places["a"]
    world, mentor = place.world, client_for(place.world.mentor)
    home, officer = f"/awards/{world.code}", client_for(world.officer)
    name = world.mentor.name
    assert place.mark("note") in mentor.page(f"{home}/lab").text
    assert officer.submit(f"{home}/team/{world.mentor.id}/remove").status_code == 303
    for path in (
        home,
        f"{home}/lab",
        f"{home}/lab/versions/{place.ids['prototype']}",
        f"{home}/files/{place.ids['upload_id']}",
    ):
        assert mentor.get(path).status_code == 404, path
    assert mentor.submit(f"{home}/lab/notes", {"note": "One more"}).status_code == 404
    assert mentor.submit(f"{home}/lab/threads/{place.ids['thread_id']}/replies", {"body": "Me too"}).status_code == 404
    version = officer.page(f"{home}/lab/versions/{place.ids['prototype']}")
    assert name in version.text and place.mark("leak") in version.text
    notes = officer.page(f"{home}/lab").find("section", {"aria-labelledby": "notes"})
    assert notes is not None and name in notes.text and place.mark("note") in notes.text


def test_a_member_who_left_keeps_what_they_handed_in(session: Session, client_for: Clients) -> None:
    place = build_worlds(session).places["a"]
    world, member = place.world, client_for(place.world.member)
    home, officer = f"/awards/{world.code}", client_for(world.officer)
    name, stage = world.member.name, Stage(world.award.stage)
    assert member.get(f"{home}/closing").status_code == 200
    assert client_for(world.lead).submit(f"{home}/team/{world.member.id}/remove").status_code == 303
    assert member.get(f"{home}/closing").status_code == 404 and member.get("/").status_code == 200
    assert name in officer.page(f"{home}/closing").text, "whose lesson it is"
    session.refresh(world.award)
    assert Stage(world.award.stage) is stage


def test_taking_off_somebody_who_is_not_on_the_award_or_twice(world_at: Worlds, client_for: Clients) -> None:
    world = world_at()
    officer, home = client_for(world.officer), f"/awards/{world.code}"
    assert officer.submit(f"{home}/team/{world.member.id}/remove").status_code == 303
    for who in (world.member, world.other_lead, world.finance):
        assert officer.submit(f"{home}/team/{who.id}/remove").status_code == 404
        assert officer.submit(f"{home}/team/{who.id}/invite").status_code == 404
