"""Mails as their readers get them: whole texts, in the reader's own way of writing dates, times and money."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from lab.models import Mail, Obligation
from lab.rules.facts import Role
from lab.rules.money import Money
from lab.rules.obligations import ObligationKind, Party
from lab.rules.text import M
from lab.services import award as awards
from lab.services import letters, reminders, workplan
from tests.factories import World, join, person

MORNING = datetime(2026, 3, 15, 7, tzinfo=UTC)


@pytest.fixture
def world(world_at: Callable[..., World], session: Session) -> World:
    world = world_at()
    world.award.code, world.award.project = "lab-1", "Encadenamientos productivos"
    world.award.organisation.legal_name = "Cámara de Ejemplo"
    for obligation in session.scalars(select(Obligation)):
        if obligation.award_id != world.award.id or obligation.kind != ObligationKind.SUBMIT_WORKPLAN:
            obligation.state = "discharged"
        obligation.opened_at = datetime(2026, 2, 23, 12, tzinfo=UTC)
    session.commit()
    return world


def newest(session: Session, to: str) -> Mail:
    session.expire_all()
    found = session.scalars(select(Mail).where(Mail.to == to).order_by(Mail.id.desc())).first()
    assert found is not None, f"no mail to {to}"
    return found


def speaks(world: World, language: str, time_zone: str = "America/Guayaquil") -> None:
    world.lead.language, world.lead.time_zone = language, time_zone
    world.session.commit()


def test_a_reminder_in_english(world: World, session: Session) -> None:
    reminders.sweep(MORNING)
    mail = newest(session, world.lead.email)
    assert mail.subject == "Submit the workplan and budget – Encadenamientos productivos"
    assert mail.body == (
        "Dear Lucía Lead,\n"
        "\n"
        "This is due soon:\n"
        "\n"
        "Submit the workplan and budget\n"
        "Project: Encadenamientos productivos (Cámara de Ejemplo)\n"
        "Due: 16 March 2026, 17:59 in Guayaquil (16 March 2026, 23:59 in Geneva)\n"
        "\n"
        "Do it, or see where it stands, here:\n"
        "http://localhost/awards/lab-1\n"
    )
    assert (mail.person_id, mail.state, mail.created_at) == (world.lead.id, "queued", MORNING)


def test_a_reminder_to_a_spanish_reader_writes_dates_as_they_do(world: World, session: Session) -> None:
    speaks(world, "es")
    reminders.sweep(MORNING)
    mail = newest(session, world.lead.email)
    assert mail.body == (
        "Dear Lucía Lead,\n"
        "\n"
        "This is due soon:\n"
        "\n"
        "Submit the workplan and budget\n"
        "Project: Encadenamientos productivos (Cámara de Ejemplo)\n"
        "Due: 16 de marzo de 2026, 17:59 in Guayaquil (16 de marzo de 2026, 23:59 in Geneva)\n"
        "\n"
        "Do it, or see where it stands, here:\n"
        "http://localhost/awards/lab-1\n"
    )


def test_a_reader_in_geneva_is_told_one_time(world: World, session: Session) -> None:
    speaks(world, "fr", "Europe/Zurich")
    reminders.sweep(MORNING)
    assert "Due: 16 mars 2026, 23:59 in Geneva\n\nDo it" in newest(session, world.lead.email).body


def test_the_day_is_the_reader_s_own(world: World, session: Session) -> None:
    speaks(world, "en", "Asia/Tokyo")
    reminders.sweep(MORNING)
    assert (
        "Due: 17 March 2026, 07:59 in Tokyo (16 March 2026, 23:59 in Geneva)" in newest(session, world.lead.email).body
    )


def test_what_is_late_is_told_to_the_team_and_to_those_who_follow(world: World, session: Session) -> None:
    reminders.sweep(datetime(2026, 3, 19, 7, tzinfo=UTC))
    assert newest(session, world.lead.email).body.startswith(
        "Dear Lucía Lead,\n\nThis was due and is not done yet:\n\nSubmit the workplan and budget\n"
    )
    assert newest(session, world.officer.email).body.startswith(
        "Dear Olivia Officer,\n\nThis is late, and you are told because you follow the award:\n\nSubmit the workplan"
    )


def test_an_invitation(world: World, session: Session, now: datetime) -> None:
    awards.invite_member(world.actor(world.officer), now, world.code, "Ana New", "ana@team.example", Role.MEMBER)
    mail = newest(session, "ana@team.example")
    token = mail.body.split("/invitation/")[1].split("\n")[0]
    assert mail.subject == "You are invited: Encadenamientos productivos"
    assert mail.body == (
        "Dear Ana New,\n"
        "\n"
        "Olivia Officer has named you team member of the project “Encadenamientos productivos” of Cámara de Ejemplo.\n"
        "The workplan, the agreement, payments and reports of an award are kept there.\n"
        "\n"
        "Choose a password on this page to enter:\n"
        f"http://localhost/invitation/{token}\n"
        "\n"
        # The award's language is Spanish, and so is the newcomer's until they choose.
        "The link works once, until 16 de marzo de 2026. If it has run out, ask Olivia Officer for another.\n"
    )


@pytest.mark.parametrize(
    ("time_zone", "day"),
    [
        ("Pacific/Auckland", "17 March 2026"),
        ("America/Guayaquil", "16 March 2026"),
        ("Pacific/Pago_Pago", "16 March 2026"),
    ],
)
def test_the_last_day_of_a_link_is_the_reader_s_and_not_the_sender_s(
    world: World, session: Session, time_zone: str, day: str
) -> None:
    ana = join(session, world.award, Role.MEMBER, email="ana@team.example", time_zone=time_zone)
    session.commit()
    now = datetime(2026, 3, 2, 20, tzinfo=UTC)
    awards.send_invitation_again(world.actor(world.officer), now, world.code, ana.id)
    assert f"until {day}." in newest(session, ana.email).body


def test_word_to_somebody_who_has_an_account(world: World, session: Session, now: datetime) -> None:
    known = person(session, name="Max Known", email="max@ilo.example", password="set")
    session.commit()
    awards.invite_member(world.actor(world.officer), now, world.code, "Max", known.email, Role.MENTOR)
    mail = newest(session, known.email)
    assert mail.subject == "You have joined: Encadenamientos productivos"
    assert mail.body == (
        "Dear Max Known,\n"
        "\n"
        "Olivia Officer has named you mentor of the project “Encadenamientos productivos” of Cámara de Ejemplo.\n"
        "\n"
        "You find it here, with the account that you have:\n"
        "http://localhost/awards/lab-1\n"
    )


def test_news_with_its_reason(world: World, session: Session, now: datetime) -> None:
    speaks(world, "es")
    workplan.extend_deadline(world.actor(world.officer), now, world.code, 7, "  Floods.\nThe roads are closed. ")
    mail = newest(session, world.lead.email)
    assert mail.subject == (
        "Encadenamientos productivos: The workplan's deadline is now the end of 23 de marzo de 2026."
    )
    assert mail.body == (
        "Dear Lucía Lead,\n"
        "\n"
        "On the project “Encadenamientos productivos”:\n"
        "The workplan's deadline is now the end of 23 de marzo de 2026.\n"
        "\n"
        "The reason given:\n"
        "Floods.\n"
        "The roads are closed.\n"
        "\n"
        "Read more, and do what is next, here:\n"
        "http://localhost/awards/lab-1/workplan\n"
    )


def test_news_without_a_reason_does_not_mention_one(world: World, session: Session, now: datetime) -> None:
    letters.tell(world.award, Party.TEAM, M("Something happened."), "/awards/lab-1", now)
    session.commit()
    assert newest(session, world.lead.email).body == (
        "Dear Lucía Lead,\n"
        "\n"
        "On the project “Encadenamientos productivos”:\n"
        "Something happened.\n"
        "\n"
        "Read more, and do what is next, here:\n"
        "http://localhost/awards/lab-1\n"
    )


def test_values_in_a_sentence_are_said_as_the_reader_writes_them(world: World, session: Session, now: datetime) -> None:
    speaks(world, "es")
    news = M(
        "%(day)s, %(sum)s, %(count)s, %(inner)s, %(word)s, %(n)s",
        day=date(2026, 3, 2), sum=Money(Decimal("1234.5000"), "USD"), count=Decimal("1234.5"), inner=M("of %(x)s", x="all"),
        word="Pilot", n=3,
    )  # fmt: skip
    letters.tell(world.award, Party.TEAM, news, "/", now)
    session.commit()
    assert "2 de marzo de 2026, USD 1.234,50, 1.234,5, of all, Pilot, 3" in newest(session, world.lead.email).body


def test_a_mail_is_the_reader_s_even_when_somebody_else_s_request_causes_it(
    app: Flask, world: World, session: Session, now: datetime
) -> None:
    """The officer reads French in Geneva; the lead Spanish in Guayaquil."""
    world.officer.language = "fr"
    speaks(world, "es")
    with app.test_request_context("/", headers={"Accept-Language": "de"}):
        from flask_login import login_user

        login_user(world.officer)
        workplan.extend_deadline(world.actor(world.officer), now, world.code, 7, "Floods")
    assert "23 de marzo de 2026" in newest(session, world.lead.email).subject


@pytest.mark.parametrize("markup", ["{{ 7 * 7 }}", "<script>alert(1)</script> & co", "100 % sure %(name)s"])
def test_what_people_typed_is_text_and_nothing_else(world: World, session: Session, now: datetime, markup: str) -> None:
    world.award.project = markup
    session.commit()
    awards.steer(world.actor(world.officer), now, world.code, "suspend", markup)
    mail = newest(session, world.lead.email)
    assert mail.subject == f"{markup}: The award has been suspended."
    assert mail.body.count(markup) == 2


def test_a_project_of_two_lines_keeps_its_mail_in_shape(world: World, session: Session, now: datetime) -> None:
    world.award.project = "Two\nlines"
    session.commit()
    letters.tell(world.award, Party.TEAM, M("News."), "/", now)
    session.commit()
    assert newest(session, world.lead.email).subject == "Two lines: News."


def test_everybody_who_stands_for_a_party_is_told_and_nobody_else(
    world: World, session: Session, now: datetime
) -> None:
    join(session, world.award, Role.MENTOR, email="gone@ilo.example", active=False)
    session.commit()
    for party, people in {
        Party.TEAM: {world.lead.email},
        Party.MENTOR: {world.mentor.email},
        Party.OFFICER: {world.officer.email},
        Party.FINANCE: {world.finance.email},
        Party.COMMITTEE: {world.committee.email},
    }.items():
        before = set(session.scalars(select(Mail.id)))
        letters.tell(world.award, party, M("News."), "/", now)
        session.flush()
        told = {mail.to for mail in session.scalars(select(Mail)) if mail.id not in before}
        assert told == people, party


def test_a_letter_that_lacks_a_value_is_a_mistake_and_not_half_a_letter(world: World, now: datetime) -> None:
    from jinja2 import UndefinedError

    with pytest.raises(UndefinedError):
        letters.write(world.lead, "added", now, inviter="Somebody")


@pytest.mark.parametrize(
    ("due_at", "zone", "said"),
    [
        # The last minute before midnight on days of 23 and of 25 hours.
        (datetime(2027, 3, 28, 22, tzinfo=UTC), "Europe/Zurich", "28 March 2027, 23:59 in Geneva"),
        (datetime(2026, 10, 25, 23, tzinfo=UTC), "Europe/Zurich", "25 October 2026, 23:59 in Geneva"),
        (datetime(2026, 10, 25, 23, tzinfo=UTC), "America/Guayaquil", "25 October 2026, 17:59 in Guayaquil"),
        (datetime(2027, 3, 28, 22, tzinfo=UTC), "America/Sao_Paulo", "28 March 2027, 18:59 in Sao Paulo"),
    ],
)
def test_the_last_minute_of_a_deadline(app: Flask, due_at: datetime, zone: str, said: str) -> None:
    with app.app_context():
        assert letters._moment(due_at, zone) == said
