"""Forms of the workbook that a plan is filled in with offline: handing it in, and taking over what it holds."""

from __future__ import annotations

import json
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import HiddenField

from lab.forms.base import LabForm
from lab.forms.drafts import DraftForm
from lab.rules.workplan_merge import Base, read_base

# All texts of a plan together, as they are carried to the confirmation: less than a form may hold.
MAX_PLAN = 1_500_000


class SheetForm(LabForm):
    """The workbook."""

    file = FileField(_l("The workbook"))


class TakeForm(DraftForm):
    """The plan that was read, carried in the page that asks whether to take it over: nothing waits on the server."""

    plan = HiddenField()
    base = HiddenField()

    def began_from(self) -> Base | None:
        """The plan that the page compared with; None when the page does not say."""
        return read_base(self.base.data or "")

    def carried(self) -> dict[str, Any] | None:
        """The plan; None when it is none. What it holds is judged like everything else that is typed."""
        try:
            found = json.loads(self.plan.data or "")
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None


def carry(content: dict[str, Any]) -> str | None:
    """The plan as :class:`TakeForm` carries it; None when its texts are too long together."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return text if len(text.encode()) <= MAX_PLAN else None
