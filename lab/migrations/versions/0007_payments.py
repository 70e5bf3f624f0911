"""Payments: what the ILO decided about each, with the letter that told of it; append-only. Obligations by their award.

Revision: 0007, after 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def _append_only() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER payment_decision_no_{verb.lower()} BEFORE {verb} ON payment_decision "
                "BEGIN SELECT RAISE(ABORT, 'payment_decision is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION payment_decision_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'payment_decision is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER payment_decision_append_only BEFORE UPDATE OR DELETE ON payment_decision "
        "FOR EACH ROW EXECUTE FUNCTION payment_decision_refuse()"
    )
    op.execute(
        "CREATE TRIGGER payment_decision_no_truncate BEFORE TRUNCATE ON payment_decision "
        "FOR EACH STATEMENT EXECUTE FUNCTION payment_decision_refuse()"
    )


def upgrade() -> None:
    op.create_table(
        "payment_decision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("award_id", sa.Integer(), nullable=False),
        sa.Column("tranche_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("amount_before", sa.BigInteger(), nullable=False),
        sa.Column("amount_after", sa.BigInteger(), nullable=False),
        sa.Column("letter", sa.JSON(), nullable=True),
        sa.Column("by", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["award_id"], ["award.id"], name=op.f("fk_payment_decision_award_id")),
        sa.ForeignKeyConstraint(["tranche_id"], ["tranche.id"], name=op.f("fk_payment_decision_tranche_id")),
        sa.ForeignKeyConstraint(["by"], ["person.id"], name=op.f("fk_payment_decision_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_decision")),
    )
    for name in ("award_id", "tranche_id"):
        op.create_index(f"ix_payment_decision_{name}", "payment_decision", [name])
    _append_only()
    # What is done on an award is asked for with its other facts: the index of what is open knows nothing of it.
    op.create_index("ix_obligation_award_id", "obligation", ["award_id"])


def downgrade() -> None:
    op.drop_index("ix_obligation_award_id", "obligation")
    op.drop_table("payment_decision")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION payment_decision_refuse()")
