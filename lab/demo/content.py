"""What the demonstration's people write. All of it is invented, and says so. Amounts in USD, days relative to the notice."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from io import BytesIO
from typing import Any

INVENTED = "[Invented for the demonstration] "

# References count from 1, and 0 is none: an activity names its milestone, a line its activity.
# A line is (category, description, quantity, unit cost, own, activity).
Lines = list[tuple[str, str, str, str, str, int]]
# An activity is (title, owner, first day, last day, deliverable, milestone), a milestone (stage, title, proof, day).
Activities = list[tuple[str, str, int, int, str, int]]
Milestones = list[tuple[str, str, str, int]]


def invented(text: str) -> str:
    """A text of the demonstration, marked as what it is."""
    return f"{INVENTED}{text}"


def plan(notice_on: date, what: str, activities: Activities, milestones: Milestones, lines: Lines) -> dict[str, Any]:
    """A workplan's content as typed, its days counted from the notice."""

    def day(days: int) -> str:
        return (notice_on + timedelta(days=days)).isoformat()

    def name(letter: str, number: int) -> str:
        return f"{letter}{number}" if number else ""

    return {
        "summary": invented(what),
        "activities": [
            {"id": name("a", n), "title": title, "owner": owner, "starts_on": day(first), "ends_on": day(last),
             "deliverable": deliverable, "milestone": name("m", leads_to)}
            for n, (title, owner, first, last, deliverable, leads_to) in enumerate(activities, start=1)
        ],
        "milestones": [
            {"id": name("m", n), "stage": stage, "title": title, "proof": proof, "due_on": day(due)}
            for n, (stage, title, proof, due) in enumerate(milestones, start=1)
        ],
        "budget": [
            {"id": name("b", n), "category": category, "description": description, "quantity": quantity,
             "unit_cost": cost, "own": own, "activity": name("a", pays_for)}
            for n, (category, description, quantity, cost, own, pays_for) in enumerate(lines, start=1)
        ],
    }  # fmt: skip


# The workplans ---------------------------------------------------------------------------------------------------------

SUMMARY_EC = (
    "A web and mobile platform, made with the firm Cognitiva, on which small firms keep their stock, quality and "
    "supply-chain traceability, so that they can enter formal value chains."
)
ACTIVITIES_EC = [
    ("Interviews with small firms", "Field team", 40, 75, "Report of needs", 1),
    ("First prototype", "Cognitiva", 70, 150, "Test version online", 2),
    ("Training of tutors", "Training unit", 120, 200, "24 tutors trained", 3),
    ("Pilot with 120 firms", "Chamber", 228, 545, "Pilot report", 4),
    ("Buyers are brought in", "Chamber", 300, 425, "Two buyers who order on the platform", 5),
]
MILESTONES_EC = [
    ("prototyping", "Needs understood", "Report of needs, with the list of firms visited", 80),
    ("prototyping", "Test version used by ten firms", "Log of use and ten short interviews", 160),
    ("prototyping", "Tutors trained", "Attendance lists", 240),
    ("pilot", "Half of the pilot’s firms active", "Statistics of the platform", 322),
    ("pilot", "Two buyers on the platform", "Deliveries that they confirmed there", 420),
]
LINES_EC = [
    ("staff", "Developers, person-months", "4", "3000.00", "", 2),
    ("equipment", "Telephones for tests", "10", "220.00", "", 1),
    ("software", "Hosting for eighteen months", "18", "150.00", "", 2),
    ("training", "Training days for tutors", "12", "450.00", "", 3),
    ("travel", "Visits to firms", "40", "95.00", "", 1),
    ("communication", "Guides and videos", "1", "3900.00", "", 4),
    ("staff", "Our own coordination", "10", "400.00", "1", 0),
]
# What the officer asks of the items of a plan, and what the team answers.
CHANGES_EC = {
    "milestones:m4": invented("“Active” needs a number: active how often?"),
    "budget:equipment": invented("Ten telephones: who keeps them after the tests?"),
}
ANSWERS_EC = {
    "milestones:m4": invented("Every week. The milestone says so now."),
    "budget:equipment": invented("The tutors, on loan; they return them with the last report. The line says so now."),
}
CHANGES_DYEING = {
    "activities:a2": invented("Who gives the lessons when the workshop is away at the market?"),
    "milestones:m1": invented("Two readers are few: who else can say that the lessons are understood?"),
    "budget:travel": invented("Twenty journeys to how many villages? Please say it in the line."),
    "whole": invented("A clear plan. With these three points it can be approved."),
}
ANSWERS_DYEING = {
    "activities:a2": invented("Two of the older learners, with the master on the telephone."),
    "milestones:m1": invented("Four learners of two villages. It is a milestone of its own now."),
}

