"""The plan as a workbook: out and in again it is the same; what cannot be read is named by its cell, and changes nothing."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest
from bs4 import Tag
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from lab import workbooks
from lab.rules.workplan_content import MAX_ROWS, clean_content
from lab.rules.workplan_sheet import MAX_SHEET_ROWS
from lab.services import workplan
from tests import workbooks as books
from tests.conftest import counted
from tests.factories import PLAN, World
from tests.web.pages import PageClient
from tests.web.tables import contents
from tests.web.test_workplan import draft, main, path, submitted, words

Clients = Callable[..., PageClient]
Change = Callable[[Any], None]

STRANGE: dict[str, Any] = {
    "summary": "=1+1\n\nTwo paragraphs, and «quotes» & <b>marks</b>",
    "activities": [
        {"id": "a1", "title": "Twice", "owner": "+Ana", "starts_on": "next week", "ends_on": "2026-04-30", "deliverable": "", "milestone": "m2"},
        {"id": "a2", "title": "Twice", "owner": "", "starts_on": "", "ends_on": "", "deliverable": "@x", "milestone": "gone"},
        {"id": "a3", "title": "", "owner": "Nobody", "starts_on": "2026-04-01", "ends_on": "", "deliverable": "", "milestone": ""},
    ],
    "milestones": [
        {"id": "m1", "stage": "pilot", "title": "Known [x]", "proof": "a\tb", "due_on": "2026-05-15"},
        {"id": "m2", "stage": "", "title": "2026", "proof": "'quoted", "due_on": "15 May"},
    ],
    "budget": [
        {"id": "b1", "category": "staff", "description": "Total", "quantity": "4,50", "unit_cost": "1 250.5", "own": "", "activity": "a2"},
        {"id": "b2", "category": "", "description": "-", "quantity": "two", "unit_cost": "1.234", "own": "1", "activity": "a3"},
        {"id": "b3", "category": "gold", "description": "", "quantity": "", "unit_cost": "5000.00", "own": "", "activity": ""},
    ],
}  # fmt: skip


@pytest.fixture
def world(world_at: Callable[..., World]) -> World:
    return world_at()


def write(world: World, now: datetime, plan: dict[str, Any]) -> int:
    return workplan.save_draft(world.actor(world.lead), now, world.code, plan, 0)


def upload(client: PageClient, world: World, file: bytes, name: str = "plan.xlsx") -> TestResponse:
    return client.submit(path(world, "/offline/check"), {"file": (io.BytesIO(file), name)})


def take(client: PageClient, world: World, answer: TestResponse) -> TestResponse:
    form = main(answer.text).select_one("form[action$='/take']")
    assert form is not None, words(main(answer.text))
    fields = {str(field["name"]): str(field["value"]) for field in form.select("input[name]")}
    return client.submit(path(world, "/offline/take"), {name: fields[name] for name in ("plan", "revision", "base")})


def download(client: PageClient, world: World, tail: str = "/offline/workbook") -> bytes:
    answer = client.get(path(world, tail))
    assert answer.status_code == 200 and "spreadsheetml" in answer.headers["Content-Type"]
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="workplan-')
    return answer.data


@pytest.mark.parametrize("language", ["en", "es", "pt", "fr"])
@pytest.mark.parametrize("plan", [PLAN, STRANGE], ids=["whole", "strange"])
def test_out_and_in_again_it_is_the_same(
    session: Session, world: World, client_for: Clients, now: datetime, language: str, plan: dict[str, Any]
) -> None:
    write(world, now, plan)
    world.lead.language = language
    session.commit()
    client = client_for(world.lead)
    file = download(client, world)
    answer = upload(client, world, file)
    assert answer.status_code == 200, words(main(answer.text))
    assert "Nothing: it says the same as your draft." in words(main(answer.text))
    # The same through a program that opens and saves it, read by somebody of another language.
    answer = upload(client_for(world.member), world, books.changed(file, lambda book: None))
    if plan is PLAN or language == "en":
        assert answer.status_code == 200, words(main(answer.text))
        assert "Nothing: it says the same" in words(main(answer.text))
    assert draft(session, world).draft == clean_content(plan)


def test_the_workbook_is_made_to_be_filled_in(
    session: Session, world: World, client_for: Clients, now: datetime
) -> None:
    write(world, now, PLAN)
    book = openpyxl.load_workbook(io.BytesIO(download(client_for(world.lead), world)))
    assert book.sheetnames == ["Summary", "Activities", "Milestones", "Budget", "Notes"]
    activities, budget = book["Activities"], book["Budget"]
    assert isinstance(activities["D2"].value, datetime) and budget["D2"].value == 4 and budget["E2"].value == 5000
    assert budget["F2"].value == '=IF(OR(D2="",E2=""),"",D2*E2)'
    assert activities.column_dimensions["A"].hidden and budget.column_dimensions["A"].hidden
    lists = {str(found.sqref): found.formula1 for found in budget.data_validations.dataValidation}
    assert lists[f"H2:H{MAX_ROWS + 1}"] == f"'Activities'!$B$2:$B${MAX_ROWS + 1}"
    assert lists[f"B2:B{MAX_ROWS + 1}"].startswith("'Notes'!$D$1:")
    assert "USD" in budget["E1"].value and "exactly" in " ".join(str(c.value) for c in book["Notes"]["A"])


def test_a_text_that_looks_like_a_formula_is_none(
    session: Session, world: World, client_for: Clients, now: datetime
) -> None:
    write(world, now, STRANGE)
    book = openpyxl.load_workbook(io.BytesIO(download(client_for(world.lead), world)))
    for cell in (book["Summary"]["A2"], book["Activities"]["C2"], book["Activities"]["F3"], book["Budget"]["C3"]):
        assert cell.data_type == "s" and cell.quotePrefix, cell.value


def test_change_it_look_and_take_it_over(session: Session, world: World, client_for: Clients, now: datetime) -> None:
    write(world, now, PLAN)
    client = client_for(world.lead)

    def change(book: Any) -> None:
        activities, budget = book["Activities"], book["Budget"]
        activities["B2"], activities["D2"] = "Visit firms", date(2026, 4, 2)
        activities["B3"], activities["C3"] = "Build", "Luis"
        budget["E2"], budget["H2"] = 4999.5, "Visit firms"
        budget["B5"], budget["C5"], budget["D5"], budget["E5"], budget["H5"] = (
            "Personal",
            "Travel",
            2,
            "1.000,50",
            "Build",
        )
        budget.delete_rows(4)

    def own_words(book: Any) -> None:
        change(book)
        book["Budget"]["B4"] = "staff"

    before = contents(client.application)
    answer = upload(client, world, books.changed(download(client, world), own_words))
    assert answer.status_code == 200, words(main(answer.text))
    assert contents(client.application) == before, "looking at it stores nothing"
    text = words(main(answer.text))
    for said in ("New: 2", "Changed: 2", "Removed: 1", "Visit firms", "2 Apr 2026", "Travel", "USD 4,999.50"):
        assert said in text.replace("\xa0", " "), said
    assert take(client, world, answer).location == path(world, "/edit#missing")
    kept: Any = draft(session, world).draft
    assert [row["id"] for row in kept["activities"]][0] == PLAN["activities"][0]["id"]
    assert kept["activities"][0]["title"] == "Visit firms" and kept["activities"][0]["starts_on"] == "2026-04-02"
    assert [row["unit_cost"] for row in kept["budget"]] == ["4999.50", "1000.00", "1000.50"]
    assert kept["budget"][0]["activity"] == kept["activities"][0]["id"]
    assert kept["budget"][2]["activity"] == kept["activities"][1]["id"] != ""


def test_a_workbook_of_somebody_s_own_making(session: Session, world: World, client_for: Clients) -> None:
    client = client_for(world.member)
    answer = upload(client, world, books.made())
    assert answer.status_code == 200, words(main(answer.text))
    assert take(client, world, answer).status_code == 303
    kept: Any = draft(session, world).draft
    assert kept["summary"] == "Stock on a phone."
    (activity,) = kept["activities"]
    assert (activity["starts_on"], activity["ends_on"]) == ("2026-04-01", "2026-04-30")
    assert activity["milestone"] == kept["milestones"][0]["id"] and kept["milestones"][0]["stage"] == "prototyping"
    assert [row["unit_cost"] for row in kept["budget"]] == ["5000.00", "10000.00"]
    assert [row["own"] for row in kept["budget"]] == ["", "1"]


BROKEN: dict[str, tuple[Callable[[], bytes], str]] = {
    "huge": (books.huge, "far more than a plan"),
    "long": (lambda: books.huge(3000), f"Budget: the sheet has more than {MAX_SHEET_ROWS} rows"),
    "far_away": (books.far_away, "more than 1000 rows or 60 columns"),
    "without_result": (books.without_result, "Budget!E2: the formula has no result in this file"),
    "merged": (books.merged, "Budget!C2:C3: these cells are merged"),
    "entities": (books.with_entities, "“plan.xlsx” is not a whole Excel workbook: it is damaged"),
    "cut_off": (books.cut_off, "damaged"),
    "senseless": (books.senseless, "damaged"),
    "locked": (books.locked, "protected by a password"),
    "macros": (books.with_macros, "macros"),
    "empty": (lambda: b"", "is empty"),
    "text": (lambda: b"a,b,c\n1,2,3\n", "its content is TXT"),
    "no_sheet": (lambda: books.changed(books.made(), lambda book: book.remove(book["Milestones"])), "The sheet “Milestones” is missing"),
    "other_sheets": (lambda: books.made({"Costs": [["a"]], "People": [["b"]]}), "The sheet “Summary” is missing"),
    "no_column": (
        lambda: books.changed(books.made(), lambda book: book["Budget"].delete_cols(4)), "Budget: these columns are missing: Quantity",
    ),
    "twice": (
        lambda: books.changed(books.made(), lambda book: book.create_sheet("Presupuesto")), "“Budget” holds the same",
    ),
    "abc": (lambda: books.changed(books.made(), lambda b: b["Budget"].__setitem__("D2", "abc")), "Budget!D2: “abc” is not a number"),
    "two_ways": (lambda: books.changed(books.made(), lambda b: b["Budget"].__setitem__("E2", "1.234")), "Budget!E2: “1.234” can be read in two ways"),
    "no_day": (lambda: books.changed(books.made(), lambda b: b["Activities"].__setitem__("D2", "31/02/2026")), "Activities!D2: “31/02/2026” is not a date"),
    "no_date": (
        lambda: books.made(change=lambda book, pages: pages["Activities"].write_number(1, 3, 1e12, book.add_format({"num_format": "yyyy-mm-dd"}))),
        "Activities!D2: this number is not a date",
    ),
    "no_date_by_formula": (
        lambda: books.made(change=lambda book, pages: pages["Activities"].write_formula(1, 3, "=1/0", book.add_format({"num_format": "yyyy-mm-dd"}), "#VALUE!")),
        "Activities!D2: the formula ends in an error",
    ),
    "no_category": (lambda: books.changed(books.made(), lambda b: b["Budget"].__setitem__("B2", "Gold")), "Budget!B2: “Gold” is none of the call’s categories"),
    "no_activity": (lambda: books.changed(books.made(), lambda b: b["Budget"].__setitem__("G2", "Sing")), "Budget!G2: “Sing” is none of the activities"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_workbook_is_answered_with_a_sentence_and_changes_nothing(
    session: Session, world: World, client_for: Clients, now: datetime, kind: str
) -> None:
    write(world, now, PLAN)
    client = client_for(world.lead)
    make, said = BROKEN[kind]
    before = contents(client.application)
    answer = upload(client, world, make())
    assert answer.status_code == 422, words(main(answer.text))
    problem = main(answer.text).select_one(".error-summary")
    assert said in words(problem), words(problem)
    assert "Your draft is as it was." in words(problem)
    assert contents(client.application) == before


@pytest.mark.parametrize("name", ["plan.csv", "plan.xlsm", "../plan.xlsx", "plan"])
def test_only_a_workbook_is_read(world: World, client_for: Clients, name: str) -> None:
    assert upload(client_for(world.lead), world, books.made(), name).status_code == 422


def test_too_large_a_file_is_not_read(world: World, client_for: Clients) -> None:
    client = client_for(world.lead)
    answer = upload(client, world, books.made() + bytes(5 * 1024 * 1024))
    assert answer.status_code == 413 and "larger than 5 MB" in words(main(answer.text))
    assert upload(client, world, bytes(7 * 1024 * 1024)).status_code == 413


def test_a_long_sheet_is_read_no_further_than_need_be() -> None:
    book = workbooks.read_workbook(io.BytesIO(books.huge(3000)), lambda name: name == "Budget")
    grids = {grid.name: grid for grid in book.grids}
    assert len(grids["Budget"].rows) == MAX_SHEET_ROWS and grids["Budget"].cut
    assert grids["Activities"].rows == (), "what is not wanted is not read"
    with pytest.raises(workbooks.TooMuch):
        workbooks.read_workbook(io.BytesIO(books.huge()), lambda name: True)


def test_all_troubles_are_told_at_once_up_to_twenty(world: World, client_for: Clients) -> None:
    def change(book: Any, pages: dict[str, Any]) -> None:
        for n in range(1, 26):
            pages["Budget"].write(n, 3, f"many {n}")

    problem = main(upload(client_for(world.lead), world, books.made(change=change)).text).select_one(".error-summary")
    assert problem is not None and len(problem.select("li")) == 21
    assert "Budget!D2" in words(problem) and "and 5 more" in words(problem)


def test_other_sheets_columns_and_sums_are_said_and_not_read(
    session: Session, world: World, client_for: Clients
) -> None:
    def change(book: Any, pages: dict[str, Any]) -> None:
        book.add_worksheet("My sums").write(0, 0, "x")
        pages["Budget"].write(0, 7, "Remarks")
        pages["Budget"].write(1, 7, "cheap")
        pages["Budget"].write(3, 2, "Total")
        pages["Budget"].write_formula(4, 3, "=1+1", None, 2)
        pages["Budget"].write(4, 2, "By formula")

    client = client_for(world.lead)
    answer = upload(client, world, books.made(change=change))
    text = words(main(answer.text))
    assert "the plan has no such sheet: My sums" in text and "no such column: Remarks" in text
    take(client, world, answer)
    kept: Any = draft(session, world).draft
    assert [(row["description"], row["quantity"]) for row in kept["budget"]] == [("Developers", "4"), ("Time", "1"), ("By formula", "2")]  # fmt: skip


def test_somebody_saves_while_one_looks(session: Session, world: World, client_for: Clients, now: datetime) -> None:
    revision = write(world, now, PLAN)
    lead = client_for(world.lead)
    file = download(lead, world)
    answer = upload(
        lead, world, books.changed(file, lambda book: book["Summary"].__setitem__("A2", "From the workbook"))
    )
    workplan.save_draft(world.actor(world.member), now, world.code, {**PLAN, "summary": "Hers"}, revision)
    late = take(lead, world, answer)
    assert late.status_code == 409
    assert "Somebody saved the plan meanwhile." in words(main(late.text)) and "Hers" in words(main(late.text))
    assert draft(session, world).draft["summary"] == "Hers"
    assert take(lead, world, late).status_code == 303
    assert draft(session, world).draft["summary"] == "From the workbook"
    stale = upload(lead, world, file)
    assert "This file was made from the plan as it stood on 2 Mar 2026, 07:00; the plan has changed since." in words(main(stale.text))  # fmt: skip
    assert main(stale.text).select_one("form[action$='/take']") is None, "the file changed nothing: so it does now"


def test_an_older_workbook_undoes_nobody_s_work(
    session: Session, world: World, client_for: Clients, now: datetime
) -> None:
    plan = copy.deepcopy(PLAN)
    plan["budget"].append({**PLAN["budget"][0], "id": "b4", "description": "Rent", "own": "1"})
    revision, lead = write(world, now, plan), client_for(world.lead)

    def offline(book: Any) -> None:
        book["Activities"]["C2"] = "Luis"
        book["Budget"]["D2"], book["Budget"]["D3"], book["Budget"]["F3"] = 5, 9, 9000
        book["Budget"].delete_rows(4, 2)

    # As a program does that keeps the cells and nothing else.
    file = books.repacked(
        books.changed(download(lead, world), offline), lambda part, text: b"" if "custom" in part else text
    )
    theirs = copy.deepcopy(plan)
    theirs["summary"], theirs["budget"][0]["quantity"] = "Hers", "6"
    theirs["budget"][0]["description"] = "Two developers"
    theirs["budget"][2]["description"] = "Time of two"
    theirs["milestones"].append({**PLAN["milestones"][0], "id": "m2", "title": "Half way"})
    workplan.save_draft(world.actor(world.member), now, world.code, theirs, revision)

    answer = upload(lead, world, file)
    page = main(answer.text)
    assert answer.status_code == 200, words(page)
    assert "the plan has changed since" in words(page)
    assert "Removed in the file, but changed on the website since, so kept: “Time of two”." in words(page)
    marked = [words(found) for found in page.select("dd") if "would overwrite a newer text" in words(found)]
    assert marked == ["6 → 5 would overwrite a newer text"]
    assert take(lead, world, answer).status_code == 303
    kept: Any = draft(session, world).draft
    assert (kept["summary"], kept["activities"][0]["owner"], len(kept["milestones"])) == ("Hers", "Luis", 2)
    assert [(row["description"], row["quantity"]) for row in kept["budget"]] == [
        ("Two developers", "5"), ("Phones for tests", "9"), ("Time of two", "1")
    ]  # fmt: skip


def test_the_workbook_of_a_version_is_held_against_what_was_written_since(
    session: Session, world: World, client_for: Clients, now: datetime
) -> None:
    submitted(world, now)
    workplan.request_changes(world.actor(world.officer), now, world.code, 1, {"summary": "More"})
    workplan.save_draft(world.actor(world.member), now, world.code, {**PLAN, "summary": "More of it"}, 1)
    lead = client_for(world.lead)
    file = books.changed(
        download(lead, world, "/versions/1/workbook"), lambda book: book["Activities"].__setitem__("C2", "Luis")
    )
    answer = upload(lead, world, file)
    assert "the plan has changed since" in words(main(answer.text))
    assert take(lead, world, answer).status_code == 303
    kept: Any = draft(session, world).draft
    assert (kept["summary"], kept["activities"][0]["owner"]) == ("More of it", "Luis")


AMOUNTS: list[tuple[Any, Any, Any, str]] = [
    (4, 5000, 21000, "Budget!F2: the amount is 21000, but quantity × unit cost comes to USD 20,000.00"),
    (4, 5000, "21.000,00", "Budget!F2: the amount is 21000, but"),
    (None, 5000, 21000, "Budget!F2: an amount needs its quantity and its unit cost"),
    (4, 5000, "a lot", "Budget!F2: “a lot” is not a number"),
    (3, 33.33, 99.98, "Budget!F2: the amount is 99.98"),
]


@pytest.mark.parametrize(("quantity", "cost", "amount", "said"), AMOUNTS)
def test_an_amount_that_was_typed_is_not_dropped_in_silence(
    world: World, client_for: Clients, now: datetime, quantity: Any, cost: Any, amount: Any, said: str
) -> None:
    write(world, now, PLAN)
    client = client_for(world.lead)

    def change(book: Any) -> None:
        book["Budget"]["D2"], book["Budget"]["E2"], book["Budget"]["F2"] = quantity, cost, amount

    answer = upload(client, world, books.changed(download(client, world), change))
    assert answer.status_code == 422
    assert said in words(main(answer.text).select_one(".error-summary")).replace("\xa0", " ")


@pytest.mark.parametrize("amount", [99.99, "99,99", 99.994999999999, None, "", "=D2*E2"])
def test_an_amount_that_says_the_same_is_taken(world: World, client_for: Clients, now: datetime, amount: Any) -> None:
    write(world, now, PLAN)
    client = client_for(world.lead)

    def change(book: Any) -> None:
        book["Budget"]["D2"], book["Budget"]["E2"], book["Budget"]["F2"] = 3, 33.33, amount

    answer = upload(client, world, books.changed(download(client, world), change))
    assert answer.status_code == 200, words(main(answer.text))


def test_a_row_that_is_referred_to_is_called_by_its_name(world: World, client_for: Clients, now: datetime) -> None:
    plan = copy.deepcopy(PLAN)
    plan["milestones"].append({**PLAN["milestones"][0], "id": "m2", "title": "Half way"})
    write(world, now, plan)
    client = client_for(world.lead)

    def change(book: Any) -> None:
        book["Activities"]["G2"] = "Half way [m2]"
        book["Milestones"].delete_rows(3)

    text = words(main(upload(client, world, books.changed(download(client, world), change)).text))
    assert "Needs known → Half way" in text and "m2" not in text


def test_a_workbook_of_another_award_is_sent_there(world: World, client_for: Clients) -> None:
    theirs = client_for(world.other_lead).get(f"/awards/{world.other_award.code}/workplan/offline/workbook").data
    answer = upload(client_for(world.lead), world, theirs)
    assert answer.status_code == 422 and f"for another award ({world.other_award.code})" in words(main(answer.text))


@pytest.mark.parametrize("plan", ["", "[]", "{", "[" * 5000, '"x"', "null"])
def test_a_page_that_lost_the_plan_changes_nothing(
    session: Session, world: World, client_for: Clients, plan: str
) -> None:
    client = client_for(world.lead)
    answer = client.submit(path(world, "/offline/take"), {"plan": plan, "revision": "0"})
    assert answer.status_code == 422 and "upload the workbook again" in words(main(answer.text))
    assert draft(session, world).draft_revision == 0


def test_only_while_the_team_writes_and_only_the_team(
    session: Session, world: World, client_for: Clients, now: datetime
) -> None:
    officer = client_for(world.officer)
    assert officer.get(path(world, "/offline")).status_code == 403
    assert client_for(world.other_lead).get(path(world, "/offline/workbook")).status_code == 404
    submitted(world, now)
    lead = client_for(world.lead)
    for tail in ("/offline", "/offline/workbook"):
        assert lead.get(path(world, tail)).status_code == 303
    assert upload(lead, world, books.made()).status_code == 303
    assert lead.submit(path(world, "/offline/take"), {"plan": "{}", "revision": "1"}).status_code == 303
    assert draft(session, world).draft == clean_content(PLAN)
    version = copy.deepcopy(download(officer, world, "/versions/1/workbook"))
    assert openpyxl.load_workbook(io.BytesIO(version))["Budget"]["C2"].value == "Developers"
    assert officer.get(path(world, "/versions/2/workbook")).status_code == 404


def test_the_pages_cost_little(app: Flask, world: World, client_for: Clients) -> None:
    client = client_for(world.lead)
    page = client.page(path(world, "/offline"))
    assert isinstance(page.find("input", type="file"), Tag)
    with counted(app) as seen:
        assert upload(client, world, books.made()).status_code == 200
    assert len(seen) <= 20
