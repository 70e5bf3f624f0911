"""What the pages of everything that is drafted, handed in and reviewed have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from flask_babel import gettext as _
from wtforms.widgets import HiddenInput

from lab.extensions import db
from lab.forms.base import LabForm
from lab.forms.drafts import DraftForm
from lab.rules.errors import Conflict
from lab.rules.review import ReviewState
from lab.web.words import instant, say

if TYPE_CHECKING:
    from lab.models import Thread, Version

Form = TypeVar("Form", bound=DraftForm)


@dataclass(frozen=True)
class Talk:
    """A request for changes, for the macro ``thread``."""

    section: str
    section_label: str
    state: str
    state_label: str
    comments: list[dict[str, str]]


class Reviewed(Protocol):
    """A document with its versions and the threads on them, as the queries load it."""

    @property
    def state(self) -> ReviewState: ...
    @property
    def newest(self) -> Version | None: ...
    def threads_on(self, version: Version) -> list[Thread]: ...


def talks_on(page: Reviewed, version: Version, labels: Mapping[str, str]) -> list[Talk]:
    """What was asked of one version, and whether the next has answered; ``labels`` name the sections."""
    unanswered = version is page.newest and page.state is ReviewState.CHANGES_REQUESTED
    state = "changes_requested" if unanswered else "resolved"
    label = _("To be answered") if unanswered else _("A newer version followed")
    return [
        Talk(
            thread.section,
            say(labels.get(thread.section, thread.section)),
            state,
            label,
            [{"author": c.author.name, "when": instant(c.at), "body": c.body} for c in thread.comments],
        )
        for thread in page.threads_on(version)
    ]


def refusal(form: LabForm) -> list[tuple[str | None, str]]:
    """Reasons that are no field's, as the macro ``problem_summary`` takes them."""
    hidden = (text for field in form if isinstance(field.widget, HiddenInput) for text in field.errors)
    return [(None, str(text)) for text in (*form.form_errors, *hidden)]


def at_newest(kind: type[Form], error: Conflict, sentence: str = "") -> Form:
    """After a save that came too late: a form at the newest revision, with ``sentence`` (else the reasons) above it."""
    db.session.rollback()
    fresh = kind(formdata=None, revision=error.revision)
    fresh.form_errors.extend([sentence] if sentence else [say(reason) for reason in error.reasons])
    return fresh
