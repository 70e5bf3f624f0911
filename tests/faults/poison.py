"""Markup, scripts and templates in every text that a person can have typed, file names and mails among them."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import JSON, String, Table, select, text, update
from sqlalchemy.orm import Session

from lab.models import Base
from tests.faults import people

LINK = "javascript:__hit('link')"
SUM = "[[{{7*7}}]][[${7*7}]][[{% if 1 %}49{% endif %}]][[#{7*7}]]"
CALCULATED = "[[49]]"
PAYLOADS = (
    "<script>__hit('script')</script>", "\"><img src=x onerror=__hit('image')>", "'><svg onload=__hit('svg')>", "</textarea><script>__hit('textarea')</script>",
    "</title></option></select></template><script>__hit('closing')</script>", "<iframe srcdoc=\"<script>parent.__hit('frame')</script>\"></iframe>",
    "<a href=\"javascript:__hit('anchor')\">x</a>", "[x](javascript:__hit('markdown'))", "![x](x \"onerror=__hit('title')\")", "<javascript:__hit('auto')>",
    "[y]: javascript:__hit('reference)'", "' onmouseover=__hit('quote') autofocus onfocus=__hit('focus') '", '" autofocus onfocus=__hit("focus") "',
    "'-alert(1)-'", "\\u003cscript\\u003e__hit('unicode')\\u003c/script\\u003e", "&lt;script&gt;__hit('entity')&lt;/script&gt;", "<!--<script>__hit(1)//-->",
    "<style>*{background:url(//evil.example)}</style>", "<base href=//evil.example>", "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<form action=//evil.example><button>x</button></form>", "<math><mtext></p><style><img src=x onerror=__hit('math')></style>", "%(name)s %s {0} {name}", SUM,
)  # fmt: skip
POISON = " ".join(PAYLOADS)
SHORT = "<img src=x onerror=__hit('s')>"

# Not typed by anybody: codes, states, hashes, and what only the application writes.
_FIXED = frozenset(
    [
        "code",
        "state",
        "kind",
        "role",
        "stage",
        "suspended_from",
        "currency",
        "local_currency",
        "language",
        "country",
        "key",
        "hash",
        "previous_hash",
        "content_hash",
        "text_hash",
        "definition_hash",
        "token_hash",
        "code_hash",
        "fs_uniquifier",
        "password",
        "time_zone",
        "prize",
        "side",
        "checklist",
        "stream",
        "debtor",
        "creditor",
        "category",
        "section",
        "place",
        "sha256",
        "message_id",
        "purpose",
        "secret",
        "decision",
        "action",
    ]
)
_UNTOUCHED = frozenset({"form_key", "heartbeat", "throttle", "alembic_version", "challenge", "totp", "recovery_code"})
# Values in documents that rules read: amounts, days, codes.
_FIXED_KEYS = _FIXED | frozenset(
    {"unit_cost", "quantity", "own", "files", "id", "spending", "amount", "split", "number", "from", "to", "old", "new"}
)
_CODE = re.compile(r"[a-z0-9_.:-]*|\d{4}-\d\d-\d\d.*|[\d.,+-]+|[A-Z]{2,3}|.*/.*_.*")


def columns() -> list[tuple[Table, str]]:
    """Every text column that holds what somebody has typed."""
    return [
        (table, column.name)
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if table.name not in _UNTOUCHED
        and isinstance(column.type, String) and column.name not in _FIXED and not column.foreign_keys
    ]  # fmt: skip


def documents() -> list[tuple[Table, str]]:
    """Every column that holds a document."""
    return [
        (table, column.name)
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, JSON)
    ]


def _poisoned(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: item if name in _FIXED_KEYS else _poisoned(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_poisoned(item, key) for item in value]
    if key in ("link", "url", "href"):
        return LINK
    if not isinstance(value, str) or (
        _CODE.fullmatch(value) and key not in ("title", "name", "note", "body", "text", "description")
    ):
        return value
    return f"{value} {POISON}"


def _typed(table: Table, column: str, value: str) -> str:
    """The poisoned text of a column; somebody's address stays one where the test signs in with it."""
    if column in ("link", "url"):
        return LINK
    if (table.name, column) in (
        ("person", "email"),
        ("mail", "to"),
        ("invitation", "email"),
        ("reset_request", "email"),
    ):
        return value if value in _READERS else f"{SHORT}{value}"
    return f"{value} {POISON}"


_READERS = (people.LEAD, people.MEMBER, people.MENTOR, people.COMMITTEE, people.OFFICER, people.FINANCE, people.ADMIN)


def poison(session: Session) -> int:
    """Put the payloads into every row of an embedded database, whatever its triggers forbid. Returns how many texts."""
    for trigger in session.scalars(text("select name from sqlite_master where type = 'trigger'")).all():
        session.execute(text(f'drop trigger "{trigger}"'))
    changed = 0
    wanted: dict[str, tuple[Table, list[str], list[str]]] = {}
    for found, which in ((columns(), 1), (documents(), 2)):
        for table, column in found:
            wanted.setdefault(table.name, (table, [], []))[which].append(column)
    for table, texts, papers in wanted.values():
        keys = list(table.primary_key.columns)
        for row in session.execute(select(table)).mappings().all():
            new = {name: _typed(table, name, row[name]) for name in texts if row[name] is not None}
            new |= {name: _poisoned(row[name]) for name in papers if row[name] is not None}
            if not new:
                continue
            changed += len(new)
            session.execute(update(table).where(*(key == row[key.name] for key in keys)).values(new))
    session.commit()
    return changed
