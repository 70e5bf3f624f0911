"""Forms of the talk about a plan: the officer's decision with its comments, and an answer in a thread."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, HiddenField, TextAreaField
from wtforms.validators import Length

from lab.forms.base import LabForm
from lab.rules.workplan_content import MAX_TEXT

_ANSWER = re.compile(r"answer-([0-9]{1,9})")


class ReviewForm(LabForm):
    """The officer's decision on a version; :func:`review_form` adds a comment per place, an answer and a box per thread."""

    version = HiddenField()
    reason = TextAreaField(_l("Reason for rejecting"), [Length(max=MAX_TEXT)], render_kw={"rows": 3})
    places: Mapping[str, str] = {}
    threads: Mapping[int, str] = {}

    def comment(self, place: str) -> Any:
        """The field for a comment on ``place``; None when it cannot be commented on."""
        return self._fields.get(_comment(place))

    def answer(self, thread_id: int) -> Any:
        """The field for another word in a thread; None when there is none."""
        return self._fields.get(f"answer_{thread_id}")

    def content(self, thread_id: int) -> Any:
        """The box that says that a thread is settled; None when there is none."""
        return self._fields.get(f"settled_{thread_id}")

    def comments(self) -> dict[str, str]:
        """What was written, by place."""
        return {place: self.comment(place).data or "" for place in self.places}

    def answers(self) -> dict[int, str]:
        """What was written in threads."""
        return {thread: self.answer(thread).data or "" for thread in self.threads}

    def settled(self) -> set[int]:
        """The threads that are settled now."""
        return {thread for thread in self.threads if self.content(thread).data}

    def written(self) -> list[str]:
        """The names of the fields in which a comment or an answer was written."""
        named = [(_comment(place), text) for place, text in self.comments().items()]
        named += [(f"answer_{thread}", text) for thread, text in self.answers().items()]
        return [name for name, text in named if text.strip()]


def _comment(place: str) -> str:
    return f"comment_{place.replace(':', '-')}"


_SECTIONS = {
    "summary": _l("What to change in the summary"),
    "activities": _l("What to change in the activities"),
    "milestones": _l("What to change in the milestones"),
    "budget": _l("What to change in the budget"),
    "whole": _l("What to change in the plan as a whole"),
}


def review_form(places: Mapping[str, str], threads: Mapping[int, str], *, empty: bool = False) -> ReviewForm:
    """The review of a version as sent, or ``empty``: what its places and the threads on them are called, by their keys."""
    limit = Length(max=MAX_TEXT, message=_l("Keep this within %(max)d characters."))
    fields: dict[str, Any] = {"places": places, "threads": threads}
    for place, name in places.items():
        label = _SECTIONS.get(place) or _("What to change in “%(section)s”", section=name)
        fields[_comment(place)] = TextAreaField(label, [limit], render_kw={"rows": 3})
    for thread, name in threads.items():
        label = _("Ask again about “%(section)s”", section=name)
        fields[f"answer_{thread}"] = TextAreaField(label, [limit], render_kw={"rows": 3})
        fields[f"settled_{thread}"] = BooleanField(_("Settled"))
    made: type[ReviewForm] = type("PlacesForm", (ReviewForm,), fields)
    return made(formdata=None) if empty else made()


def typed_answers(form: Mapping[str, str]) -> dict[int, str]:
    """What was typed in the threads of a page that is one form, by thread; empty boxes are left out."""
    found = ((_ANSWER.fullmatch(name), value) for name, value in form.items())
    return {int(name[1]): value for name, value in found if name and value.strip()}


class AnswerForm(LabForm):
    """An answer in a thread."""

    body = TextAreaField(_l("Your answer"), [Length(max=MAX_TEXT)], render_kw={"rows": 3})

    def about(self, thread_id: int) -> AnswerForm:
        """The same form with ids of its own, for a page that has one for each thread."""
        self.body.id = self.body.label.field_id = f"answer-{thread_id}"
        return self
