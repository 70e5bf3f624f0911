"""Due diligence in depth, negotiated clauses, obligations of clauses.

Revision: 0004, after 0003
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_STANDING = sa.text("closed_at IS NULL")
_CALL = sa.table(
    "call", sa.column("id", sa.Integer()), sa.column("definition", sa.JSON()), sa.column("definition_hash", sa.String())
)


def upgrade() -> None:
    with op.batch_alter_table("award_check") as table:
        table.add_column(sa.Column("expires_on", sa.Date(), nullable=True))
        table.add_column(sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("closed_by", sa.Integer(), nullable=True))
        table.create_foreign_key(op.f("fk_award_check_closed_by"), "person", ["closed_by"], ["id"])
        table.drop_constraint("uq_award_check_award_id_checklist_key", type_="unique")
    op.create_index(
        "uq_award_check_standing", "award_check", ["award_id", "checklist", "key"], unique=True,
        sqlite_where=_STANDING, postgresql_where=_STANDING,
    )  # fmt: skip
    with op.batch_alter_table("upload") as table:
        table.alter_column("place", existing_type=sa.String(length=40), type_=sa.String(length=60), existing_nullable=False)
    op.create_table(
        "check_file",
        sa.Column("check_id", sa.Integer(), nullable=False),
        sa.Column("upload_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["check_id"], ["award_check.id"], name=op.f("fk_check_file_check_id")),
        sa.ForeignKeyConstraint(["upload_id"], ["upload.id"], name=op.f("fk_check_file_upload_id")),
        sa.PrimaryKeyConstraint("check_id", "upload_id", name=op.f("pk_check_file")),
    )
    _clauses()
    _calls(_with_defaults)


def _clauses() -> None:
    op.create_table(
        "clause_revision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("award_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("by", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["award_id"], ["award.id"], name=op.f("fk_clause_revision_award_id")),
        sa.ForeignKeyConstraint(["by"], ["person.id"], name=op.f("fk_clause_revision_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clause_revision")),
        sa.UniqueConstraint("award_id", "key", "number", name=op.f("uq_clause_revision_award_id_key_number")),
    )
    op.create_table(
        "clause_comment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("award_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=False),
        sa.Column("side", sa.String(length=40), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("proposal", sa.Text(), nullable=False),
        sa.Column("settles", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["award_id"], ["award.id"], name=op.f("fk_clause_comment_award_id")),
        sa.ForeignKeyConstraint(["author_id"], ["person.id"], name=op.f("fk_clause_comment_author_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clause_comment")),
    )
    op.create_index(op.f("ix_clause_comment_award_id"), "clause_comment", ["award_id"])


def _with_defaults(body: dict[str, Any]) -> None:
    """What a call that was loaded before says about what it did not know."""
    for item in body.get("due_diligence", []):
        item.setdefault("expires", False)
        item.setdefault("document", False)
    for clause in body.get("clauses", []):
        clause.setdefault("obligations", [])


def _without(body: dict[str, Any]) -> None:
    for item in body.get("due_diligence", []):
        item.pop("expires", None)
        item.pop("document", None)
    for clause in body.get("clauses", []):
        clause.pop("obligations", None)


def _calls(change: Any) -> None:
    connection = op.get_bind()
    for row in connection.execute(sa.select(_CALL.c.id, _CALL.c.definition)).all():
        body = dict(row.definition)
        change(body)
        canonical = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        connection.execute(_CALL.update().where(_CALL.c.id == row.id).values(definition=body, definition_hash=digest))


def downgrade() -> None:
    _calls(_without)
    op.drop_table("clause_comment")
    op.drop_table("clause_revision")
    op.drop_table("check_file")
    op.drop_index("uq_award_check_standing", "award_check")
    # The schema before knows one row an item: those that were closed do not fit in.
    op.execute("DELETE FROM award_check WHERE closed_at IS NOT NULL")
    with op.batch_alter_table("upload") as table:
        table.alter_column("place", existing_type=sa.String(length=60), type_=sa.String(length=40), existing_nullable=False)
    with op.batch_alter_table("award_check") as table:
        table.drop_constraint(op.f("fk_award_check_closed_by"), type_="foreignkey")
        for column in ("closed_by", "closed_at", "expires_on"):
            table.drop_column(column)
        table.create_unique_constraint("uq_award_check_award_id_checklist_key", ["award_id", "checklist", "key"])