SUMMARY_BR = invented(
    "Short digital courses and recognition of skills for informal garment workers, with a path to registration."
)
ACTIVITIES_BR = [
    ("Visits to sewing workshops", "Field team", 40, 80, "Notes of thirty visits", 1),
    ("First five lessons", "Teachers", 60, 150, "Lessons that run without a connection", 2),
    ("Recognition of skills", "Training centre", 120, 210, "Test of practice, agreed with two employers", 3),
    ("Pilot in ten workshops", "Institute", 230, 540, "Pilot report", 4),
]
MILESTONES_BR = [
    ("prototyping", "Thirty workshops visited", "Notes of the visits", 85),
    ("prototyping", "First lesson tried by twenty workers", "List of who tried it, and what they said", 145),
    ("prototyping", "Test of practice agreed", "Signed by two employers", 215),
    ("pilot", "Skills of sixty workers recognised", "List of the certificates", 430),
]
LINES_BR = [
    ("staff", "Developers, person-months", "3", "3000.00", "", 2),
    ("services", "Design with users", "1", "2500.00", "", 2),
    ("training", "Training days", "10", "400.00", "", 3),
    ("travel", "Visits to workshops", "30", "90.00", "", 1),
    ("communication", "Guides in Portuguese", "1", "1800.00", "", 4),
    ("staff", "Our own tutors", "6", "350.00", "1", 3),
]

ACTIVITIES_VILLAGE = [
    ("Lessons are written", "Masters of the trade", 28, 60, "Twelve lessons for a telephone", 1),
    ("First lessons are given", "Workshop", 55, 110, "Twenty learners", 1),
    ("Bookkeeping is taught", "Accountant", 100, 200, "Books of every learner", 2),
    ("The workshop opens to its street", "Everybody", 120, 290, "Open workshop, twice a week", 2),
]
MILESTONES_VILLAGE = [
    ("prototyping", "Lessons written", "The lessons, read by two learners", 65),
    ("pilot", "Workshop open", "Photographs and the list of visitors", 160),
]
LINES_VILLAGE = [
    ("staff", "Master of the trade, months", "5", "1200.00", "", 2),
    ("training", "Training days", "8", "300.00", "", 3),
    ("travel", "Travel to villages", "20", "80.00", "", 1),
    ("staff", "Our own accountant", "5", "150.00", "1", 3),
]

# Due diligence, as the officer noted it --------------------------------------------------------------------------------

CHECKS = {
    "legal_registration": invented("Certificate of the registry, seen in the original."),
    "non_profit": invented("Statutes, article 2: no distribution of profits."),
    "two_years": invented("Registration certificate."),
    "references": invented("Two references called; both would work with the organisation again."),
    "no_suspicion": invented("Searched in the programme’s lists: nothing found."),
}
CHECKS_VILLAGE = {key: CHECKS[key] for key in ("legal_registration", "two_years", "references")}

ASKED_OF_CLAUSE = invented(
    "We are a small workshop: line by line every three months is hard. Could the list of receipts be enough?"
)
WORDING_PROPOSED = (
    "Asociación Madera Nueva (invented) sends the list of its receipts with every report. What is not spent is returned. "
    "Receipts are kept for two years after the pilot."
)
ANSWER_ON_CLAUSE = invented(
    "Line by line it must be, but the list of receipts can be its annex. Please see the new wording."
)
WORDING_AGREED = (
    "Asociación Madera Nueva (invented) reports spending line by line with every report; the list of its receipts is enough as "
    "an annex. What is not spent is returned. Receipts are kept for two years after the pilot."
)
AGREED_ON_CLAUSE = invented("With the annex we can do it. Thank you.")
RENEWED = invented("New certificate of the registry; the first one had run out.")
TAKEN_BACK = invented("The lead asked for a place where disputes are talked over.")
WORDING_DISPUTES = (
    "The parties settle any dispute by talking to each other in Bogotá, in good faith, within sixty days."
)

