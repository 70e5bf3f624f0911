"""Tranches with their conditions, and the ledger of money that moved."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lab.models.base import Amount, Base, amount, exact, instant, name, pk, short, text


class Tranche(Base):
    """One planned payment, in the award's currency, and where it stands."""

    __tablename__ = "tranche"
    __table_args__ = (UniqueConstraint("award_id", "number"), CheckConstraint("amount > 0", name="amount_positive"))
    id: Mapped[pk]
    award_id: Mapped[int] = mapped_column(ForeignKey("award.id"))
    number: Mapped[int]
    key: Mapped[short]
    amount: Mapped[amount]
    currency: Mapped[str] = mapped_column(String(3))
    state: Mapped[short]
    account_id: Mapped[int | None] = mapped_column(ForeignKey("bank_account.id"))
    proposed_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    proposed_at: Mapped[instant | None]
    authorised_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    authorised_at: Mapped[instant | None]
    received_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    received_at: Mapped[instant | None]
    conditions: Mapped[list[Condition]] = relationship(lazy="raise_on_sql", order_by="Condition.id")


class Condition(Base):
    """What must hold before the tranche is released; ``label`` is its sentence per language, from the call."""

    __tablename__ = "condition"
    id: Mapped[pk]
    tranche_id: Mapped[int] = mapped_column(ForeignKey("tranche.id"), index=True)
    kind: Mapped[short]
    label: Mapped[dict[str, Any]]
    params: Mapped[dict[str, Any]]
    attested_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    attested_at: Mapped[instant | None]
    evidence: Mapped[text] = mapped_column(default="")


class PaymentDecision(Base):
    """What the ILO decided about a payment (``rules.payment_decisions``), with its reason and, where there is one, the letter
    word by word (``rules.decision_letter``). Append-only."""

    __tablename__ = "payment_decision"
    id: Mapped[pk]
    award_id: Mapped[int] = mapped_column(ForeignKey("award.id"), index=True)
    tranche_id: Mapped[int] = mapped_column(ForeignKey("tranche.id"), index=True)
    kind: Mapped[short]
    reason: Mapped[text]
    amount_before: Mapped[amount]
    amount_after: Mapped[amount]
    letter: Mapped[dict[str, Any] | None]
    by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    at: Mapped[instant]


class LedgerEntry(Base):
    """Money that moved: ``payment`` out or ``return`` back. Append-only, chained by hash; one payment a tranche."""

    __tablename__ = "ledger_entry"
    __table_args__ = (
        UniqueConstraint("stream", "seq"),
        UniqueConstraint("tranche_id"),
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("kind in ('payment', 'return')", name="kind_known"),
        CheckConstraint("(kind = 'payment') = (tranche_id is not null)", name="payment_has_tranche"),
    )
    id: Mapped[pk]
    stream: Mapped[short]
    seq: Mapped[int]
    award_id: Mapped[int] = mapped_column(ForeignKey("award.id"), index=True)
    tranche_id: Mapped[int | None] = mapped_column(ForeignKey("tranche.id"))
    kind: Mapped[short]
    amount: Mapped[amount]
    currency: Mapped[str] = mapped_column(String(3))
    local_amount: Mapped[Decimal] = mapped_column(Amount())
    local_currency: Mapped[str] = mapped_column(String(3))
    rate: Mapped[exact]
    reference: Mapped[name]
    value_on: Mapped[date]
    by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    at: Mapped[instant]
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
