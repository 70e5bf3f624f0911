"""The outbox: what an administrator can see of every mail, and the links that they cannot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from lab import outbox
from lab.models import Mail
from lab.rules.facts import Role
from tests import factories
from tests.conftest import NOON, counted
from tests.web.pages import PageClient

ClientFor = Callable[..., PageClient]
LINK = "http://localhost/invitation/secret-token"


@pytest.fixture
def client(session: Session, client_for: ClientFor) -> PageClient:
    admin = factories.person(session, Role.ADMIN)
    session.commit()
    return client_for(admin)


@pytest.fixture
def delivers(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mail server is configured."""
    plain = app.extensions["lab_config"]
    monkeypatch.setitem(app.extensions, "lab_config", replace(plain, smtp_url="smtp://user:hidden-word@mail.example"))


def _mail(
    session: Session, subject: str = "You are invited", state: str = "kept", body: str = "", **fields: object
) -> Mail:
    outbox.queue(
        session, to="ana@team.example", subject=subject, body=body or f"Dear Ana,\n\nEnter here:\n{LINK}\n", now=NOON
    )
    session.flush()
    mail = session.query(Mail).order_by(Mail.id.desc()).first()
    assert mail is not None
    for name, value in {"state": state, **fields}.items():
        setattr(mail, name, value)
    session.commit()
    return mail


def test_an_empty_outbox_says_what_will_be_here(client: PageClient) -> None:
    page = client.page("/outbox")
    assert "No mail yet" in page.text and "No mail server is configured" in page.text


def test_the_list_is_newest_first_with_states(client: PageClient, session: Session) -> None:
    for state in ("kept", "sent", "queued"):
        _mail(session, f"A mail {state}", state)
    _mail(session, "A mail failed", "failed", error="SMTPRecipientsRefused: no such mailbox", attempts=6)
    rows = [" ".join(row.text.split()) for row in client.page("/outbox").find("tbody").find_all("tr")]
    assert [row.split(" ana@")[0] for row in rows] == [
        "A mail failed SMTPRecipientsRefused: no such mailbox", "A mail queued", "A mail sent", "A mail kept",
    ]  # fmt: skip
    assert [row.rsplit(" ", 1)[-1] for row in rows] == ["failed", "waiting", "sent", "here"]
    assert [row.a.text for row in client.page("/outbox?state=sent").find("tbody").find_all("tr")] == ["A mail sent"]
    assert client.page("/outbox?state=moon").text.count("A mail") == 4
    session.query(Mail).filter_by(state="sent").delete()
    session.commit()
    assert "No mail in this state" in client.page("/outbox?state=sent").text


def test_a_mail_with_its_links(client: PageClient, session: Session) -> None:
    mail = _mail(session, body=f"<b>Not bold</b>\n{LINK}\n")
    page = client.page(f"/outbox/{mail.id}")
    assert page.h1.text == "You are invited" and "ana@team.example" in page.text
    assert page.find("a", href=LINK), "without a mail server this is the only way that a link reaches anybody"
    assert "<b>Not bold</b>" in page.text and not page.find("main").find("b")
    client.page("/outbox/999999", 404)


@pytest.mark.usefixtures("delivers")
def test_where_mails_are_delivered_the_keys_to_accounts_are_left_out(client: PageClient, session: Session) -> None:
    reset = "http://localhost/reset/another-secret"
    award = "http://localhost/awards/test-1"
    mail = _mail(session, state="sent", body=f"Enter: {LINK}\nor {reset}\nSee {award}\n", sent_at=NOON)
    page = client.page(f"/outbox/{mail.id}")
    assert "secret" not in str(page.find("main")) and "link left out" in page.text
    assert page.find("a", href=award)
    assert "Mails leave by the configured mail server" in client.page("/outbox").text
    assert "hidden-word" not in client.page("/outbox").text


@pytest.mark.usefixtures("delivers")
def test_a_mail_that_waits_says_why_and_until_when(client: PageClient, session: Session) -> None:
    mail = _mail(
        session,
        state="queued",
        attempts=2,
        error="ConnectionRefusedError: 111",
        next_try_at=NOON + timedelta(minutes=5),
    )
    text = client.page(f"/outbox/{mail.id}").text
    assert "ConnectionRefusedError: 111" in text and "Next try" in text and "07:05" in text


def test_only_administrators(session: Session, client_for: ClientFor) -> None:
    mail = _mail(session)
    for role in (Role.OFFICER, Role.FINANCE):
        person = factories.person(session, role)
        session.commit()
        client_for(person).page("/outbox", 403)
        client_for(person).page(f"/outbox/{mail.id}", 403)


def test_statements_stay_the_same_with_more_mails(app: Flask, client: PageClient, session: Session) -> None:
    def statements() -> int:
        with counted(app) as seen:
            client.page("/outbox")
        return len(seen)

    _mail(session)
    before = statements()
    for n in range(60):
        outbox.queue(session, to=f"p{n}@team.example", subject=f"Mail {n}", body="Text", now=NOON)
    session.commit()
    assert statements() == before <= 6
    page = client.page("/outbox?page=2")
    assert "Page 2 of 2" in page.text and len(page.find("tbody").find_all("tr")) == 11


def test_without_a_mail_server_only_invitations_keep_their_links(client: PageClient, session: Session) -> None:
    reset, address = "http://localhost/reset/another-secret", "http://localhost/account/address/a-third-secret"
    mail = _mail(session, state="kept", body=f"Enter: {LINK}\nor {reset}\nor {address}\n", sent_at=NOON)
    page = client.page(f"/outbox/{mail.id}")
    assert page.find("a", href=LINK) and "another-secret" not in str(page) and "a-third-secret" not in str(page)