# The lab ---------------------------------------------------------------------------------------------------------------

CAMP_NOTE = invented("Two days of work; what was agreed is in the document.")
CAMP_FILES_EC = (
    {"actions-agreed.txt": f"{INVENTED}\nActions agreed: 1. Visit ten firms. 2. Stock first. 3. Explain registration.\n"},
    {"tests-with-firms.csv": f"{INVENTED}\nfirm,minutes to enter ten goods,stopped at\nA,6,\nB,11,tax number\nC,9,\n"},
    {"action-plan-draft.txt": f"{INVENTED}\nMonth 1 to 3: forty firms. Month 4 to 8: buyers. Month 9 to 12: two cities.\n"},
)  # fmt: skip
VERSIONS_EC = (
    invented("Version 1: a stock page for a telephone."),
    invented("Version 2: goods are entered by photograph, and the page works for an hour without a connection."),
    invented("Version 3: a buyer reads what the firm delivers, and confirms it."),
)
# What the mentor asked: (topic, question), and what the team answered.
TALK_EC = (
    (("Entering goods", invented("The stock page is clear on a telephone. How does a firm without a barcode reader enter goods?")),
     invented("By photograph: version 2 will read the label. We have added it to the plan.")),
    (("Registration", invented("Please try it with somebody who has never used a form online, and write down where they stop.")),
     invented("Done with six owners in Durán; four stopped at the tax number. We now explain it in a sentence.")),
    (("Who reads it", invented("Traceability needs the buyer’s side as well: who sees what the firm enters, and who does not?")),
     invented("Only buyers whom the firm has named. We add a page where the firm sees whom it named.")),
    (("Confirming a delivery", invented("I pressed “confirm” twice, and the delivery was counted twice. Can you look into it?")), ""),
)  # fmt: skip
VERSION_BR = invented("Versão 1: a primeira lição, que funciona sem conexão.")
TALK_BR = ("Length", invented("The first lesson takes nine minutes on my telephone. Can it be cut in three?"))

# Reports: the sections in the order of the real call's ------------------------------------------------------------------

SECTIONS = ("progress", "results", "difficulties", "next_steps", "prototype", "action_plan")


def told(*texts: str) -> dict[str, str]:
    """A report's sections as written, from the first on."""
    return {key: invented(text) for key, text in zip(SECTIONS, texts, strict=False)}


FIRST_REPORT_EC = told(
    "Interviews with 31 firms in Guayaquil and Durán; a first version of the stock page.",
    "Nine firms use the stock page every day.",
    "Connections fail in the afternoon: the page now works without one for an hour.",
    "Traceability of deliveries, and a first buyer.",
)
FILES_EC = {
    "firms-visited.csv": f"{INVENTED}\nfirm,city,visited on a weekday\nA,Guayaquil,yes\nB,Durán,yes\nC,Durán,no\n"
}
PROTOTYPE_REPORT_EC = told(
    "Three boot camps, two versions, tests with fourteen firms.",
    "Twelve of fourteen firms want to go on.",
    "Registration for tax stopped four owners; it is explained in one sentence now.",
    "A pilot with 120 firms.",
    "A web and mobile platform for stock, quality and traceability. Owners found every page but one without help.",
    "Month 1 to 3: forty firms. Month 4 to 8: buyers join. Month 9 to 12: chambers in two more cities take it over.",
)
DRAFT_REPORT_EC = told(
    "Seventy-one firms use the platform every week; 142 owners trained.", "Twenty-one firms registered for tax."
)


def told_in_village(progress: str, results: str, *prototype: str) -> dict[str, str]:
    """A report of the second call, which has two sections, and the two of a prototype when they are given."""
    texts = {"progress": progress, "results": results} | dict(zip(SECTIONS[4:], prototype, strict=False))
    return {key: invented(text) for key, text in texts.items()}


