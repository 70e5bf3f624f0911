"""When the stages of an award begin and end, and what each makes due by the calendar: reports, the closing (guide §5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from lab.rules.calendar import add_months
from lab.rules.calls import CallDefinition
from lab.rules.facts import Stage
from lab.rules.obligations import ObligationKind, Party
from lab.rules.reports import report_days


@dataclass(frozen=True)
class Course:
    """The days of an award in force, in its call's time zone: when its stages began, and their last days where an amendment
    set them (None: as long as the call says)."""

    prototyping_on: date
    pilot_on: date | None = None
    prototyping_until: date | None = None
    pilot_until: date | None = None

    def prototyping_ends(self, definition: CallDefinition) -> date:
        """The last day of prototyping; once the pilot has begun it stays what it was planned to be."""
        return self.prototyping_until or add_months(self.prototyping_on, definition.stages.prototyping_months)

    def pilot_begins(self, definition: CallDefinition) -> date:
        """The day on which the pilot began, or the one that it is planned for: the end of prototyping."""
        return self.pilot_on or self.prototyping_ends(definition)

    def pilot_ends(self, definition: CallDefinition) -> date:
        """The last day of the pilot, or the planned one."""
        return self.pilot_until or self.pilot_ceiling(definition)

    def pilot_ceiling(self, definition: CallDefinition) -> date:
        """The last day that a pilot may have without a decision of the steering committee (domain: 4)."""
        return add_months(self.pilot_begins(definition), definition.stages.pilot_months_max)

    def window(self, stage: Stage, definition: CallDefinition) -> tuple[date, date]:
        """First and last day of prototyping or of the pilot."""
        if stage is Stage.PROTOTYPING:
            return self.prototyping_on, self.prototyping_ends(definition)
        return self.pilot_begins(definition), self.pilot_ends(definition)


@dataclass(frozen=True)
class Due:
    """Something that the calendar makes due: ``on`` is its last day, ``about`` the day of the stage that it tells of."""

    key: str
    kind: ObligationKind
    debtor: Party
    creditor: Party
    on: date
    about: date
    params: Mapping[str, object] = field(default_factory=dict)


def prototyping_dues(course: Course, definition: CallDefinition) -> tuple[Due, ...]:
    """What prototyping makes due by the calendar: progress reports, and the final report on its last day."""
    ends = course.prototyping_ends(definition)
    days = report_days(course.prototyping_on, ends, definition.reports.prototyping_every_months)
    final = Due(
        "report:prototype_report:1", ObligationKind.SUBMIT_PROTOTYPE_REPORT, Party.TEAM, Party.OFFICER, ends, ends
    )
    return (*_progress(days, 1, definition), final)


def pilot_dues(course: Course, definition: CallDefinition) -> tuple[Due, ...]:
    """What the pilot makes due: progress reports numbered on from those of prototyping, the final report, the closing."""
    begins, ends = course.window(Stage.PILOT, definition)
    before = report_days(
        course.prototyping_on, course.prototyping_ends(definition), definition.reports.prototyping_every_months
    )
    days = report_days(begins, ends, definition.reports.pilot_every_months)
    final = Due("report:final_report:1", ObligationKind.SUBMIT_FINAL_REPORT, Party.TEAM, Party.OFFICER, ends, ends)
    slack = timedelta(days=definition.reports.days_after_period + definition.stages.review_days)
    kind = ObligationKind.CLOSE_AWARD
    closing = Due(kind, kind, Party.OFFICER, Party.TEAM, ends + slack, ends)
    return (*_progress(days, len(before) + 1, definition), final, closing)


def _progress(days: Sequence[date], first: int, definition: CallDefinition) -> tuple[Due, ...]:
    within = timedelta(days=definition.reports.days_after_period)
    return tuple(
        Due(
            f"report:progress_report:{n}", ObligationKind.SUBMIT_PROGRESS_REPORT, Party.TEAM, Party.OFFICER,
            day + within, day, {"number": n},
        )
        for n, day in enumerate(days, start=first)
    )  # fmt: skip
