"""The lab's pages: what each person finds there, the way from a draft to a version, and the talk about it."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date, timedelta
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lab.models import Attendance, BootCamp, Comment, Document, Person, Thread, Upload, Version
from lab.rules.facts import Stage
from lab.services import lab as service
from tests.conftest import NOON, counted
from tests.factories import World
from tests.web.pages import PageClient

WorldAt = Callable[..., World]
ClientFor = Callable[..., PageClient]
PDF = b"%PDF-1.7\n1 0 obj\n<< >>\nendobj\n"


def _lab(world: World, rest: str = "") -> str:
    return f"/awards/{world.code}/lab{rest}"


def _publish(world: World, body: str = "It counts stock.", link: str = "") -> int:
    number = service.publish_prototype(world.actor(world.lead), NOON, world.code, body, link, [])
    world.session.refresh(world.award)
    return number


def _comment(world: World, number: int = 1, topic: str = "Stock list", body: str = "Too small on a phone.") -> int:
    return service.open_feedback(world.actor(world.mentor), NOON, world.code, number, topic, body)


def _file(data: bytes = PDF, name: str = "plan.pdf") -> tuple[io.BytesIO, str]:
    return io.BytesIO(data), name


def _revision(client: PageClient, world: World) -> str:
    return str(client.page(_lab(world, "/versions/new")).find("input", {"name": "revision"})["value"])


def _versions(session: Session) -> int:
    return (
        session.scalar(select(func.count()).select_from(Version).join(Document).where(Document.kind == "prototype"))
        or 0
    )


# The page --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        (Stage.WORKPLAN, "The workplan and budget come first"),
        (Stage.AGREEMENT, "once the grant agreement is in force"),
        (Stage.SUSPENDED, "The award is suspended"),
        (Stage.LAPSED, "The award ended before the lab opened"),
    ],
)
def test_before_prototyping_the_page_says_when_it_opens(
    world_at: WorldAt, client_for: ClientFor, stage: Stage, words: str
) -> None:
    world = world_at(stage)
    if stage is Stage.LAPSED:
        world.award.ended_at = NOON
        world.again()
    for person in (world.lead, world.mentor, world.officer):
        page = client_for(person).page(_lab(world))
        assert words in page.find("main").text
        # Mentors and officers keep their notes from the first day.
        assert all(form["action"] == f"{_lab(world)}/notes" for form in page.find("main").find_all("form"))


def test_what_each_person_finds(world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.PROTOTYPING)
    for person in (world.lead, world.member, world.mentor, world.officer, world.finance, world.committee):
        page = client_for(person).page(_lab(world))
        assert len(page.find_all("article", class_="camp")) == 3
        team, runs = person in (world.lead, world.member), person in (world.mentor, world.officer)
        assert bool(page.find("a", string="Write the next version")) is team
        assert bool(page.find("a", string="Write the first version")) is team
        assert len(page.find_all("form", {"data-upload": True})) == (3 if team or runs else 0)
        assert ("Record this boot camp" in page.text) is runs
    client_for(world.other_lead).page(_lab(world), 404)
    client_for(world.admin).page(_lab(world), 404)


def test_versions_come_newest_first_and_open_comments_on_top(world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.PROTOTYPING)
    _publish(world, "First\nline", "https://example.org/one")
    _publish(world, "Second\nline", "https://example.org/two")
    closed, _open = _comment(world, 1, "Colours"), _comment(world, 2, "Stock list")
    service.resolve(world.actor(world.mentor), NOON, world.code, closed)
    page = client_for(world.finance).page(_lab(world))
    assert [h.find("a").text for h in page.select("article.version h3")] == ["Version 2", "Version 1"]
    assert page.select_one("article.version .rich").decode_contents().strip() == "<p>Second<br/>\nline</p>"
    link = page.find("a", string="https://example.org/two")
    assert (link["href"], link["rel"]) == ("https://example.org/two", ["noopener", "noreferrer"])
    listed = page.find(id="comments").find_parent("section")
    assert [a.text for a in listed.find_all("a")] == ["Stock list"]
    assert "The team answers" in listed.text
    assert "1 comment, 1 open" in page.select("article.version")[0].text


def test_the_next_step_is_the_readers_own(world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.PROTOTYPING)

    def step(person: Person) -> str:
        found = client_for(person).page(_lab(world)).find(id="next-step")
        return str(found.text) if found else ""

    assert step(world.member) == "Publish a first version of the prototype"
    assert step(world.mentor) == "The team publishes a first version"
    _publish(world)
    assert (step(world.member), step(world.mentor), step(world.committee)) == ("", "", "")
    thread_id = _comment(world)
    assert step(world.member) == "Answer the comment on “Stock list”"
    assert step(world.mentor) == ""
    service.reply(world.actor(world.lead), NOON, world.code, thread_id, "Done.")
    assert (step(world.member), step(world.mentor)) == ("", "Read the team’s answer on “Stock list”")


def test_a_suspended_award_says_so(world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.PROTOTYPING)
    _publish(world)
    world.award.stage, world.award.suspended_from = Stage.SUSPENDED, Stage.PROTOTYPING
    world.again()
    client = client_for(world.lead)
    page = client.page(_lab(world))
    assert page.find(id="next-step").text == "The award is suspended"
    assert not page.find("a", string="Write the next version")
    assert client.get(_lab(world, "/versions/new")).location == _lab(world)
    assert (
        client.submit(_lab(world, "/versions/new"), {"do": "publish", "body": "x", "revision": "1"}).status_code == 422
    )


def test_markup_is_shown_as_text(world_at: WorldAt, client_for: ClientFor, session: Session) -> None:
    world = world_at(Stage.PROTOTYPING)
    bad = "<script>alert(1)</script><b onclick='x'>"
    _publish(world, bad, 'https://example.org/?a="><script>alert(1)</script>')
    _comment(world, 1, bad[:40], bad)
    camp = session.scalars(select(BootCamp).order_by(BootCamp.id)).first()
    camp.note, camp.held_on = bad, date(2026, 3, 1)
    session.commit()
    for path in (_lab(world), _lab(world, "/versions/1"), _lab(world, f"/boot-camps/{camp.key}")):
        page = client_for(world.officer).page(path)  # linted: no inline script, no handler
        assert not [tag for tag in page.find("main").find_all("script")]
    assert "alert(1)" in client_for(world.officer).page(_lab(world)).text


# Boot camps ------------------------------------------------------------------------------------------------------


def test_recording_and_correcting_a_boot_camp(session: Session, world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.PROTOTYPING)
    client, path = client_for(world.mentor), _lab(world, "/boot-camps/refine")
    page = client.page(path)
    assert [box["value"] for box in page.find_all("input", {"name": "attendees"})] == [
        str(world.lead.id), str(world.member.id),
    ]  # fmt: skip
    for held_on, words in (
        ("", "Give the day"), ("\r\n", "Give the day"), ("31.2.2026", "is not a date"), ("2026-03-09", "has not come yet"),
        ("2020-01-01", "before the notice of award"),
    ):  # fmt: skip
        refused = client.submit(path, {"held_on": held_on, "attendees": [str(world.lead.id)], "note": "We <drew> it."})
        assert refused.status_code == 422 and words in refused.text
        assert "We &lt;drew&gt; it." in refused.text and "checked" in refused.text
    for stranger in (str(world.mentor.id), "x", "9" * 30):
        refused = client.submit(path, {"held_on": "2026-03-01", "attendees": [stranger]})
        assert refused.status_code == 422
    assert session.scalar(select(func.count()).select_from(Attendance)) == 0
    done = client.submit(path, {"held_on": "2026-03-01", "attendees": [str(world.member.id)], "note": "One\ntwo"})
    assert done.location == _lab(world) + "#camp-refine"
    shown = client.page(_lab(world)).find(id="camp-refine").text
    assert "Held on 1 Mar 2026" in shown and "There: Mateo Member" in shown and "One\ntwo" in shown
    again = client.page(path)
    assert again.find("input", {"name": "held_on"})["value"] == "2026-03-01"
    assert [box["value"] for box in again.find_all("input", {"name": "attendees", "checked": True})] == [
        str(world.member.id)
    ]
    client.submit(path, {"held_on": "2026-03-01", "note": ""})
    assert "Nobody of the team was there." in client.page(_lab(world)).find(id="camp-refine").text
    client_for(world.lead).page(path, 403)
    client.page(_lab(world, "/boot-camps/moon"), 404)
    assert client.submit(_lab(world, "/boot-camps/moon")).status_code == 404


# Prototype versions ----------------------------------------------------------------------------------------------


def test_from_a_draft_with_files_to_a_version(session: Session, world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.PROTOTYPING)
    client, new = client_for(world.member), _lab(world, "/versions/new")
    typed = {"body": "It counts <stock>.", "link": "https://example.org/test", "revision": "0"}
    up = client.submit(new, {**typed, "do": "upload", "file": _file()})
    assert (up.status_code, up.location) == (303, new + "#files")
    page = client.page(new)
    assert "It counts &lt;stock&gt;." in str(page.find("textarea", {"name": "body"}))
    [box] = page.find_all("input", {"name": "files"})
    assert box.has_attr("checked") and "plan.pdf" in page.find("main").text
    # A second file, then the first is left out; nothing that was typed is lost on the way.
    typed["revision"] = _revision(client, world)
    client.submit(new, {**typed, "files": [box["value"]], "do": "save", "file": _file(name="more.pdf")})
    boxes = client.page(new).find_all("input", {"name": "files", "checked": True})
    assert len(boxes) == 2
    typed["revision"] = _revision(client, world)
    gone = client.submit(new, {**typed, "files": [b["value"] for b in boxes], "do": f"remove:{box['value']}"})
    assert gone.location == new + "#files"
    [left] = client.page(new).find_all("input", {"name": "files", "checked": True})
    typed["revision"] = _revision(client, world)
    # A file that is chosen while publishing comes along.
    done = client.submit(new, {**typed, "files": [left["value"]], "do": "publish", "file": _file(name="last.pdf")})
    assert done.location == _lab(world, "/versions/1")
    shown = client_for(world.mentor).page(_lab(world, "/versions/1"))
    assert [a.text for a in shown.select(".files a")] == ["more.pdf", "last.pdf"]
    assert "It counts <stock>." in shown.text
    fresh = client.page(new)
    assert "Write version 2" in fresh.text and fresh.find("textarea", {"name": "body"}).text.strip() == ""
    assert not fresh.find("input", {"name": "files"})


@pytest.mark.parametrize("do", ["upload", "save", "publish"])
@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (b"", "plan.pdf", "0 bytes"),
        (b"MZ\x00" + bytes(99), "tool.exe", "not of a kind that is taken"),
        (PDF, "plan.png", "but its content is PDF"),
        (PDF + bytes(3 * 1024 * 1024), "plan.pdf", "larger than 3 MB"),
    ],
)
def test_a_refused_file_costs_nothing_that_was_typed(
    session: Session, world_at: WorldAt, client_for: ClientFor, do: str, data: bytes, name: str, words: str
) -> None:
    world = world_at(Stage.PROTOTYPING)
    typed = {"body": "It counts\n<stock>.", "link": "https://example.org/test", "revision": "0"}
    refused = client_for(world.lead).submit(
        _lab(world, "/versions/new"), {**typed, "do": do, "file": _file(data, name)}
    )
    assert refused.status_code == 422
    assert words in refused.text and "It counts\n&lt;stock&gt;." in refused.text
    assert 'value="https://example.org/test"' in refused.text
    assert session.scalar(select(func.count()).select_from(Upload)) == 0
    assert _versions(session) == 0


def test_an_unfinished_version_is_not_published_but_its_file_is_kept(
    session: Session, world_at: WorldAt, client_for: ClientFor
) -> None:
    world = world_at(Stage.PROTOTYPING)
    client, new = client_for(world.lead), _lab(world, "/versions/new")
    key = "0" * 32
    typed = {"body": " ", "link": "example.org", "revision": "0", "do": "publish", "form_key": key}
    refused = client.submit(new, {**typed, "file": _file()})
    assert refused.status_code == 422
    assert "Describe what this version can do" in refused.text and "Give the whole address" in refused.text
    assert 'value="example.org"' in refused.text and "plan.pdf" in refused.text
    # The key was used up by the file, so the page offers another: the mended form is taken.
    assert key not in refused.text
    upload_id = str(session.scalar(select(Upload.id)))
    assert f'value="{upload_id}" id="file-{upload_id}" checked' in refused.text
    mended = {"body": "It counts.", "link": "", "revision": "0", "do": "publish", "files": [upload_id]}
    assert client.submit(new, mended).location == _lab(world, "/versions/1")
    assert session.scalar(select(func.count()).select_from(Upload)) == 1


def test_uploading_without_a_file_asks_for_one(world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.PROTOTYPING)
    typed = {"body": "It counts.", "link": "", "revision": "0", "do": "upload"}
    refused = client_for(world.lead).submit(_lab(world, "/versions/new"), typed)
    assert refused.status_code == 422 and "Choose a file first" in refused.text and "It counts." in refused.text


def test_sent_twice_is_stored_once(session: Session, world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.PROTOTYPING)
    client, new = client_for(world.lead), _lab(world, "/versions/new")
    for with_file in (True, False):
        form = {"body": "It counts.", "link": "", "revision": _revision(client, world), "do": "publish"}
        answers = []
        for _again in range(2):
            chosen = {"file": _file()} if with_file else {}
            answers.append(client.submit(new, {**form, **chosen, "form_key": f"{with_file}" + "k" * 20}).location)
        assert answers[0] == answers[1] == _lab(world, f"/versions/{_versions(session)}")
        session.rollback()
    assert _versions(session) == 2
    assert session.scalar(select(func.count()).select_from(Upload)) == 1


def test_two_people_at_one_draft_lose_nothing(session: Session, world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.PROTOTYPING)
    new = _lab(world, "/versions/new")
    client_for(world.lead).submit(new, {"body": "Lead’s words", "link": "", "revision": "0", "do": "save"})
    for do in ("save", "publish"):
        late = client_for(world.member).submit(new, {"body": "Member’s words", "link": "", "revision": "0", "do": do})
        assert late.status_code == 409
        assert "Lead’s words" in late.text and "Member’s words" in late.text
        assert 'name="revision" type="hidden" value="1"' in late.text or 'value="1"' in late.text
    assert _versions(session) == 0
    taken = client_for(world.member).submit(new, {"body": "Both", "link": "", "revision": "1", "do": "publish"})
    assert taken.status_code == 303


def test_the_draft_saves_itself(session: Session, world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.PROTOTYPING)
    client = client_for(world.lead)
    saving = {"headers": {"X-Requested-With": "fetch"}}
    answer = client.submit(_lab(world, "/versions/draft"), {"body": "Half a", "link": "", "revision": "0"}, **saving)
    assert answer.json["revision"] == 1 and answer.json["saved_at_text"].startswith("Saved")
    stale = client.submit(_lab(world, "/versions/draft"), {"body": "Other", "link": "", "revision": "0"}, **saving)
    assert stale.status_code == 409 and stale.json["error"]
    assert "Half a" in str(client.page(_lab(world, "/versions/new")).find("textarea"))
    assert _versions(session) == 0


def test_a_foreign_or_stale_file_is_not_published(session: Session, world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.PROTOTYPING)
    client = client_for(world.lead)
    for files in (["999999"], ["9" * 30], ["x"]):
        form = {"body": "It counts.", "revision": "0", "do": "publish", "files": files}
        refused = client.submit(_lab(world, "/versions/new"), form)
        assert refused.status_code == 422 and "It counts." in refused.text
    for number in ("x", "9" * 30, "999999"):
        form = {"body": "It counts.", "revision": _revision(client, world), "do": f"remove:{number}"}
        assert client.submit(_lab(world, "/versions/new"), form).status_code in (303, 404)
    assert _versions(session) == 0


# The talk about them ---------------------------------------------------------------------------------------------


def test_a_thread_from_its_opening_to_its_end(session: Session, world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.PROTOTYPING)
    _publish(world)
    mentor, member, page = client_for(world.mentor), client_for(world.member), _lab(world, "/versions/1")
    refused = mentor.submit(f"{page}/threads", {"topic": "Stock <list>", "body": " "})
    assert refused.status_code == 422 and 'value="Stock &lt;list&gt;"' in refused.text
    opened = mentor.submit(f"{page}/threads", {"topic": "Stock <list>", "body": "Too small.\nSee the phone."})
    thread = session.scalars(select(Thread)).one()
    assert opened.location == f"{page}#thread-{thread.id}"
    here = _lab(world, f"/threads/{thread.id}")
    shown = member.page(page)
    assert "Too small.\nSee the phone." in shown.text and "The team answers: 7 days left" in shown.text
    assert not shown.find("button", string="Resolve") and not shown.find("button", string="Open the comment")
    empty = member.submit(f"{here}/replies", {"body": " "})
    assert empty.status_code == 422 and "Write the answer before you send it." in empty.text
    long = member.submit(f"{here}/replies", {"body": "Larger. " * 3000})
    assert long.status_code == 422 and "Larger. Larger." in long.text
    answered = member.submit(f"{here}/replies", {"body": "Larger in version 2."})
    assert answered.location == f"{page}#thread-{thread.id}"
    assert "Answered: to be read by the mentor" in mentor.page(page).text
    assert member.submit(f"{here}/resolve").status_code == 403
    done = mentor.submit(f"{here}/resolve", follow_redirects=True)
    assert "The comment is resolved." in done.text
    closed = member.page(page)
    assert "Resolved" in closed.text and not closed.find("button", string="Send the answer")
    late = member.submit(f"{here}/replies", {"body": "One more"})
    assert late.status_code == 422 and "resolved already" in late.text
    twice = mentor.submit(f"{here}/resolve", follow_redirects=True)
    assert "resolved already" in twice.text
    assert session.scalar(select(func.count()).select_from(Comment)) == 2


def test_open_threads_come_first(world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.PROTOTYPING)
    _publish(world)
    ids = [_comment(world, 1, f"Topic {n}") for n in range(3)]
    service.resolve(world.actor(world.mentor), NOON, world.code, ids[0])
    page = client_for(world.committee).page(_lab(world, "/versions/1"))
    assert [h.text for h in page.select(".thread h3")] == ["Topic 1", "Topic 2", "Topic 0"]
    assert not page.find("main").find("form")


def test_another_awards_threads_and_versions_are_not_found(world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.PROTOTYPING)
    _publish(world)
    thread_id = _comment(world)
    officer, other = client_for(world.officer), f"/awards/{world.other_award.code}/lab"
    officer.page(f"{other}/versions/1", 404)
    for path in (
        f"{other}/threads/{thread_id}/replies",
        f"{other}/threads/{thread_id}/resolve",
        f"{other}/versions/1/threads",
    ):
        assert officer.submit(path, {"topic": "a", "body": "b"}).status_code == 404
    client_for(world.lead).page(_lab(world, "/versions/2"), 404)


def test_an_ended_award_is_read_only(world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.PILOT)
    _publish(world)
    _comment(world)
    world.award.stage, world.award.ended_at = Stage.CLOSED, NOON
    world.again()
    for person in (world.lead, world.mentor, world.officer):
        for path in (_lab(world), _lab(world, "/versions/1")):
            page = client_for(person).page(path)
            assert "It counts stock." in page.text and not page.find("main").find("form")


# What it costs ---------------------------------------------------------------------------------------------------


def test_statements_stay_the_same_with_ten_times_the_rows(
    app: Flask, session: Session, world_at: WorldAt, client_for: ClientFor
) -> None:
    world = world_at(Stage.PROTOTYPING)
    client = client_for(world.lead)
    camp = session.scalars(select(BootCamp).order_by(BootCamp.id)).first()

    def fill(times: int) -> None:
        for n in range(times):
            uploads = [
                Upload(
                    award_id=world.award.id, place=place, name=f"{n}.pdf", kind="pdf", size=2_400_000, sha256="0" * 64,
                    key=uuid4().hex, uploaded_by=world.lead.id, uploaded_at=NOON + timedelta(minutes=n),
                )
                for place in ("prototype", "prototype", f"boot_camp:{camp.id}")
            ]  # fmt: skip
            session.add_all(uploads)
            session.commit()
            number = service.publish_prototype(
                world.actor(world.lead), NOON, world.code, "It counts.", "", [uploads[0].id]
            )
            for _again in range(3):
                thread_id = _comment(world, number)
                service.reply(world.actor(world.lead), NOON, world.code, thread_id, "Larger.")
                _comment(world, 1)

    def statements() -> list[int]:
        found = []
        for path in (
            _lab(world),
            _lab(world, "/versions/1"),
            _lab(world, "/versions/new"),
            _lab(world, "/boot-camps/refine"),
        ):
            with counted(app) as seen:
                (client_for(world.officer) if "camps" in path else client).page(path)
            found.append(len(seen))
        return found

    fill(1)
    before = statements()
    fill(10)
    assert statements() == before
    assert max(before) <= 12, before
