"""The demonstration: everything in it can be opened by its people, it never touches data, and a kill leaves no half of it."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from sqlalchemy import func, select

from lab import clock, demo
from lab.config import ROOT
from lab.demo.play import Play, Story, perform
from lab.extensions import db, reading_only
from lab.models import (
    Attendance,
    Award,
    BankAccount,
    BootCamp,
    Decision,
    Document,
    Event,
    Heartbeat,
    Indicator,
    IndicatorValue,
    LedgerEntry,
    Lesson,
    Mail,
    Milestone,
    Obligation,
    Organisation,
    Person,
    Thread,
    Tranche,
    Upload,
    Version,
)
from lab.queries import tasks
from lab.queries.awards import get_award
from lab.queries.people import actor_for
from lab.queries.portfolio import Filters, list_awards
from lab.rules.obligations import ObligationKind as Kind
from lab.services import reminders
from tests.conftest import DATABASES, NOON, Store
from tests.factories import World
from tests.kept import Rows
from tests.web.pages import PageClient, lint
from tests.web.tables import contents

ECUADOR, BRAZIL = "e-formalisation-2021-1", "e-formalisation-2021-2"
STAGES = {
    ECUADOR: "pilot", BRAZIL: "prototyping", "demo-village-workshops-1": "closed",
    "demo-village-workshops-2": "suspended", "demo-village-workshops-3": "lapsed", "demo-village-workshops-4": "agreement",
    "demo-village-workshops-5": "workplan", "demo-village-workshops-6": "workplan",
}  # fmt: skip


@pytest.fixture
def shown(app: Flask, store: Store) -> Iterator[Flask]:
    """The application with the demonstration in it, loaded at noon of 2 March 2026."""
    app.extensions["lab_config"] = replace(app.extensions["lab_config"], demo=True)
    app.extensions["lab_demo_accounts"] = demo.ACCOUNTS
    with app.app_context():
        if store.demo is None:
            assert demo.load_if_empty(app)
            db.session.remove()
            with db.engine.connect() as connection:
                store.demo = Rows(connection)
        else:
            with db.engine.begin() as connection:
                store.demo.write(connection)
    yield app
    app.extensions["lab_config"] = replace(app.extensions["lab_config"], demo=False)
    del app.extensions["lab_demo_accounts"]


def _person(email: str) -> Person:
    return db.session.scalars(select(Person).where(Person.email == email)).one()


def person_of(app: Flask, email: str) -> Person:
    """Somebody of the demonstration, no longer tied to a session."""
    with app.app_context():
        person = _person(email)
        db.session.expunge(person)
    return person


def crawl(client: PageClient, kind: Callable[[str], str] | None = None) -> dict[str, tuple[str, str]]:
    """Every page and picture that pages lead to from the start page, or two of each ``kind``; each must answer, and pages
    are linted: the link → where it led and the text of the page, empty for what is none."""
    seen: dict[str, tuple[str, str]] = {}
    kinds = Counter[str]()
    waiting = ["/"]
    while waiting:
        path = waiting.pop()
        if path in seen or (kind is not None and kinds[kind(path)] == 2):
            continue
        if kind is not None:
            kinds[kind(path)] += 1
        answer = client.get(path, follow_redirects=True)
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        seen[path] = (answer.request.path, answer.text if answer.mimetype == "text/html" else "")
        if answer.mimetype != "text/html":
            answer.close()
            continue
        for tag in lint(answer.text, path).find_all(["a", "img"]):
            parts = urlsplit(urljoin(answer.request.path, str(tag.get("href") or tag.get("src") or "")))
            if not parts.netloc and parts.path.startswith("/") and not parts.path.startswith("/static/"):
                waiting.append(parts.path + (f"?{parts.query}" if parts.query else ""))
    return seen


Crawled = dict[str, dict[str, tuple[str, str]]]


@pytest.fixture(scope="module")
def crawled_before() -> dict[str, Crawled]:
    """What was crawled already, by the kind of the database: two tests read all pages of everybody."""
    return {}


@pytest.fixture
def crawled(
    shown: Flask,
    store: Store,
    client_for: Callable[[Person | None], PageClient],
    crawled_before: dict[str, Crawled],
) -> Crawled:
    """Everything that everybody can open, by the account's name; opening it has written nothing."""
    if store.kind not in crawled_before:
        before = contents(shown)
        crawled_before[store.kind] = {
            account.email.split("@")[0]: crawl(client_for(person_of(shown, account.email))) for account in demo.ACCOUNTS
        }
        assert contents(shown) == before, "a page has written something"
    return crawled_before[store.kind]