PROTOTYPE_REPORT_VILLAGE = told_in_village(
    "Twelve lessons written, four given.", "Eleven neighbours came to all four.",
    "Lessons of five minutes, seen on a telephone and done at the wheel.",
    "Twenty learners by the third month; the workshop opens to its street in the fourth.",
)  # fmt: skip
PROGRESS_REPORT_VILLAGE = told_in_village("Twenty-six learners, nine of them under 25.", "Six keep books of their own.")
FINAL_REPORT_VILLAGE = told_in_village(
    "Thirty-four learners; the workshop is open twice a week.", "Twelve sell what they make, with books that they keep."
)

# The pilot -------------------------------------------------------------------------------------------------------------

# Indicators: name, unit, baseline, target, a value a month, and whether they count people or firms that can be split.
INDICATORS_EC: list[tuple[str, str, str, str, tuple[int, ...], bool]] = [
    ("Firms that use the platform every week", "firms", "0", "120", (14, 33, 52, 71), True),
    ("Owners trained in stock keeping", "people", "0", "200", (40, 75, 110, 142), True),
    ("Firms registered for tax since they joined", "firms", "3", "60", (5, 9, 16, 21), True),
    ("Time to fulfil an order", "hours", "72", "24", (70, 61, 50, 46), False),
]
COUNTED = invented("Counted in the platform’s log.")
LEARNERS: tuple[str, str, str, str, tuple[int, int, int]] = (
    "Learners who finished all lessons", "people", "0", "30", (11, 26, 34),
)  # fmt: skip
AMENDMENT_EC = invented(
    "Tutors need four more days than planned; the guides cost less, as the firms film them themselves."
)
LONGER_EC = invented("Two large buyers join in spring: with two months more their first orders can be counted.")
LONGER_BR = invented("The machines came late to the workshops.")
REFUSED_BR = invented("The courses can begin with half of the machines: let us speak again after the second month.")
DECISION = (
    "Go on with the pilot; buyers by month six",
    invented("The committee read the first three months. It asks for two buyers on the platform by the sixth."),
)
LESSON_EC = (
    "Start with the buyer",
    invented("Firms entered their goods once a buyer asked for them; before that, training alone moved little."),
)
LESSON_VILLAGE = (
    "A telephone is shared",
    invented(
        "Two learners in three share a telephone at home: a lesson has to be short, and to begin where it was left."
    ),
)


def split(value: int) -> Mapping[str, Mapping[str, str]]:
    """A value by sex, age and the groups that the guide names, as typed; groups overlap."""
    women, young = value * 58 // 100, value * 31 // 100
    groups = {"women": women, "youth": young, "migrants": value * 12 // 100, "persons_with_disabilities": value * 3 // 100,
              "indigenous_peoples": value * 4 // 100}  # fmt: skip
    ages = {"under_25": young, "from_25": value * 57 // 100}
    return {
        "sex": {"women": str(women), "men": str(value - women)},
        "age": {key: str(number) for key, number in (ages | {"from_55": value - sum(ages.values())}).items()},
        "group": {key: str(number) for key, number in groups.items()},
    }


def scan(name: str, text_hash: str) -> bytes:
    """A picture of the last page of a signed paper, as a PNG: lines for text, and a name written by hand."""
    # Late: only loading the demonstration draws one.
    from PIL import Image, ImageDraw

    page = Image.new("L", (620, 877), 250)
    draw = ImageDraw.Draw(page)
    for n in range(22):
        draw.line((70, 90 + 24 * n, 550 - 37 * (n * 7 % 5), 90 + 24 * n), fill=170, width=5)
    draw.text((330, 655), name, fill=60, font_size=26)
    draw.line((320, 700, 550, 694), fill=60, width=2)
    draw.text((70, 660), "[Invented for the demonstration]", fill=90, font_size=13)
    draw.text((70, 820), f"SHA-256 {text_hash}", fill=90, font_size=11)
    buffer = BytesIO()
    page.save(buffer, "PNG")
    return buffer.getvalue()
