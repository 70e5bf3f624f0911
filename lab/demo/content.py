"""What the demonstration's people write. All of it is invented, and says so. Amounts in USD, days relative to the notice."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from dateutil.relativedelta import relativedelta

INVENTED = "[Invented for the demonstration] "


def plan(notice_on: date, lines: list[tuple[str, str, str, str, str]], what: str) -> dict[str, Any]:
    """A workplan's content as typed; ``lines`` are (category, description, quantity, unit cost, own)."""

    def day(days: int = 0, months: int = 0) -> str:
        return (notice_on + timedelta(days=days) + relativedelta(months=months)).isoformat()

    return {
        "summary": f"{INVENTED}{what}",
        "activities": [
            {"title": "Interviews with small firms", "owner": "Field team", "starts_on": day(40), "ends_on": day(75), "deliverable": "Report of needs"},
            {"title": "First prototype", "owner": "Technical partner", "starts_on": day(70), "ends_on": day(150), "deliverable": "Test version online"},
            {"title": "Training of tutors", "owner": "Training unit", "starts_on": day(120), "ends_on": day(200), "deliverable": "24 tutors trained"},
            {"title": "Pilot with firms", "owner": "Lead organisation", "starts_on": day(220), "ends_on": day(months=18), "deliverable": "Pilot report"},
        ],
        "milestones": [
            {"title": "Needs understood", "proof": "Report of needs, with the list of firms visited", "due_on": day(80)},
            {"title": "Test version used by ten firms", "proof": "Log of use and ten short interviews", "due_on": day(160)},
            {"title": "Tutors trained", "proof": "Attendance lists", "due_on": day(205)},
            {"title": "Half of the pilot's firms active", "proof": "Dashboard of the platform", "due_on": day(months=14)},
        ],
        "budget": [
            {"category": category, "description": label, "quantity": quantity, "unit_cost": cost, "own": own}
            for category, label, quantity, cost, own in lines
        ],
    }  # fmt: skip


LINES_30000 = [
    ("staff", "Developers, person-months", "4", "3000.00", ""),
    ("equipment", "Telephones for tests", "10", "220.00", ""),
    ("software", "Hosting for eighteen months", "18", "150.00", ""),
    ("training", "Training days for tutors", "12", "450.00", ""),
    ("travel", "Visits to firms", "40", "95.00", ""),
    ("communication", "Guides and videos", "1", "3900.00", ""),
    ("staff", "Our own coordination", "10", "400.00", "1"),
]
LINES_20000 = [
    ("staff", "Developers, person-months", "3", "3000.00", ""),
    ("services", "Design with users", "1", "2500.00", ""),
    ("training", "Training days", "10", "400.00", ""),
    ("travel", "Visits to workshops", "30", "90.00", ""),
    ("communication", "Guides in Portuguese", "1", "1800.00", ""),
    ("staff", "Our own tutors", "6", "350.00", "1"),
]
LINES_10000 = [
    ("staff", "Facilitator, months", "5", "1200.00", ""),
    ("training", "Training days", "8", "300.00", ""),
    ("travel", "Travel to villages", "20", "80.00", ""),
    ("staff", "Our own accountant", "5", "150.00", "1"),
]
SUMMARY_EC = "A web and mobile platform on which small firms keep their stock, quality and supply-chain traceability, so that they can enter formal value chains."
SUMMARY_BR = "Short digital courses and recognition of skills for informal garment workers, with a path to registration."

FEEDBACK = [
    ("The stock page is clear on a telephone. How does a firm without a barcode reader enter goods?", "By photograph: version 2 will read the label. We have added it to the plan."),
    ("Please try the registration with somebody who has never used a form online, and write down where they stop.", "Done with six owners in Durán; four stopped at the tax number. We now explain it in a sentence."),
    ("Traceability needs the buyer's side as well: who reads what the firm enters?", ""),
]  # fmt: skip
INDICATORS_EC = [
    ("Firms that use the platform every week", "firms", "0", "120", (14, 33, 52, 71), True),
    ("Owners trained in stock keeping", "people", "0", "200", (40, 75, 110, 142), True),
    ("Firms registered for tax since they joined", "firms", "3", "60", (5, 11, 19, 24), True),
    ("Time to fulfil an order", "hours", "72", "24", (70, 61, 50, 46), False),
]
LESSONS = [
    ("Start with the buyer", "Firms entered their goods once a buyer asked for them; before that, training alone moved little."),
    ("A telephone is shared", "Two owners in three share a telephone at home: sign-in had to be quick and forgetful."),
]
