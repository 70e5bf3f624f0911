"""Signatures of named signatories, scans of signed paper.

Revision: 0005, after 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("signature") as table:
        table.add_column(sa.Column("number", sa.Integer(), nullable=False, server_default="1"))
        # Until now there was no other way.
        table.add_column(sa.Column("method", sa.String(length=40), nullable=False, server_default="electronic"))
        table.add_column(sa.Column("function", sa.String(length=300), nullable=False, server_default=""))
        table.add_column(sa.Column("time_zone", sa.String(length=40), nullable=False, server_default="Europe/Zurich"))
        table.add_column(sa.Column("signed_on", sa.Date(), nullable=True))
        table.add_column(sa.Column("upload_id", sa.Integer(), nullable=True))
        table.add_column(sa.Column("file_hash", sa.String(length=64), nullable=False, server_default=""))
        table.create_foreign_key(op.f("fk_signature_upload_id"), "upload", ["upload_id"], ["id"])
        table.drop_constraint(op.f("uq_signature_version_id_side"), type_="unique")
        table.create_unique_constraint(op.f("uq_signature_version_id_side_number"), ["version_id", "side", "number"])
    op.execute(
        "UPDATE signature SET time_zone = (SELECT person.time_zone FROM person WHERE person.id = signature.person_id)"
    )
    with op.batch_alter_table("signature") as table:
        for column in ("number", "method", "function", "time_zone", "file_hash"):
            table.alter_column(column, server_default=None)

    op.create_table(
        "signatory",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("award_id", sa.Integer(), nullable=False),
        sa.Column("side", sa.String(length=40), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("function", sa.String(length=300), nullable=False),
        sa.Column("named_by", sa.Integer(), nullable=False),
        sa.Column("named_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["award_id"], ["award.id"], name=op.f("fk_signatory_award_id")),
        sa.ForeignKeyConstraint(["named_by"], ["person.id"], name=op.f("fk_signatory_named_by")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_signatory_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signatory")),
    )
    op.create_index("ix_signatory_award_id", "signatory", ["award_id"])

    op.create_table(
        "signed_pdf",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("award_id", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["award_id"], ["award.id"], name=op.f("fk_signed_pdf_award_id")),
        sa.ForeignKeyConstraint(["version_id"], ["version.id"], name=op.f("fk_signed_pdf_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signed_pdf")),
        sa.UniqueConstraint("version_id", name=op.f("uq_signed_pdf_version_id")),
    )
    op.create_index("ix_signed_pdf_award_id", "signed_pdf", ["award_id"])


def downgrade() -> None:
    op.drop_table("signed_pdf")
    op.drop_table("signatory")
    with op.batch_alter_table("signature") as table:
        table.drop_constraint(op.f("uq_signature_version_id_side_number"), type_="unique")
        table.drop_constraint(op.f("fk_signature_upload_id"), type_="foreignkey")
        for column in ("file_hash", "upload_id", "signed_on", "time_zone", "function", "method", "number"):
            table.drop_column(column)
        table.create_unique_constraint(op.f("uq_signature_version_id_side"), ["version_id", "side"])