def _tabs(client: PageClient, code: str) -> set[str]:
    links = client.page(f"/awards/{code}").find_all("a", href=True)
    paths = {urlsplit(str(link["href"])).path for link in links}
    return {path for path in paths if path.startswith(f"/awards/{code}/")}


@pytest.mark.parametrize("store", DATABASES[-1:], indirect=True)
def test_everybody_can_open_everything_that_is_linked_to_them(
    shown: Flask, client_for: Callable[[Person | None], PageClient], crawled: Crawled
) -> None:
    pages = {who: set(found) for who, found in crawled.items()}
    clients = {account.email.split("@")[0]: client_for(person_of(shown, account.email)) for account in demo.ACCOUNTS}
    awards = {
        who: {code for code in STAGES if f"/awards/{code}" in {path.split("?")[0] for path in paths}}
        for who, paths in pages.items()
    }
    assert awards["lead"] == awards["member"] == {ECUADOR}
    assert awards["mentor"] == {ECUADOR, BRAZIL}
    assert awards["officer"] == awards["finance"] == awards["committee"] == set(STAGES)
    assert awards["admin"] == set()
    for who, codes in awards.items():
        for code in codes:
            assert len(_tabs(clients[who], code)) >= 4
            assert _tabs(clients[who], code) <= pages[who], f"{who} {code}"
    assert "/calls/e-formalisation-2021/pilots" in pages["committee"]
    assert any(path.startswith("/outbox/") for path in pages["admin"])
    assert any("/files/" in path for path in pages["lead"]), "the documents of boot camps, versions and reports"
    assert {path.split("?")[0] for path in pages["committee"]} > {
        f"/calls/e-formalisation-2021/pilots/{chart}.svg" for chart in ("time", "money-USD", "results")
    }


def _bank_details() -> dict[str, set[str]]:
    """What stands on bank accounts and bank statements, by the code of the award that it belongs to: numbers, SWIFT codes,
    banks, references, and holders who are not called like anybody or anything else here."""
    known = set(db.session.scalars(select(Person.name))) | set(db.session.scalars(select(Organisation.legal_name)))
    found: dict[str, set[str]] = {}
    accounts = select(Award.code, BankAccount).join(BankAccount, BankAccount.organisation_id == Award.organisation_id)
    # An account that another has replaced is shown no more; the test below asks for it all the same.
    for code, account in db.session.execute(accounts):
        texts = {account.number, account.swift, account.bank, account.holder} - known - {""}
        found.setdefault(code, set()).update(texts)
    entries = select(Award.code, LedgerEntry.reference).join(LedgerEntry, LedgerEntry.award_id == Award.id)
    for code, reference in db.session.execute(entries):
        found.setdefault(code, set()).add(reference)
    return found


@pytest.mark.parametrize("store", DATABASES[-1:], indirect=True)
def test_bank_details_are_where_they_may_be_and_nowhere_else(shown: Flask, crawled: Crawled) -> None:
    with shown.app_context():
        details = _bank_details()
        mails = [f"{mail.subject}\n{mail.body}" for mail in db.session.scalars(select(Mail))]
        facts = [str(event.details) for event in db.session.scalars(select(Event))]
        drafts = [str(document.draft) for document in db.session.scalars(select(Document))]
    every = set().union(*details.values())
    assert len(every) > 3 and ECUADOR in details
    # Not in a mail, which goes through other people's machines, not in what happened, not in what is being written.
    for text in (*mails, *facts, *drafts):
        assert not [detail for detail in every if detail in text]
    for who, pages in crawled.items():
        met = set[tuple[str, str]]()
        for path, text in pages.values():
            plain = BeautifulSoup(text, "html.parser")
            # As the page says it, and as it stands in values of fields, seen or not.
            said = " ".join(
                [plain.get_text(" "), *(str(value) for tag in plain.find_all(True) for value in tag.attrs.values())]
            )
            met.update((path, detail) for detail in every if detail in said)
        if who in ("lead", "officer", "finance"):
            codes = {ECUADOR} if who == "lead" else set(details)
            replaced = {"DEMO-0000-0002"}
            assert {detail for _path, detail in met} == set().union(*(details[code] for code in codes)) - replaced, who
            assert {path for path, _detail in met} <= {f"/awards/{code}/payments" for code in codes}, who
        else:
            assert not met, who


