"""Due diligence as the page of the agreement shows it to this reader: items, their evidence, what stood before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import url_for
from flask_babel import gettext as _

from lab.forms.agreement import EvidenceForm
from lab.forms.upload import UploadForm
from lab.queries.agreement import AgreementState
from lab.rules.agreement import DUE_DILIGENCE, TWO_YEARS, age_at_close, clearing_blockers, reopening_blockers
from lab.rules.calls import DiligenceItem, text
from lab.rules.diligence import PLACE, may_read_document
from lab.rules.facts import STAFF, Scope
from lab.rules.permissions import Action
from lab.rules.uploads import may_take_away
from lab.web.access import actor, allowed
from lab.web.files import FileCard, card
from lab.web.frame import Frame
from lab.web.words import day, instant, locale, say

if TYPE_CHECKING:
    from lab.models import Check, Upload


@dataclass(frozen=True)
class CheckView:
    """An item as it was cleared: what showed it (for staff), by whom and when, until when its document is valid."""

    note: str
    by: str
    until: str
    files: list[FileCard]
    closed: str = ""


@dataclass(frozen=True)
class ItemView:
    """An item of due diligence: what stands, what stood before, documents that wait, and what this reader can do.

    ``finding`` is what the system computed, ``expired`` says that the document has run out; the forms may be None.
    """

    key: str
    label: str
    clear: bool
    expired: str
    standing: CheckView | None
    former: list[CheckView]
    waiting: list[FileCard]
    finding: str
    finding_is_met: bool
    needs: str
    takes_day: bool
    form: EvidenceForm | None
    upload: UploadForm | None
    can_reopen: bool

    @property
    def place(self) -> str:
        """Where files of this item are kept."""
        return PLACE + self.key


def is_staff() -> bool:
    """Whether the reader is of the ILO's staff."""
    return bool(actor().programme & STAFF)


def item_views(frame: Frame, state: AgreementState, refused: Mapping[str, EvidenceForm]) -> list[ItemView]:
    """The items of the call in their order; ``refused`` are forms that were not taken, by item."""
    return [_item(frame, state, item, refused.get(item.key)) for item in frame.definition.due_diligence]


def _item(frame: Frame, state: AgreementState, item: DiligenceItem, refused: EvidenceForm | None) -> ItemView:
    shelf = _Shelf(frame, state)
    standing = state.checks.get(item.key)
    ran_out = next((one for one in state.facts.expired_documents if one.key == item.key), None)
    age = age_at_close(frame.award.organisation.registered_on, frame.definition) if item.key == TWO_YEARS else None
    fits = age is None or age.enough
    open_ = standing is None or ran_out is not None
    possible = not clearing_blockers(DUE_DILIGENCE, state.facts)
    clearable = possible and open_ and fits and allowed(Action.CHECK_DUE_DILIGENCE)
    # A form that was refused stays with what was typed, even where somebody else has cleared the item meanwhile.
    form = refused or (EvidenceForm(formdata=None).about(item.key) if clearable else None)
    back = url_for("agreement.show", award_code=frame.award.code, _anchor=f"item-{item.key}")
    provides = possible and open_ and not state.facts.agreement_in_force and allowed(Action.PROVIDE_DOCUMENT)
    closed = [check for check in state.diligence.checks.get(item.key, []) if check.closed_at is not None]
    return ItemView(
        key=item.key,
        label=text(item.label, locale()),
        clear=not open_,
        expired=_("The document was valid until %(day)s: the item is open again.", day=day(ran_out.until))
        if ran_out
        else "",
        standing=shelf.check(standing) if standing else None,
        former=[shelf.check(check) for check in reversed(closed)] if is_staff() else [],
        waiting=shelf.cards(state.diligence.waiting(item.key)),
        finding=say(age.sentence()) if age is not None else "",
        finding_is_met=fits,
        needs=_("It is cleared with a document.") if item.document and open_ else "",
        takes_day=item.expires,
        form=form,
        upload=UploadForm.at(PLACE + item.key, back) if provides else None,
        can_reopen=standing is not None
        and allowed(Action.CHECK_DUE_DILIGENCE)
        and not reopening_blockers(DUE_DILIGENCE, state.facts),
    )


class _Shelf:
    """Documents of due diligence, as far as this reader may see them."""

    def __init__(self, frame: Frame, state: AgreementState) -> None:
        self.code, self.diligence = frame.award.code, state.diligence
        self.roles = actor().roles_on(Scope(call_id=frame.award.call_id, award_id=frame.award.id))

    def cards(self, uploads: list[Upload]) -> list[FileCard]:
        """Those that the reader may see; those that they may take away say so."""
        return [
            card(one, self.code, may_take_away(self.roles, one.place, own=one.uploaded_by == actor().person_id))
            for one in uploads
            if may_read_document(self.roles, from_team=one.id in self.diligence.from_team)
        ]

    def check(self, check: Check) -> CheckView:
        """A check with the documents that it rests on."""
        uploads = [self.diligence.uploads[file.upload_id] for file in check.files]
        closed = ""
        if check.closed_at is not None:
            when = instant(check.closed_at)
            closed = (
                _("Reopened by %(name)s, %(when)s.", name=check.closer.name, when=when)
                if check.closer
                else _("Its document ran out; cleared anew %(when)s.", when=when)
            )
        return CheckView(
            note=check.note if is_staff() else "",
            by=f"{check.author.name}, {instant(check.at)}",
            until=_("The document is valid until %(day)s.", day=day(check.expires_on)) if check.expires_on else "",
            files=self.cards(uploads),
            closed=closed,
        )
