"""Somebody who has lost password and phone gets back in with an officer's help, and it leaves a trace."""

from __future__ import annotations

import re
from collections.abc import Callable

from flask_security.utils import hash_password
from sqlalchemy import select
from sqlalchemy.orm import Session

from lab.models import Event, Mail, SecurityEvent
from tests.factories import World
from tests.web.pages import PageClient

PASSWORD, OTHER = "a long enough password", "lluvia tambor cebolla martes"
ClientFor = Callable[..., PageClient]


def test_the_whole_way_back(world_at: Callable[..., World], client_for: ClientFor, session: Session) -> None:
    world = world_at()
    world.lead.password = hash_password(PASSWORD)
    session.commit()
    stolen, officer, anew = client_for(world.lead), client_for(world.officer), client_for(None)
    overview = officer.page(f"/awards/{world.code}")
    link = next(
        str(a["href"]) for a in overview.find_all("a") if "Help back in" in a.text and world.lead.name in a.text
    )
    page = officer.page(link)
    assert "make sure that it is them" in page.text and world.lead.email in page.text
    refused = officer.submit(link, {"how": " "})
    assert refused.status_code == 422 and "Say how you made sure" in refused.text
    assert stolen.get("/").status_code == 200
    done = officer.submit(link, {"how": "Called her at the number in the agreement."})
    assert (done.status_code, done.location) == (303, f"/awards/{world.code}#team")
    assert f"on its way to {world.lead.email}" in officer.page(f"/awards/{world.code}").text
    assert "/login" in stolen.get("/").location, "whoever holds the phone is out"
    body = session.scalars(select(Mail.body).where(Mail.to == world.lead.email).order_by(Mail.id.desc())).first()
    found = re.search(r"http://localhost(/reset/\S+)", body or "")
    assert found and world.officer.name in (body or "")
    assert anew.submit(found[1], {"password": OTHER, "again": OTHER}).status_code == 303
    assert anew.submit("/login", {"email": world.lead.email, "password": PASSWORD}).status_code == 422
    assert anew.submit("/login", {"email": world.lead.email, "password": OTHER}).location == "/"
    event = session.scalars(select(SecurityEvent).where(SecurityEvent.kind == "helped_back_in")).one()
    assert (event.actor_id, event.subject_id) == (world.officer.id, world.lead.id)
    assert session.scalars(select(Event).where(Event.kind == "helped_back_in")).one().award_id == world.award.id
    assert "helped back in" in officer.page(f"/awards/{world.code}/timeline").text


def test_an_administrator_helps_those_of_the_programme(
    world_at: Callable[..., World], client_for: ClientFor, session: Session
) -> None:
    world = world_at()
    world.finance.password = hash_password(PASSWORD)
    session.commit()
    admin = client_for(world.admin)
    assert admin.page(f"/people/{world.finance.id}").find("a", string="Help back in")
    done = admin.submit(f"/people/{world.finance.id}/help", {"how": "Seen in the office."})
    assert done.location == f"/people/{world.finance.id}"
    assert session.scalars(select(Mail).where(Mail.to == world.finance.email)).one()


def test_not_for_others(world_at: Callable[..., World], client_for: ClientFor) -> None:
    world = world_at()
    for who in (world.lead, world.member, world.mentor, world.committee, world.finance):
        client_for(who).page(f"/awards/{world.code}/people/{world.member.id}/help", 403)
    client_for(world.officer).page(f"/awards/{world.code}/people/{world.other_lead.id}/help", 404)
