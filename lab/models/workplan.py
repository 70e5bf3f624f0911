"""What an approved workplan leaves behind: milestones to follow and budget lines to hold spending against."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from lab.models.base import Base, amount, exact, instant, pk, short, text


class Milestone(Base):
    """A milestone of the approved plan; ``accepted_at`` is set when the officer accepts its proof.

    ``item`` is the id that its row has in the plan, ``stage`` the stage that it belongs to ("" before plans said so).
    ``dropped_at``: an amendment took it out of the plan.
    """

    __tablename__ = "milestone"
    __table_args__ = (UniqueConstraint("award_id", "number"),)
    id: Mapped[pk]
    award_id: Mapped[int] = mapped_column(ForeignKey("award.id"))
    number: Mapped[int]
    item: Mapped[short] = mapped_column(default="")
    stage: Mapped[short] = mapped_column(default="")
    title: Mapped[text]
    proof: Mapped[text]
    due_on: Mapped[date]
    accepted_at: Mapped[instant | None]
    accepted_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    evidence: Mapped[text] = mapped_column(default="")
    dropped_at: Mapped[instant | None]


class BudgetLine(Base):
    """A line of the approved budget, in the award's currency; ``own`` lines are the team's contribution.

    ``item`` is the id that its row has in the plan, ``activity`` that of the activity it pays for, ``stage`` that of the
    milestone which the activity leads to; the last two are "" where the plan does not say. ``dropped_at``: an amendment took
    it out of the budget, before anything was spent on it.
    """

    __tablename__ = "budget_line"
    __table_args__ = (UniqueConstraint("award_id", "number"),)
    id: Mapped[pk]
    award_id: Mapped[int] = mapped_column(ForeignKey("award.id"))
    number: Mapped[int]
    item: Mapped[short] = mapped_column(default="")
    activity: Mapped[short] = mapped_column(default="")
    stage: Mapped[short] = mapped_column(default="")
    category: Mapped[short]
    description: Mapped[text]
    quantity: Mapped[exact]
    unit_cost: Mapped[amount]
    amount: Mapped[amount]
    own: Mapped[bool]
    dropped_at: Mapped[instant | None]


class Spending(Base):
    """What a submitted report says was spent on a line, in the award's currency. It counts once the version is accepted."""

    __tablename__ = "spending"
    __table_args__ = (UniqueConstraint("version_id", "budget_line_id"),)
    id: Mapped[pk]
    award_id: Mapped[int] = mapped_column(ForeignKey("award.id"), index=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("version.id"))
    budget_line_id: Mapped[int] = mapped_column(ForeignKey("budget_line.id"), index=True)
    amount: Mapped[amount]
    accepted: Mapped[bool] = mapped_column(default=False)