def test_each_of_the_seven_signs_in_with_the_password_and_nobody_else(shown: Flask) -> None:
    config = shown.extensions["lab_config"]
    known = {account.email for account in demo.ACCOUNTS}
    assert len(known) == 7
    with shown.app_context():
        everybody = set(db.session.scalars(select(Person.email)))
    assert known < everybody
    strangers = sorted(everybody - known)
    assert all(email.endswith(".example.org") for email in strangers)
    for email in [*sorted(known), *strangers[:2]]:
        client = shown.test_client()
        assert isinstance(client, PageClient)
        answer = client.submit("/login", {"email": email, "password": config.demo_password})
        assert (answer.status_code == 303) == (email in known), email
        assert client.get("/").status_code == (200 if email in known else 302), email


def test_every_award_is_where_it_says(shown: Flask) -> None:
    with shown.app_context():
        found = {code: stage for code, stage in db.session.execute(select(Award.code, Award.stage))}
        ecuador, brazil, gate = _award(ECUADOR), _award(BRAZIL), _award("demo-village-workshops-6")
        today = clock.now().date()
        assert ecuador.pilot_on is not None and brazil.prototyping_on is not None
        assert 92 <= (today - ecuador.pilot_on).days < 120, "the fourth month of the pilot"
        assert 60 <= (today - brazil.prototyping_on).days < 90, "the third month of prototyping"
        assert gate.notice_on + timedelta(days=12) == today
        lapsed = db.session.scalars(select(Award).where(Award.stage == "lapsed")).one()
        assert lapsed.ended_at is not None
        assert lapsed.ended_at.date() > lapsed.notice_on + timedelta(days=21)
        for award in (ecuador, brazil):
            assert award.call.code == "e-formalisation-2021"
            assert award.call.definition["closes_at"].startswith("2021-06-30"), "the real call's dates stay"
    assert found == STAGES


def _award(code: str) -> Award:
    return get_award(db.session(), code)


def _count(model: type, *conditions: object) -> int:
    return db.session.scalar(select(func.count()).select_from(model).where(*conditions)) or 0  # type: ignore[arg-type]


def test_ecuador_has_everything_that_a_winner_may_have_in_its_fourth_month(shown: Flask) -> None:
    with shown.app_context():
        award = _award(ECUADOR)
        assert award.organisation.legal_name == "Cámara de Industrias de Guayaquil" and award.local_currency == "USD"
        versions = select(Document.kind, Document.number, Version.number, Version.decision).join(Version)
        decided = {
            (kind, number, version): decision
            for kind, number, version, decision in db.session.execute(versions.where(Document.award_id == award.id))
        }
        assert decided["workplan", 1, 1] == "changes_requested" and decided["workplan", 1, 2] == "accepted"
        assert decided["prototype_report", 1, 1] == decided["progress_report", 1, 1] == "accepted"
        assert {version for kind, _, version in decided if kind == "prototype"} == {1, 2, 3}
        assert ("progress_report", 2, 1) not in decided
        draft = db.session.scalars(
            select(Document).where(
                Document.award_id == award.id, Document.kind == "progress_report", Document.number == 2
            )
        ).one()
        assert draft.state == "draft" and draft.draft["sections"]
        camps = db.session.scalars(select(BootCamp).where(BootCamp.award_id == award.id)).all()
        assert len(camps) == 3 and all(camp.held_on for camp in camps)
        for camp in camps:
            assert _count(Attendance, Attendance.boot_camp_id == camp.id) == 2
            assert _count(Upload, Upload.place == f"boot_camp:{camp.id}") == 1
        resolved = db.session.scalars(
            select(Thread.resolved_at).where(Thread.award_id == award.id, Thread.kind == "feedback")
        )
        assert sorted(at is None for at in resolved) == [False, False, True, True]
        milestones = db.session.scalars(select(Milestone).where(Milestone.award_id == award.id)).all()
        assert sum(item.accepted_at is not None for item in milestones) == 3
        assert any(item.accepted_at is None and item.due_on < clock.now().date() for item in milestones)
        values = db.session.scalars(select(IndicatorValue).join(Indicator).where(Indicator.award_id == award.id)).all()
        assert len(values) == 16 and any(set(value.split) == {"sex", "age", "group"} for value in values)
        assert _count(Decision, Decision.award_id == award.id) == _count(Lesson, Lesson.award_id == award.id) == 1
        tranche = db.session.scalars(select(Tranche).where(Tranche.award_id == award.id)).one()
        assert tranche.state == "received"


