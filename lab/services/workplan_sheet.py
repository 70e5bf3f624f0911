"""A plan that was filled in offline: its workbook is looked into and read, and nothing of it is stored."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

from lab.models import Award
from lab.queries.awards import definition_of
from lab.rules.errors import Refused
from lab.rules.facts import Actor
from lab.rules.permissions import Action
from lab.rules.review import DocumentKind
from lab.rules.text import N_, M, Message
from lab.rules.uploads import DAMAGED, OLD_OR_LOCKED, OTHER_KIND, WrongKind, safe_name
from lab.rules.workplan_cells import Choices
from lab.rules.workplan_content import MAX_ROWS
from lab.rules.workplan_headings import section_of
from lab.rules.workplan_merge import Clash, base_of, merge
from lab.rules.workplan_sheet import read_book
from lab.rules.workplan_stamp import read_stamp
from lab.services import documents
from lab.services.steps import award_for, session
from lab.services.upload import Intake, look_into
from lab.workbooks import Book, TooMuch, Unreadable, read_workbook

_XLSX = N_("“%(name)s” is not an Excel workbook (.xlsx). Save it as one in your spreadsheet program and upload that.")
_BROKEN = N_(
    "“%(name)s” is not a whole Excel workbook: it is damaged, or another kind of file with that ending. Open it in your "
    "spreadsheet program, save it again as .xlsx and upload that; or copy the rows into a freshly downloaded workbook."
)
_LOCKED = N_(
    "“%(name)s” is a document of an older Office, or one that is protected by a password. Open it, take the password "
    "away, save it as an Excel workbook (.xlsx) and upload that."
)
_SAID = {OTHER_KIND: _XLSX, DAMAGED: _BROKEN, OLD_OR_LOCKED: _LOCKED}
_TOO_MUCH = N_(
    "“%(name)s” holds far more than a plan, such as tens of thousands of rows. Delete what is no part of the plan, also "
    "empty rows with a format, and upload it again; or copy the rows into a freshly downloaded workbook."
)


@dataclass(frozen=True)
class Offered:
    """What a workbook would make of the draft: the plan as it stands, at its ``revision``, and as it would be.

    ``clashes`` are what the workbook and the website changed differently since it was made: in ``content`` the workbook
    has its way there, and rows that one of the two removed are in it. ``made_at`` is when its plan was saved (UTC).
    """

    before: dict[str, Any]
    revision: int
    content: dict[str, Any]
    notes: tuple[Message, ...] = ()
    clashes: tuple[Clash, ...] = ()
    stale: bool = False
    made_at: datetime | None = None


def choices_of(award: Award) -> Choices:
    """What the cells of a plan of this award can name."""
    categories = {item.key: dict(item.label) for item in definition_of(award).budget_categories}
    return Choices(award.currency, categories)


def read_plan_sheet(actor: Actor, award_code: str, name: str, file: IO[bytes], intake: Intake) -> Offered:
    """What the workbook ``file``, called ``name``, would make of the draft. Stores nothing.

    Raises UploadRefused for a file that is not taken at all, SheetRefused with every trouble by its sheet and cell, and
    Refused when it is another award's or the team is not writing.
    """
    _writing(actor, award_code)
    shown = safe_name(name)
    try:
        kind = look_into(actor, name, file, intake)
    except WrongKind as error:
        # What is said of files in general lists kinds that are no workbook.
        if error.reason.msgid not in _SAID:
            raise
        raise WrongKind(M(_SAID[error.reason.msgid], name=shown), error.sign) from error
    if kind.code != "xlsx":
        raise WrongKind(M(_XLSX, name=shown))
    try:
        book = read_workbook(file, section_of)
    except TooMuch as error:
        raise WrongKind(M(_TOO_MUCH, name=shown)) from error
    except Unreadable as error:
        raise WrongKind(M(_BROKEN, name=shown)) from error
    # Nothing was locked while the file was read: the plan is loaded only now.
    award, before, revision = _writing(actor, award_code)
    choices = choices_of(award)
    session().rollback()
    return _offered(book, award_code, before, revision, choices)


def _writing(actor: Actor, award_code: str) -> tuple[Award, dict[str, Any], int]:
    award = award_for(actor, Action.EDIT_WORKPLAN, award_code)
    document = documents.get_document(award, DocumentKind.WORKPLAN)
    documents.check_draft(document, document.draft_revision)
    return award, dict(document.draft), document.draft_revision


def _offered(book: Book, award_code: str, before: Mapping[str, Any], revision: int, choices: Choices) -> Offered:
    stamp = read_stamp(book.grids)
    if stamp and stamp.award != award_code:
        raise Refused(M(N_("This workbook was made for another award (%(code)s): upload it there."), code=stamp.award))
    choices = Choices(choices.currency, choices.categories, epoch=book.epoch)
    brought = read_book(book.grids, before, choices, lambda: secrets.token_hex(4))
    if stamp is None or stamp.base == base_of(before):
        return Offered(dict(before), revision, brought.content, brought.notes)
    merged = merge(stamp.base, brought.content, before)
    if merged.full:
        raise Refused(M(N_("Together with what was added on the website meanwhile, the plan has more than %(limit)s rows in a section: remove some, then upload the workbook again."), limit=MAX_ROWS))  # fmt: skip
    return Offered(dict(before), revision, merged.content, brought.notes, merged.clashes, True, stamp.at)
