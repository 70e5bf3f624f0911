"""What the demonstration's people write. All of it is invented, and says so. Amounts in USD, days relative to the notice."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

INVENTED = "[Invented for the demonstration] "

Lines = list[tuple[str, str, str, str, str]]
# An activity is (title, owner, first day, last day, deliverable), a milestone (title, proof, day).
Activities = list[tuple[str, str, int, int, str]]
Milestones = list[tuple[str, str, int]]


def invented(text: str) -> str:
    """A text of the demonstration, marked as what it is."""
    return f"{INVENTED}{text}"


def plan(notice_on: date, what: str, activities: Activities, milestones: Milestones, lines: Lines) -> dict[str, Any]:
    """A workplan's content as typed; ``lines`` are (category, description, quantity, unit cost, own)."""

    def day(days: int) -> str:
        return (notice_on + timedelta(days=days)).isoformat()

    return {
        "summary": invented(what),
        "activities": [
            {"title": title, "owner": owner, "starts_on": day(first), "ends_on": day(last), "deliverable": deliverable}
            for title, owner, first, last, deliverable in activities
        ],
        "milestones": [{"title": title, "proof": proof, "due_on": day(due)} for title, proof, due in milestones],
        "budget": [
            {"category": category, "description": description, "quantity": quantity, "unit_cost": cost, "own": own}
            for category, description, quantity, cost, own in lines
        ],
    }


# The workplans ---------------------------------------------------------------------------------------------------------

SUMMARY_EC = (
    "A web and mobile platform, made with the firm Cognitiva, on which small firms keep their stock, quality and "
    "supply-chain traceability, so that they can enter formal value chains."
)
ACTIVITIES_EC = [
    ("Interviews with small firms", "Field team", 40, 75, "Report of needs"),
    ("First prototype", "Cognitiva", 70, 150, "Test version online"),
    ("Training of tutors", "Training unit", 120, 200, "24 tutors trained"),
    ("Pilot with 120 firms", "Chamber", 228, 545, "Pilot report"),
]
MILESTONES_EC = [
    ("Needs understood", "Report of needs, with the list of firms visited", 80),
    ("Test version used by ten firms", "Log of use and ten short interviews", 160),
    ("Tutors trained", "Attendance lists", 240),
    ("Half of the pilot’s firms active", "Statistics of the platform", 322),
    ("Two buyers on the platform", "Deliveries that they confirmed there", 420),
]
LINES_EC = [
    ("staff", "Developers, person-months", "4", "3000.00", ""),
    ("equipment", "Telephones for tests", "10", "220.00", ""),
    ("software", "Hosting for eighteen months", "18", "150.00", ""),
    ("training", "Training days for tutors", "12", "450.00", ""),
    ("travel", "Visits to firms", "40", "95.00", ""),
    ("communication", "Guides and videos", "1", "3900.00", ""),
    ("staff", "Our own coordination", "10", "400.00", "1"),
]
CHANGES_EC = {
    "budget": invented("Ten telephones: who keeps them after the tests?"),
    "milestones": invented("“Active” needs a number: active how often?"),
}

SUMMARY_BR = invented(
    "Short digital courses and recognition of skills for informal garment workers, with a path to registration."
)
ACTIVITIES_BR = [
    ("Visits to sewing workshops", "Field team", 40, 80, "Notes of thirty visits"),
    ("First five lessons", "Teachers", 60, 150, "Lessons that run without a connection"),
    ("Recognition of skills", "Training centre", 120, 210, "Test of practice, agreed with two employers"),
    ("Pilot in ten workshops", "Institute", 230, 540, "Pilot report"),
]
MILESTONES_BR = [
    ("Thirty workshops visited", "Notes of the visits", 85),
    ("First lesson tried by twenty workers", "List of who tried it, and what they said", 145),
    ("Test of practice agreed", "Signed by two employers", 215),
]
LINES_BR = [
    ("staff", "Developers, person-months", "3", "3000.00", ""),
    ("services", "Design with users", "1", "2500.00", ""),
    ("training", "Training days", "10", "400.00", ""),
    ("travel", "Visits to workshops", "30", "90.00", ""),
    ("communication", "Guides in Portuguese", "1", "1800.00", ""),
    ("staff", "Our own tutors", "6", "350.00", "1"),
]

ACTIVITIES_VILLAGE = [
    ("Lessons are written", "Masters of the trade", 28, 60, "Twelve lessons for a telephone"),
    ("First lessons are given", "Workshop", 55, 110, "Twenty learners"),
    ("Bookkeeping is taught", "Accountant", 100, 200, "Books of every learner"),
    ("The workshop opens to its street", "Everybody", 120, 290, "Open workshop, twice a week"),
]
MILESTONES_VILLAGE = [
    ("Lessons written", "The lessons, read by two learners", 65),
    ("Workshop open", "Photographs and the list of visitors", 160),
]
LINES_VILLAGE = [
    ("staff", "Master of the trade, months", "5", "1200.00", ""),
    ("training", "Training days", "8", "300.00", ""),
    ("travel", "Travel to villages", "20", "80.00", ""),
    ("staff", "Our own accountant", "5", "150.00", "1"),
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