def test_money_adds_up(shown: Flask) -> None:
    with shown.app_context():
        paid = {
            code: amount
            for code, amount in db.session.execute(
                select(Award.code, func.sum(LedgerEntry.amount))
                .join(Award, Award.id == LedgerEntry.award_id)
                .where(LedgerEntry.kind == "payment")
                .group_by(Award.code)
            )
        }
        assert paid == {ECUADOR: 30000, "demo-village-workshops-1": 10000, "demo-village-workshops-2": 6000}
        assert db.session.scalar(select(LedgerEntry.amount).where(LedgerEntry.kind == "return")) == 240
        assert db.session.scalars(select(Award.code).join(Tranche).where(Tranche.state == "proposed")).all() == [BRAZIL]


def test_everybody_finds_work(shown: Flask) -> None:
    wanted = {
        "lead": {Kind.REACH_MILESTONE, Kind.ANSWER_THREAD, Kind.SUBMIT_PROGRESS_REPORT},
        "member": {Kind.REACH_MILESTONE, Kind.ANSWER_THREAD, Kind.SUBMIT_PROGRESS_REPORT},
        "officer": {Kind.REVIEW_WORKPLAN, Kind.SIGN_ILO, Kind.HOLD_BOOT_CAMP},
        "finance": {Kind.AUTHORISE_PAYMENT, Kind.VERIFY_ACCOUNT},
    }
    with shown.app_context():
        for name, kinds in wanted.items():
            owed = tasks.owed_by(db.session(), actor_for(db.session(), _person(f"{name}@example.org")))
            soon = {item.kind for item in owed.first if item.due_at < clock.now() + timedelta(days=20)}
            assert kinds <= soon, name
        mentor = tasks.owed_to(db.session(), actor_for(db.session(), _person("mentor@example.org")))
        assert {item.award.code for item in mentor.first} == {ECUADOR, BRAZIL}
        committee = tasks.awards_of(db.session(), actor_for(db.session(), _person("committee@example.org")))
        assert len(committee) == len(STAGES)


def test_it_was_played_in_the_order_of_time(shown: Flask) -> None:
    """Events, and mails too, stand one after the other as they would have come."""
    with shown.app_context():
        for stream in db.session.scalars(select(Event.stream).distinct()).all():
            at = db.session.scalars(select(Event.at).where(Event.stream == stream).order_by(Event.seq)).all()
            assert all(one <= next_ for one, next_ in pairwise(at)), stream
        sent = db.session.scalars(select(Mail.created_at).order_by(Mail.id)).all()
        assert all(one <= next_ for one, next_ in pairwise(sent))
        assert db.session.scalar(select(func.max(Event.at))) <= clock.now()
        assert db.session.scalar(select(func.max(Obligation.opened_at))) <= clock.now()


def test_nothing_is_left_to_be_mailed(shown: Flask) -> None:
    """A mail server that is configured gets neither the past's mails nor its reminders in a burst."""
    with shown.app_context():
        reading_only.set(False)
        assert set(db.session.scalars(select(Mail.state).distinct())) == {"kept"}
        assert _count(Mail, Mail.sent_at != Mail.created_at) == 0
        assert reminders.sweep(clock.now()) == 0
        assert _count(Mail, Mail.state == "queued") == 0
        assert reminders.sweep(clock.now() + timedelta(days=1)) < 10


