"""The gate's plan: rows with names, review item by item.

Revision: 0003, after 0002
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_CALL = sa.table(
    "call", sa.column("id", sa.Integer), sa.column("definition", sa.JSON), sa.column("definition_hash", sa.String)
)


def _rewrite(body: dict[str, Any], call_id: int) -> None:
    # As lab.services.calls.definition_hash does: loading the same file again then still changes nothing.
    canonical = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    op.get_bind().execute(
        sa.update(_CALL).where(_CALL.c.id == call_id).values(definition=body, definition_hash=digest)
    )


def _calls() -> list[tuple[int, dict[str, Any]]]:
    return [(row.id, dict(row.definition)) for row in op.get_bind().execute(sa.select(_CALL.c.id, _CALL.c.definition))]


# What an approved plan leaves behind names its row in the plan, and the stage and activity that it belongs to.
_KEPT = {"milestone": ("item", "stage"), "budget_line": ("item", "activity", "stage")}


def _name_rows() -> None:
    for table, names in _KEPT.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for name in names:
                batch_op.add_column(sa.Column(name, sa.String(length=40), nullable=True))
        # Rows of plans without ids are called by their order, as rules.workplan_content.named does; their stage is not known.
        values = ", ".join(f"{name} = ''" for name in names if name != "item")
        op.execute(f"UPDATE {table} SET item = 'n' || number, {values}")  # noqa: S608
        with op.batch_alter_table(table, schema=None) as batch_op:
            for name in names:
                batch_op.alter_column(name, existing_type=sa.String(length=40), nullable=False)


def upgrade() -> None:
    # Calls that were stored before asked for no activity with a line.
    for call_id, body in _calls():
        _rewrite({**body, "workplan": {"lines_need_activity": False}}, call_id)
    # Review item by item: milestones and lines of approved plans.
    _name_rows()


def downgrade() -> None:
    for call_id, body in _calls():
        _rewrite({key: value for key, value in body.items() if key != "workplan"}, call_id)
    for table, names in _KEPT.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for name in names:
                batch_op.drop_column(name)
