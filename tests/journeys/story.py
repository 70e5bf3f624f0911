"""What the people of a journey do, each in a browser of their own and through pages alone. The clock moves between."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from playwright.sync_api import Page, expect

from lab import clock
from tests.factories import CALL_FILE
from tests.journeys.conftest import PASSWORD, Site, Visitor

GENEVA = ZoneInfo("Europe/Zurich")
ADMIN, OFFICER, FINANCE, COMMITTEE = "adam@ilo.example", "olivia@ilo.example", "fatou@ilo.example", "carla@ilo.example"
LEAD, MEMBER, MENTOR = "lucia@camara.example", "mateo@camara.example", "maya@expert.example"
NAMES = {
    ADMIN: "Adam Admin", OFFICER: "Olivia Officer", FINANCE: "Fatou Finance", COMMITTEE: "Carla Committee",
    LEAD: "Lucía Lead", MEMBER: "Mateo Member", MENTOR: "Maya Mentor",
}  # fmt: skip
# Teams are often on a phone (domain: Who).
PHONES = {LEAD, MEMBER}
NOTICE = date(2021, 11, 8)
ORGANISATION = "Cámara de Industrias de Guayaquil"
PROJECT = "Encadenamientos productivos digitales"
ACTIVITY = {"title": "Interviews with firms", "owner": "Field team", "deliverable": "Report of needs"}
LINES = (
    ("Developers, person-months", "staff", "4", "5000.00", False),
    ("Telephones for tests", "equipment", "10", "1000.00", False),
    ("Our own coordination", "staff", "10", "250.00", True),
)


class Story:
    """One site, its people, and where the clock stands."""

    def __init__(self, site: Site, visit: Callable[..., Visitor]) -> None:
        self.site, self.visit = site, visit
        self.people: dict[str, Visitor] = {}
        self.code = "e-formalisation-2021-1"
        self.on(NOTICE)

    # The clock --------------------------------------------------------------------------------------------------

    def on(self, day: date, time: str = "12:00:00") -> None:
        """Move the clock to ``day`` at ``time`` in Geneva."""
        hour, minute, second = map(int, time.split(":"))
        clock.move(datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=GENEVA).isoformat())
        self.today = day

    def later(self, days: int) -> None:
        """Move the clock some days on, to noon in Geneva."""
        self.on(self.today + timedelta(days=days))

    # People -----------------------------------------------------------------------------------------------------

    def page(self, email: str, path: str = "") -> Page:
        """The person opens a page of the award, or ``path`` from the root when it begins with a slash."""
        return self.people[email].go(path if path.startswith("/") else f"/awards/{self.code}/{path}".rstrip("/"))

    def press(self, email: str, name: str | re.Pattern[str]) -> None:
        """The person presses a button on the page that they are at."""
        self.people[email].press(name)

    def sees(self, email: str, text: str | re.Pattern[str]) -> None:
        """The person's page says ``text``."""
        self.people[email].sees(text)

    def next_step(self, email: str, text: str | re.Pattern[str]) -> None:
        """The award's overview tells the person this as the next step."""
        page = self.page(email)
        expect(page.locator(".next-step")).to_contain_text(text)

    def arrive(self, email: str) -> None:
        """Somebody follows the link in their invitation, chooses a password, and is in."""
        visitor = self.visit(width=360 if email in PHONES else 1280)
        page = visitor.go(self.site.link_in_mail(email, r"/invitation/[\w-]+"))
        expect(page.get_by_role("heading", level=1)).to_contain_text(NAMES[email])
        page.get_by_label("Choose a password").fill(PASSWORD)
        page.get_by_label("The same password again").fill(PASSWORD)
        visitor.press("Enter")
        expect(page).not_to_have_url(re.compile("/invitation"))
        self.people[email] = visitor

    def found(self) -> None:
        """The operator loads the call and names the first administrator, who invites the programme's people."""
        run = self.site.app.test_cli_runner()
        for args in (["call", "load", str(CALL_FILE)], ["person", "admin", NAMES[ADMIN], ADMIN]):
            answer = run.invoke(args=args)
            assert answer.exit_code == 0, answer.output
        self.arrive(ADMIN)
        staff = (
            (OFFICER, "officer"),
            (FINANCE, "finance"),
            (COMMITTEE, "committee|e-formalisation-2021"),
        )
        for email, role in staff:
            page = self.page(ADMIN, "/people/invite")
            page.get_by_label("Name").fill(NAMES[email])
            page.get_by_label("Email").fill(email)
            page.get_by_label("Role").select_option(role)
            self.press(ADMIN, "Send the invitation")
            self.arrive(email)

    # 1 The award ------------------------------------------------------------------------------------------------

    def record_award(self) -> None:
        """The officer records it; lead and mentor get their mails and come in; the lead invites a member."""
        page = self.page(OFFICER, "/awards/new")
        page.get_by_label("Call and prize").select_option("e-formalisation-2021|first")
        for label, text in {
            "Project title": PROJECT, "Notice of award given on": NOTICE.isoformat(), "Currency it is paid in": "USD",
            "Legal name": ORGANISATION, "Registered on": "1936-05-04", "Team lead’s name": NAMES[LEAD],
            "Team lead’s e-mail": LEAD, "Mentor 1: name": NAMES[MENTOR], "Mentor 1: e-mail": MENTOR,
        }.items():  # fmt: skip
            page.get_by_label(label).fill(text)
        page.get_by_label("Language of the award").select_option("es")
        page.get_by_label("Kind of organisation").select_option("employers")
        page.get_by_label("Country").select_option("EC")
        self.press(OFFICER, "Record the award")
        self.sees(OFFICER, "Award recorded")
        expect(page).to_have_url(re.compile(f"/awards/{self.code}$"))
        self.arrive(LEAD)
        self.arrive(MENTOR)
        page = self.page(LEAD)
        page.get_by_text("Invite somebody").click()
        page.get_by_label("Name", exact=True).fill(NAMES[MEMBER])
        page.get_by_label("E-mail", exact=True).fill(MEMBER)
        self.press(LEAD, "Send the invitation")
        self.arrive(MEMBER)

    # 2 The gate -------------------------------------------------------------------------------------------------

    def write_plan(self, email: str, *, cents_off: str = "") -> Page:
        """The team writes the whole plan; the page counts along, and says when the budget adds up."""
        page = self.page(email, "workplan/edit")
        page.fill("[name=summary]", "Small firms see their stock and supply chain on a telephone.")
        for name, text in ACTIVITY.items():
            page.fill(f"[name=activities-0-{name}]", text)
        page.fill("[name=activities-0-starts_on]", (NOTICE + timedelta(days=30)).isoformat())
        page.fill("[name=activities-0-ends_on]", (NOTICE + timedelta(days=60)).isoformat())
        page.fill("[name=milestones-0-title]", "Needs understood")
        page.fill("[name=milestones-0-proof]", "Report of needs, with the list of firms visited")
        page.fill("[name=milestones-0-due_on]", (NOTICE + timedelta(days=90)).isoformat())
        page.select_option("[name=milestones-0-stage]", "prototyping")
        # The milestone can be chosen as soon as it has a title.
        page.select_option("[name=activities-0-milestone]", label="Needs understood")
        for n, (what, category, quantity, cost, own) in enumerate(LINES):
            if n:
                page.get_by_role("button", name="Add a line").click()
            place = f"[name=budget-{n}-"
            page.fill(f"{place}description]", what)
            page.select_option(f"{place}category]", category)
            page.fill(f"{place}quantity]", quantity)
            page.fill(f"{place}unit_cost]", cents_off if cents_off and n == 1 else cost)
            page.set_checked(f"{place}own]", own)
        return page

    def check_plan(self, email: str) -> None:
        """To the page that shows what is missing, and holds the button to submit."""
        if not self.people[email].page.url.endswith("/workplan/edit"):
            self.page(email, "workplan/edit")
        self.press(email, "Check and submit")

    def submit_plan(self, version: int) -> None:
        """The lead hands it in."""
        self.check_plan(LEAD)
        self.press(LEAD, "Submit to the ILO")
        self.sees(LEAD, f"Version {version} is submitted")

    def comment(self, place: str, text: str) -> None:
        """The officer, at the review, opens the box of an item ("Activities", the activity's name, …) and writes a comment."""
        page = self.people[OFFICER].page
        box = page.locator("details").filter(
            has=page.get_by_text(re.compile(f"^Comment on (this|the section|the plan): {re.escape(place)}$"))
        )
        box.locator("summary").click()
        box.get_by_role("textbox").fill(text)

    def ask_for_changes(self, **comments: str) -> None:
        """The officer asks for changes, section by section."""
        self.page(OFFICER, "workplan/review")
        for section, text in comments.items():
            self.comment(section.capitalize(), text)
        self.press(OFFICER, "Ask for changes")
        self.sees(OFFICER, "Changes asked for")

    def approve_plan(self) -> None:
        """The officer approves."""
        self.page(OFFICER, "workplan/review")
        self.press(OFFICER, "Approve")
        self.sees(OFFICER, "The workplan and budget are approved")

    def pass_gate(self) -> None:
        """The gate without detours."""
        self.write_plan(LEAD)
        self.submit_plan(1)
        self.approve_plan()

    # 3 The agreement --------------------------------------------------------------------------------------------

    def clear_due_diligence(self) -> None:
        """The officer clears every item with what shows it, and with a document where the call asks for one."""
        for key in ("legal_registration", "non_profit"):
            self.add_document(OFFICER, key)
        self.clear_the_rest()

    def clear_the_rest(self) -> None:
        """The officer clears every item that is open and needs no document that is not there."""
        page = self.page(OFFICER, "agreement")
        buttons = page.get_by_role("button", name="Clear this item")
        while buttons.count():
            page.get_by_label("What shows it").first.fill("Seen in the original, and kept in the file.")
            self.press(OFFICER, "Clear this item")

    def add_document(self, email: str, key: str) -> None:
        """Somebody adds a document to an item of due diligence."""
        page = self.page(email, "agreement")
        item = page.locator(f"#item-{key}")
        if not item.locator("input[type=file]").is_visible():
            item.get_by_text("Add a document").click()
        item.locator("input[type=file]").set_input_files(
            [{"name": f"{key}.txt", "mimeType": "text/plain", "buffer": b"A certificate of the registry."}]
        )
        item.get_by_role("button", name="Upload the file").click()
        expect(page.locator(f"#item-{key} .files").last).to_contain_text(f"{key}.txt")

    def clear_until(self, key: str, words: str, days: int) -> None:
        """The officer clears an item whose document is valid for that many days more."""
        item = self.page(OFFICER, "agreement").locator(f"#item-{key}")
        item.get_by_label("What shows it").fill(words)
        item.get_by_label("The document is valid until").fill((self.today + timedelta(days=days)).isoformat())
        item.get_by_role("button", name="Clear this item").click()
        self.sees(OFFICER, "The item is clear")

    def open_agreement(self) -> None:
        """The officer opens it for signature, which freezes the text."""
        self.page(OFFICER, "agreement")
        self.press(OFFICER, "Open for signature")
        self.sees(OFFICER, "can no longer change")

    def sign(self, email: str) -> None:
        """One side signs with their full name."""
        page = self.page(email, "agreement")
        page.get_by_label("Your full name").fill(NAMES[email])
        self.press(email, "Sign the agreement")

    def agree(self) -> None:
        """Everything between the gate and the lab."""
        self.clear_due_diligence()
        self.open_agreement()
        self.sign(LEAD)
        self.sign(OFFICER)

    # 4 Money ----------------------------------------------------------------------------------------------------

    def enter_account(self) -> None:
        """The lead enters the organisation's account; finance verifies it."""
        page = self.page(LEAD, "payments")
        page.get_by_label("Account holder").fill(ORGANISATION)
        page.get_by_label("Bank", exact=True).fill("Banco de Prueba")
        page.get_by_label("Account number or IBAN").fill("EC0123456789012")
        self.press(LEAD, "Keep this account")
        self.page(FINANCE, "payments")
        self.press(FINANCE, "Verify this account")

    def pay(self) -> None:
        """Officer proposes, finance authorises and records what the bank did, the lead confirms."""
        self.page(OFFICER, "payments")
        self.press(OFFICER, "Propose this payment")
        page = self.page(FINANCE, "payments")
        self.press(FINANCE, "Authorise this payment")
        page.fill("[name=reference]", "ILO-2022-0042")
        page.fill("[name=value_on]", self.today.isoformat())
        page.fill("[name=rate]", "1")
        page.fill("[name=local_amount]", "30000.00")
        self.press(FINANCE, "Record the transfer")
        self.page(LEAD, "payments")
        self.press(LEAD, "Confirm: the money has arrived")

    def give_back(self, amount: str) -> None:
        """Finance records money that came back."""
        page = self.page(FINANCE, "payments")
        page.get_by_text("Record money that came back").click()
        page.fill("[name=amount]", amount)
        page.locator("details[open] [name=reference]").fill("RET-2022-7")
        page.locator("details[open] [name=value_on]").fill(self.today.isoformat())
        self.press(FINANCE, "Record the return")

    # 5 The lab --------------------------------------------------------------------------------------------------

    def hold_boot_camp(self, who: str, place: int, note: str) -> None:
        """The officer or the mentor records a boot camp: both of the team were there."""
        page = self.page(who, "lab")
        page.locator(".camp").nth(place).get_by_role("link", name=re.compile("Record")).click()
        page.get_by_label("Held on").fill(self.today.isoformat())
        for name in (NAMES[LEAD], NAMES[MEMBER]):
            page.get_by_label(name).check()
        page.get_by_label("Note").fill(note)
        self.press(who, "Keep the record")
        self.sees(who, note)

    def publish(self, text: str, file: tuple[str, bytes] | None = None) -> None:
        """The member publishes the next version of the prototype, with a file."""
        page = self.page(MEMBER, "lab/versions/new")
        page.get_by_label("What this version can do").fill(text)
        page.get_by_label("Address of the test version").fill("https://test.example.org/stock")
        if file is not None:
            page.get_by_label("Add a file").set_input_files(
                [{"name": file[0], "mimeType": "application/octet-stream", "buffer": file[1]}]
            )
            self.press(MEMBER, "Upload the file")
            expect(page.get_by_role("checkbox", name=re.compile(re.escape(file[0])))).to_be_checked()
        self.press(MEMBER, re.compile("Publish version"))
        self.sees(MEMBER, text)

    # 6 The pilot ------------------------------------------------------------------------------------------------

    def define_indicator(self, name: str, unit: str, baseline: str, target: str) -> None:
        """The lead says what the pilot is measured by."""
        page = self.page(LEAD, "pilot")
        for label, text in {"What is measured": name, "Unit": unit, "Baseline": baseline, "Target": target}.items():
            page.get_by_label(re.compile(label)).first.fill(text)
        self.press(LEAD, "Define the indicator")
        self.sees(LEAD, name)

    def enter_value(self, name: str, total: str, women: str) -> None:
        """The member enters what was measured today, with its split."""
        page = self.page(MEMBER, "pilot")
        page.get_by_role("link", name=name).click()
        page.fill("[name=on]", self.today.isoformat())
        page.fill("[name=total]", total)
        page.fill("[name=sex-women]", women)
        self.press(MEMBER, "Enter the value")
        self.sees(MEMBER, "The value is entered")

    def decide(self, title: str, body: str) -> None:
        """The steering committee records a decision."""
        page = self.page(COMMITTEE, "pilot")
        page.get_by_label("Decision in one line").fill(title)
        page.get_by_label("Decision and reasons").fill(body)
        self.press(COMMITTEE, "Record the decision")
        self.sees(COMMITTEE, title)

    # 7 Closing --------------------------------------------------------------------------------------------------

    def tick_closing(self) -> None:
        """The officer ticks every item of the closing checklist with what shows it."""
        page = self.page(OFFICER, "closing")
        while page.get_by_role("button", name="Tick: it is in order").count():
            page.get_by_label("What shows it").first.fill("Seen, and kept in the file.")
            self.press(OFFICER, "Tick: it is in order")

    def write_lesson(self, title: str, body: str) -> None:
        """The lead writes down what was learned."""
        page = self.page(LEAD, "closing")
        page.get_by_label("Lesson in one line").fill(title)
        page.get_by_label("What happened, and what others should do").fill(body)
        self.press(LEAD, "Keep the lesson")
        self.sees(LEAD, title)

    # Reports ----------------------------------------------------------------------------------------------------

    def write_report(self, kind: str, number: int, spending: tuple[str, ...] = ()) -> Page:
        """The member writes a report: every section, and what was spent on each line in order."""
        page = self.page(MEMBER, f"reports/{kind}/{number}")
        if page.get_by_role("button", name="Begin the report").count():
            self.press(MEMBER, "Begin the report")
        else:
            page = self.page(MEMBER, f"reports/{kind}/{number}/edit")
        for area in page.locator("textarea[name^=section-]").all():
            area.fill("What was done, and what came of it.")
        for field, amount in zip(page.locator("input[name^=spending-]").all(), spending, strict=False):
            field.fill(amount)
        return page

    def submit_report(self, kind: str, number: int, version: int = 1) -> None:
        """The member checks it, the lead hands it in."""
        self.press(MEMBER, "Check and submit")
        self.page(LEAD, f"reports/{kind}/{number}/check")
        self.press(LEAD, "Submit to the ILO")
        self.sees(LEAD, f"Version {version}")

    def accept_report(self, kind: str, number: int) -> None:
        """The officer accepts the newest version."""
        self.page(OFFICER, f"reports/{kind}/{number}/review")
        self.press(OFFICER, re.compile("^Accept"))
        self.sees(OFFICER, "Accepted")