def test_what_is_invented_says_so(shown: Flask) -> None:
    with shown.app_context():
        plans = db.session.scalars(
            select(Version.content).join(Document).where(Document.kind.in_(["workplan", "prototype"]))
        ).all()
        assert len(plans) > 8
        assert all(str(content.get("summary") or content.get("body")).startswith("[Invented") for content in plans)
        for model in (Decision, Lesson):
            assert all(body.startswith("[Invented") for body in db.session.scalars(select(model.body)))
        names = [row.award.organisation.legal_name for row in list_awards(db.session(), Filters()).rows]
        assert len(names) == len(STAGES)
        assert [name for name in names if "invent" not in name] == ["Cámara de Industrias de Guayaquil"]


def test_a_second_load_changes_nothing(shown: Flask) -> None:
    with shown.app_context():
        before = _count(Event), _count(Mail), _count(Person)
        assert not demo.load_if_empty(shown)
        assert (_count(Event), _count(Mail), _count(Person)) == before
        assert demo.is_loaded() and not demo.was_cut_off()
        assert demo.password_holds("prototype-2021") and not demo.password_holds("prototype-2022")


def test_data_is_never_touched(app: Flask, world_at: Callable[..., World]) -> None:
    app.extensions["lab_config"] = replace(app.extensions["lab_config"], demo=True)
    try:
        world = world_at()
        before = world.session.scalar(select(func.count(Person.id)))
        assert not demo.load_if_empty(app)
        assert world.session.scalar(select(func.count(Person.id))) == before
        assert not demo.is_loaded() and not demo.was_cut_off()
    finally:
        app.extensions["lab_config"] = replace(app.extensions["lab_config"], demo=False)


def test_nothing_is_loaded_without_being_told_to(app: Flask) -> None:
    with app.app_context():
        assert not demo.load_if_empty(app)
        assert demo.is_empty()
        assert _count(Heartbeat) == 0


# A day on which the calendar is awkward: the clocks change, a month ends, a leap day, a minute after midnight in Geneva.
@pytest.mark.parametrize(
    "spec",
    [
        "2026-10-25T12:00:00+00:00",
        "2027-03-28T00:30:00+00:00",
        "2028-02-29T23:01:00+00:00",
    ],
)
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_it_loads_on_any_day(app: Flask, spec: str) -> None:
    app.extensions["lab_config"] = replace(app.extensions["lab_config"], demo=True)
    clock.move(spec)
    try:
        with app.app_context():
            assert demo.load_if_empty(app)
            found = {code: stage for code, stage in db.session.execute(select(Award.code, Award.stage))}
            assert found == STAGES
            assert db.session.scalar(select(func.max(Event.at))) <= clock.now()
    finally:
        app.extensions["lab_config"] = replace(app.extensions["lab_config"], demo=False)


def test_stories_are_played_side_by_side() -> None:
    day = datetime(2026, 1, 1, tzinfo=UTC)
    told: list[tuple[str, datetime]] = []

    def story(name: str, *days: int) -> Story:
        for number in days:
            now = yield day + timedelta(days=number)
            told.append((name, now))

    perform([story("a", 1, 4), story("b", 2, 3, 3)])
    assert [(name, (at - day).days) for name, at in told] == [("a", 1), ("b", 2), ("b", 3), ("b", 3), ("a", 4)]
    with pytest.raises(ValueError, match="turns back"):
        perform([story("c", 2, 1)])


def test_nothing_is_dated_after_the_instant_of_loading(app: Flask) -> None:
    play = Play(NOON, "x", app.extensions["lab_files"])
    assert play.at(date(2026, 3, 2), 18) == NOON
    assert play.at(date(2026, 3, 1), 18) == datetime(2026, 3, 1, 17, tzinfo=UTC)


