"""Signing: who is named, each way of signing, papers that are replaced and never lost, and the document that is kept."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from pypdf import PdfReader
from sqlalchemy import select

from lab import models as m
from lab.agreement_pdf import agreement_pdf
from lab.files import FileStore, open_store
from lab.queries.awards import get_award
from lab.queries.printing import paper_of
from lab.queries.signature import frozen_version, signatories_of, signed_pdf
from lab.queries.upload import readable
from lab.queries.verification import archive_of
from lab.rules.errors import Invalid, LabError, NotAllowed, NotFound, Refused
from lab.rules.facts import Role, Stage
from lab.rules.signature import Signatory
from lab.rules.uploads import Infected, NotScanned, WrongKind
from lab.rules.verification import archive_problems
from lab.scanner import Scanner, ScannerUnwell
from lab.services import signing
from lab.services.security_events import Place
from lab.services.upload import Intake, remove_file
from tests.factories import START, World, join, person
from tests.frozen import freeze

NOW = START + timedelta(days=2)
SCAN = b"%PDF-1.7\n1 0 obj\n<< >>\nendobj\n"
OTHER_SCAN = SCAN + b"% better\n"
NAMES = {"organisation": "Lucía Lead", "ilo": "Olivia Officer"}


@pytest.fixture
def world(world_at: Callable[..., World]) -> World:
    return world_at(Stage.AGREEMENT)


@pytest.fixture
def frozen(world: World) -> str:
    return freeze(world)


@pytest.fixture
def files(tmp_path: Path) -> FileStore:
    return open_store(str(tmp_path / "files"))


@pytest.fixture
def stored(tmp_path: Path) -> Callable[[], int]:
    """How many files lie in the store."""
    return lambda: sum(path.is_file() for path in (tmp_path / "files").rglob("*"))


def who(world: World, side: str) -> m.Person:
    return world.lead if side == "organisation" else world.officer


def sign(world: World, side: str, shown: str, name: str = "", by: m.Person | None = None) -> None:
    actor = world.actor(by or who(world, side))
    signing.sign(actor, NOW, world.code, side, name or NAMES[side], shown, "2001:db8::1")


def paper(
    world: World, files: FileStore, frozen: str, side: str = "ilo", by: m.Person | None = None, data: bytes = SCAN,
    file: str = "signed.pdf", scanner: Scanner | None = None, **typed: object,
) -> None:  # fmt: skip
    given = {"name": NAMES[side], "function": "Director", "signed_on": date(2026, 3, 3), "hash_start": frozen[:8]}
    intake = Intake(files, 1_000_000, scanner, NOW, Place("203.0.113.7", "a browser", "/paper"))
    signing.record_paper(
        world.actor(by or who(world, side)), NOW, world.code, side, signing.Typed(**(given | typed)),  # type: ignore[arg-type]
        (file, io.BytesIO(data)), intake, "203.0.113.7",
    )  # fmt: skip


def name(world: World, side: str, person_id: int | None = None, called: str = "", function: str = "Director") -> None:
    signing.name_signatory(world.actor(who(world, side)), NOW, world.code, side, person_id, called, function)


def signatures(world: World) -> list[m.Signature]:
    return list(world.session.scalars(select(m.Signature).order_by(m.Signature.id)))


def kinds(world: World) -> list[str]:
    query = select(m.Event.kind).where(m.Event.award_id == world.award.id).order_by(m.Event.seq)
    return list(world.session.scalars(query))


def refused(world: World, act: Callable[[], object], kind: type[LabError] = Refused, match: str = "") -> LabError:
    """``act`` is refused, and nothing is kept, not even a word of it."""
    tables = (m.Signature, m.Signatory, m.SignedPdf, m.Upload, m.Event, m.Mail, m.Obligation)
    before = [len(world.session.scalars(select(table)).all()) for table in tables]
    with pytest.raises(kind, match=match or None) as caught:
        act()
    world.session.rollback()
    assert [len(world.session.scalars(select(table)).all()) for table in tables] == before
    return caught.value


# Who signs


def test_by_default_the_lead_and_the_awards_officer_sign(world: World) -> None:
    assert signatories_of(world.session, world.award) == {
        "organisation": Signatory("Lucía Lead", "", world.lead.id),
        "ilo": Signatory("Olivia Officer", "", world.officer.id),
    }


def test_who_was_named_last_signs(world: World) -> None:
    name(world, "organisation", None, " Dolores  Director ", "Executive director")
    name(world, "organisation", world.member.id, "ignored", "Treasurer")
    second = person(world.session, Role.OFFICER, name="Otto Officer")
    name(world, "ilo", second.id, "", "Head of office")
    assert signatories_of(world.session, world.award) == {
        "organisation": Signatory("Mateo Member", "Treasurer", world.member.id, named=True),
        "ilo": Signatory("Otto Officer", "Head of office", second.id, named=True),
    }
    assert kinds(world).count("signatory_named") == 3, "nobody who was named is forgotten"
    assert len(world.session.scalars(select(m.Signatory)).all()) == 3


def test_only_a_sides_own_people_can_be_named(world: World) -> None:
    left = join(world.session, world.award, Role.MEMBER, name="Left Long")
    world.session.scalars(select(m.TeamMember).where(m.TeamMember.person_id == left.id)).one().until = START
    world.again()
    for stranger in (world.other_lead, world.officer, world.mentor, left):
        refused(world, lambda stranger=stranger: name(world, "organisation", stranger.id), NotFound)  # type: ignore[misc]
    for stranger in (world.lead, world.finance, world.admin):
        refused(world, lambda stranger=stranger: name(world, "ilo", stranger.id), NotFound)  # type: ignore[misc]
    refused(world, lambda: name(world, "moon"), NotFound)
    refused(world, lambda: name(world, "ilo", None, "", ""), Invalid)


def test_who_may_name(world: World) -> None:
    for one in (world.member, world.officer, world.finance, world.mentor):
        act = lambda one=one: signing.name_signatory(world.actor(one), NOW, world.code, "organisation", None, "A", "B")  # type: ignore[misc]  # noqa: E731
        refused(world, act, NotAllowed)
    act = lambda: signing.name_signatory(world.actor(world.lead), NOW, world.code, "ilo", None, "A", "B")  # noqa: E731
    refused(world, act, NotAllowed)


def test_after_a_signature_nobody_else_is_named(world: World, frozen: str) -> None:
    sign(world, "organisation", frozen)
    refused(world, lambda: name(world, "organisation", world.member.id), match="signed already")
    name(world, "ilo", None, "Dolores", "Director")


# Electronically


def test_the_named_member_signs_and_nobody_else(world: World, frozen: str) -> None:
    name(world, "organisation", world.member.id, "", "Treasurer")
    refused(world, lambda: sign(world, "organisation", frozen), match="Mateo Member signs")
    sign(world, "organisation", frozen, "Mateo Member", world.member)
    (kept,) = signatures(world)
    assert (kept.person_id, kept.function, kept.method) == (world.member.id, "Treasurer", "electronic")
    assert (kept.text_hash, kept.address, kept.at, kept.time_zone) == (frozen, "2001:db8::1", NOW, "America/Guayaquil")


def test_a_member_may_bring_it_into_force(world: World, frozen: str) -> None:
    name(world, "organisation", world.member.id, "", "Treasurer")
    sign(world, "ilo", frozen)
    sign(world, "organisation", frozen, "Mateo Member", world.member)
    assert get_award(world.session, world.code).stage == Stage.PROTOTYPING


def test_somebody_without_an_account_signs_on_paper_alone(world: World, frozen: str, files: FileStore) -> None:
    name(world, "organisation", None, "Dolores Director", "Executive director")
    refused(world, lambda: sign(world, "organisation", frozen), match="on paper")
    refused(world, lambda: paper(world, files, frozen, "organisation"), Invalid, "Dolores Director")
    paper(world, files, frozen, "organisation", name="dolores director", function="Executive director")
    (kept,) = signatures(world)
    assert (kept.typed_name, kept.function, kept.person_id) == ("dolores director", "Executive director", world.lead.id)


@pytest.mark.parametrize("shown", ["", "0" * 64])
def test_no_side_signs_another_text(world: World, frozen: str, shown: str) -> None:
    for side in ("organisation", "ilo"):
        refused(world, lambda side=side: sign(world, side, shown), match="not the one to be signed")  # type: ignore[misc]


def test_nothing_is_signed_before_it_is_frozen(world: World, files: FileStore) -> None:
    for shown in ("", "0" * 64):
        refused(world, lambda shown=shown: sign(world, "ilo", shown))  # type: ignore[misc]
        refused(world, lambda shown=shown: paper(world, files, shown))  # type: ignore[misc]


# On paper


def test_a_paper_is_kept_with_all_that_shows_it(world: World, frozen: str, files: FileStore) -> None:
    paper(world, files, frozen)
    (kept,) = signatures(world)
    scan = world.session.scalars(select(m.Upload)).one()
    assert (kept.method, kept.typed_name, kept.function) == ("paper", "Olivia Officer", "Director")
    assert (kept.signed_on, kept.person_id, kept.at) == (date(2026, 3, 3), world.officer.id, NOW)
    assert (kept.text_hash, kept.address, kept.time_zone) == (frozen, "203.0.113.7", "Europe/Zurich")
    assert (kept.upload_id, kept.file_hash) == (scan.id, hashlib.sha256(SCAN).hexdigest())
    assert scan.place == "signature:ilo" and b"".join(files.read_stream(scan.key)) == SCAN
    event = world.session.scalars(select(m.Event).where(m.Event.kind == "agreement_signed_on_paper")).one()
    assert event.details["hash"] == frozen and event.details["file"] == kept.file_hash


def test_a_scan_is_read_by_whoever_reads_the_agreement_and_not_taken_away(
    world: World, frozen: str, files: FileStore
) -> None:
    paper(world, files, frozen)
    scan = world.session.scalars(select(m.Upload)).one()
    for role in (Role.LEAD, Role.MEMBER, Role.OFFICER, Role.FINANCE):
        assert readable(world.session, world.award.id, scan.id, {role}) is scan
    for role in (Role.MENTOR, Role.COMMITTEE, Role.ADMIN):
        with pytest.raises(NotFound):
            readable(world.session, world.award.id, scan.id, {role})
    for one in (world.officer, world.lead):
        refused(world, lambda one=one: remove_file(world.actor(one), NOW, world.code, scan.id, files), NotFound)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("typed", "place"),
    [
        ({"hash_start": "00000000"}, "hash_start"),
        ({"signed_on": date(2026, 3, 1)}, "signed_on"),
        ({"signed_on": date(2026, 3, 5)}, "signed_on"),
        ({"signed_on": None}, "signed_on"),
        ({"name": "Somebody Else"}, "name"),
        ({"function": " "}, "function"),
    ],
)
def test_a_paper_that_is_refused_leaves_nothing(
    world: World, frozen: str, files: FileStore, stored: Callable[[], int], typed: dict[str, object], place: str
) -> None:
    error = refused(world, lambda: paper(world, files, frozen, **typed), Invalid)
    assert isinstance(error, Invalid) and set(error.problems) == {place}
    assert stored() == 0


class _Says(Scanner):
    """A scanner that has one answer."""

    def __init__(self, answer: str | Exception) -> None:
        self.answer = answer

    def scan(self, file: object) -> str | None:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_scans_are_looked_into_like_every_file(
    world: World, frozen: str, files: FileStore, stored: Callable[[], int]
) -> None:
    refused(world, lambda: paper(world, files, frozen, scanner=_Says("Bad.Thing")), Infected, "Bad.Thing")
    refused(world, lambda: paper(world, files, frozen, scanner=_Says(ScannerUnwell("gone"))), NotScanned)
    refused(world, lambda: paper(world, files, frozen, file="signed.txt", data=b"I sign"), WrongKind, "PDF, PNG, JPG")
    refused(world, lambda: paper(world, files, frozen, data=b"<html>"), WrongKind)
    refused(world, lambda: paper(world, files, frozen, file=""), Invalid, "Choose the scan")
    assert stored() == 0


def test_who_may_record_a_paper(world: World, frozen: str, files: FileStore) -> None:
    for one in (world.lead, world.member, world.finance):
        refused(world, lambda one=one: paper(world, files, frozen, by=one), NotAllowed)  # type: ignore[misc]
    for one in (world.officer, world.member, world.mentor):
        refused(world, lambda one=one: paper(world, files, frozen, "organisation", by=one), NotAllowed)  # type: ignore[misc]
    refused(world, lambda: paper(world, files, frozen, by=world.other_lead), NotFound)


def test_a_wrong_paper_is_replaced_and_stays_on_record(world: World, frozen: str, files: FileStore) -> None:
    paper(world, files, frozen, signed_on=date(2026, 3, 2))
    told = len(world.session.scalars(select(m.Mail)).all())
    paper(world, files, frozen, data=OTHER_SCAN)
    first, second = signatures(world)
    assert (first.number, second.number, first.signed_on, second.signed_on) == (
        1, 2, date(2026, 3, 2), date(2026, 3, 3),
    )  # fmt: skip
    assert kinds(world)[-2:] == ["agreement_signed_on_paper", "signed_paper_replaced"]
    assert len(world.session.scalars(select(m.Mail)).all()) == told, "the other side has its turn already"
    archive = archive_of(world.session, world.award, agreement_pdf)
    assert (
        archive is not None and set(archive.scans) == {second.file_hash} and set(archive.replaced) == {first.file_hash}
    )
    sign(world, "organisation", frozen)
    refused(world, lambda: paper(world, files, frozen), match="in force")


def test_a_document_that_bears_another_text_is_no_paper_of_this_one(
    world: World, frozen: str, files: FileStore, stored: Callable[[], int]
) -> None:
    another = SCAN + b"% text-sha256:" + b"0" * 64
    error = refused(world, lambda: paper(world, files, frozen, data=another), Invalid)
    assert "bears another text" in str(error) and not stored() and not signatures(world)
    paper(world, files, frozen, data=SCAN + b"% text-sha256:" + frozen.encode())


def test_an_electronic_signature_is_not_replaced_by_a_paper(world: World, frozen: str, files: FileStore) -> None:
    sign(world, "ilo", frozen)
    refused(world, lambda: paper(world, files, frozen), match="electronically already")
    paper(world, files, frozen, "organisation")
    assert get_award(world.session, world.code).stage == Stage.PROTOTYPING


def test_what_fails_at_the_last_moment_leaves_no_scan(
    world: World, frozen: str, files: FileStore, stored: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object) -> None:
        raise OSError("no paper")

    sign(world, "organisation", frozen)
    monkeypatch.setattr(signing, "_file", broken)
    with pytest.raises(OSError, match="no paper"):
        paper(world, files, frozen)
    world.session.rollback()
    assert stored() == 0 and len(signatures(world)) == 1
    assert get_award(world.session, world.code).stage == Stage.AGREEMENT


# Both


def test_both_signatures_bring_it_into_force_and_file_the_document(world: World, frozen: str, files: FileStore) -> None:
    sign(world, "organisation", frozen)
    version = frozen_version(world.session, world.award.id)
    assert version is not None and signed_pdf(world.session, version.id) is None
    paper(world, files, frozen)
    award = get_award(world.session, world.code)
    assert award.stage == Stage.PROTOTYPING
    kept = signed_pdf(world.session, version.id)
    assert kept is not None and kept.sha256 == hashlib.sha256(kept.body).hexdigest()
    assert kept.body == agreement_pdf(paper_of(world.session, award, version)), "the same state, the same bytes"
    assert {"agreement_in_force", "agreement_filed"} <= set(kinds(world))
    text = " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(kept.body)).pages).split())
    for words in (
        "Lucía Lead",
        "Olivia Officer",
        "2001:db8::1",
        "203.0.113.7",
        frozen,
        hashlib.sha256(SCAN).hexdigest(),
    ):
        assert words in text


def test_the_archive_finds_what_was_changed(world: World, frozen: str) -> None:
    for side in NAMES:
        sign(world, side, frozen)
    archive = archive_of(world.session, world.award, agreement_pdf)
    assert archive is not None and archive_problems(archive) == () and archive.text == frozen
    version = frozen_version(world.session, world.award.id)
    assert version is not None
    clauses = [dict(clause) for clause in version.content["clauses"]]
    clauses[0]["text"] += " Changed."
    version.content = version.content | {"clauses": clauses}
    kept = signed_pdf(world.session, version.id)
    assert kept is not None
    kept.body += b"%"
    world.session.commit()
    archive = archive_of(world.session, world.award, agreement_pdf)
    assert archive is not None
    assert len(archive_problems(archive)) == 4, "the text, both signatures, the document"


def test_a_document_is_kept_as_it_was_whatever_changes_later(world: World, frozen: str) -> None:
    for side in NAMES:
        sign(world, side, frozen)
    version = frozen_version(world.session, world.award.id)
    assert version is not None
    before = archive_of(world.session, world.award, agreement_pdf)
    assert before is not None and len(before.earlier) == 2
    world.lead.name, world.award.organisation.legal_name = "Lucía Married", "Renamed"
    world.again()
    assert archive_of(world.session, world.award, agreement_pdf) == before
