"""Amendments: last days of stages, what left the plan, decisions on them, what each changed.

Revision: 0006, after 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("award") as table:
        table.add_column(sa.Column("prototyping_until", sa.Date(), nullable=True))
        table.add_column(sa.Column("pilot_until", sa.Date(), nullable=True))
    for name in ("milestone", "budget_line"):
        with op.batch_alter_table(name) as table:
            table.add_column(sa.Column("dropped_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("decision") as table:
        table.add_column(sa.Column("version_id", sa.Integer(), nullable=True))
        table.add_column(sa.Column("agrees", sa.Boolean(), nullable=True))
        table.create_foreign_key(op.f("fk_decision_version_id"), "version", ["version_id"], ["id"])

    op.create_table(
        "applied_amendment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("award_id", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["award_id"], ["award.id"], name=op.f("fk_applied_amendment_award_id")),
        sa.ForeignKeyConstraint(["version_id"], ["version.id"], name=op.f("fk_applied_amendment_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_applied_amendment")),
        sa.UniqueConstraint("version_id", name=op.f("uq_applied_amendment_version_id")),
    )
    op.create_index("ix_applied_amendment_award_id", "applied_amendment", ["award_id"])


def downgrade() -> None:
    op.drop_table("applied_amendment")
    with op.batch_alter_table("decision") as table:
        table.drop_constraint(op.f("fk_decision_version_id"), type_="foreignkey")
        table.drop_column("agrees")
        table.drop_column("version_id")
    for name in ("budget_line", "milestone"):
        with op.batch_alter_table(name) as table:
            table.drop_column("dropped_at")
    with op.batch_alter_table("award") as table:
        table.drop_column("pilot_until")
        table.drop_column("prototyping_until")