# The real thing, as `make run` starts it ---------------------------------------------------------------------------


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Run:
    """``python app.py`` in a folder of its own, with the demonstration unless told otherwise."""

    def __init__(self, folder: Path, port: int, **more: str) -> None:
        self.port = port or _free_port()
        env = {name: value for name, value in os.environ.items() if not name.startswith("LAB_")}
        self.database = folder / "lab.db"
        env |= {
            "LAB_DEMO": "1", "LAB_SECRET_KEY": "only-for-tests-" + "x" * 32, "LAB_PORT": str(self.port),
            "LAB_DATABASE_URL": f"sqlite:///{self.database}", "LAB_FILES": str(folder / "files"), **more,
        }  # fmt: skip
        self.process = subprocess.Popen(
            [sys.executable, "app.py"], cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            # As in a terminal: tests that run in the background of a shell have Ctrl-C switched off.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip

    def healthy(self) -> bool:
        for _ in range(300):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5) as answer:
                    return bool(answer.status == 200)
            except OSError:
                time.sleep(0.2)
        return False

    def count(self, table: str) -> int:
        with closing(sqlite3.connect(self.database, timeout=30)) as connection:
            return int(connection.execute(f"select count(*) from {table}").fetchone()[0])

    def wait_until_loading(self) -> None:
        """Until somebody of the demonstration is there, and not yet all of it."""
        for _ in range(600):
            try:
                if self.count("award") > 0:
                    return
            except sqlite3.OperationalError:
                pass
            time.sleep(0.05)
        raise AssertionError("it never began to load")

    def said(self) -> str:
        """What a start that ends by itself has said."""
        return self.process.communicate(timeout=60)[0]

    def stop(self, number: int = signal.SIGTERM) -> str:
        self.process.send_signal(number)
        return self.said()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    """``start(LAB_NOW="+21d")``: a start in this test's folder; whatever still runs at its end is killed."""
    made: list[Run] = []

    def begin(port: int = 0, **more: str) -> Run:
        made.append(Run(tmp_path, port, **more))
        return made[-1]

    yield begin
    for run in made:
        if run.process.poll() is None:
            run.process.kill()
            run.process.communicate()


def test_it_starts_says_where_and_starts_again_without_loading(start: Callable[..., Run]) -> None:
    first = start()
    assert first.healthy()
    said = first.stop()
    assert first.process.returncode == 0, said
    assert f"http://127.0.0.1:{first.port}" in said and "Traceback" not in said
    assert all(account.email in said for account in demo.ACCOUNTS) and "password prototype-2021" in said
    events = first.count("event")
    again = start(LAB_NOW="+21d", LAB_DEMO_PASSWORD="another password")
    assert again.healthy()
    said = again.stop(signal.SIGINT)
    assert again.process.returncode == 0 and "Loading" not in said and "Traceback" not in said
    assert "the password that was set when it was loaded" in said and "another password" not in said
    assert again.count("event") == events
    real = start(LAB_DEMO="0")
    assert "start it with LAB_DEMO=1" in real.said()
    assert real.process.returncode == 1, "its passwords are public"


def test_outside_the_demonstration_there_is_nobody(start: Callable[..., Run]) -> None:
    real = start(LAB_DEMO="0")
    assert real.healthy()
    assert real.count("person") == real.count("call") == 0
    said = real.stop()
    assert "@example.org" not in said
    with closing(sqlite3.connect(real.database, isolation_level=None)) as connection:
        connection.execute(
            "insert into person (email, name, active, fs_uniquifier, language, time_zone, created_at) "
            "values ('somebody@organisation.example', 'Somebody', 1, 'x', 'en', 'Europe/Zurich', '2026-01-01 00:00:00')"
        )
    later = start()
    assert later.healthy()
    said = later.stop()
    assert "was not loaded" in said and "@example.org" not in said
    assert (later.count("person"), later.count("call")) == (1, 0)


def test_a_kill_while_it_loads_leaves_no_half_of_it(start: Callable[..., Run]) -> None:
    half = start()
    half.wait_until_loading()
    second = start()
    assert "Another start is preparing" in second.said(), "it must not take a load for one that was cut off"
    assert second.process.returncode == 1
    half.process.kill()
    half.process.communicate()
    assert 0 < half.count("award") < len(STAGES)
    whole = start()
    assert whole.healthy()
    said = whole.stop()
    assert "was cut off" in said and "Traceback" not in said
    assert whole.count("award") == len(STAGES)


def test_ctrl_c_while_it_loads_ends_in_a_sentence(start: Callable[..., Run]) -> None:
    run = start()
    run.wait_until_loading()
    said = run.stop(signal.SIGINT)
    assert "Stopped while preparing" in said and "Traceback" not in said
    assert run.process.returncode == 1


def test_a_taken_port_is_said(start: Callable[..., Run]) -> None:
    first = start(LAB_DEMO="0")
    assert first.healthy()
    second = start(first.port, LAB_DEMO="0")
    assert f"Port {first.port} is taken" in second.said()
    assert second.process.returncode == 1
    first.stop()
