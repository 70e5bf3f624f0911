"""The invented second call: an award in each of the places where an award can be besides."""

from __future__ import annotations

from datetime import date
from typing import Any

from lab.demo import content
from lab.demo.play import Play, Story
from lab.demo.team import Team
from lab.extensions import db
from lab.queries.disbursement import tranches_of
from lab.rules.calendar import add_months
from lab.services import agreement, award, clauses, closing, diligence, disbursement, lab, pilot, workplan

CALL = "demo-village-workshops"


def call_data(play: Play, data: dict[str, Any]) -> dict[str, Any]:
    """The call's file with its dates moved so that it closed fourteen months ago."""
    moved = play.ago(425) - data["closes_on"]
    dates = ("launched_on", "closes_on", "announced_on", "lab_from", "pilots_end_on")
    return data | {name: data[name] + moved for name in dates}


def _begin(team: Team, prize: str, trade: str, organisation: str, country: str, currency: str, zone: str) -> Story:
    """The award is recorded, and its lead arrives."""
    now = yield team.at(0, 11)
    team.record(
        now, CALL, prize, f"{trade} (invented)", content.invented(f"A workshop that teaches {trade.lower()} and its books."),
        (f"{organisation} (invented)", "cooperative", country), date(2012, 7, 9), currency, "en", f"Lead of {trade}",
    )  # fmt: skip
    now = yield team.at(1, 16)
    team.play.arrive(now, team.lead, "en", zone, known=False)


def _plan(team: Team) -> dict[str, Any]:
    return content.plan(
        team.notice_on, "Lessons on a telephone, and a workshop open to its street.", content.ACTIVITIES_VILLAGE,
        content.MILESTONES_VILLAGE, content.LINES_VILLAGE,
    )  # fmt: skip


def _into_lab(team: Team, account: str) -> Story:
    """The gate, the agreement, the account; in force on day 26."""
    yield from team.gate(_plan(team), 12, 16)
    yield from team.cleared_and_opened(content.CHECKS_VILLAGE, 18, 19)
    yield from team.banked(account, 20, 22)
    yield from team.signed(24, 26)


def _open_day(team: Team) -> Story:
    """The boot camp, a month after the agreement came into force."""
    day = add_months(team.on(26), 1)
    now = yield team.play.at(day, 18)
    team.hold_camp(now, "open_day", day, content.invented("Two lessons were given to neighbours."))


def at_the_gate(play: Play) -> Story:
    """Day 12 of 21 and four more, with half of the plan written."""
    team = Team(play, "lead@weaving.example.org", play.ago(12))
    yield from _begin(team, "weaving", "Weaving", "Taller Tejido Vivo", "PE", "PEN", "America/Lima")
    plan = _plan(team)
    plan["milestones"], plan["budget"] = plan["milestones"][:1], plan["budget"][:2]
    now = yield team.at(8)
    reason = content.invented("The roads were closed for a week, and two of the weavers live beyond them.")
    workplan.extend_deadline(team.officer(), now, team.code, 4, reason)
    now = yield team.at(11, 17)
    team.write_plan(now, plan)


def in_review(play: Play) -> Story:
    """The second version of the plan is with the officer, with answers to what was asked of the first."""
    team = Team(play, "lead@dyeing.example.org", play.ago(17))
    yield from _begin(team, "dyeing", "Dyeing", "Cooperativa Añil", "GT", "GTQ", "America/Guatemala")
    plan = _plan(team)
    now = yield team.at(8, 17)
    team.submit_plan(now, plan)
    now = yield team.at(10)
    workplan.request_changes(team.officer(), now, team.code, 1, content.CHANGES_DYEING)
    plan["activities"][1]["owner"] = "Workshop, and two learners"
    # Not the milestone of before, but another: what was said of that one stays readable.
    plan["milestones"][0] |= {
        "id": "m3",
        "title": "Lessons understood",
        "proof": "Notes of four learners of two villages",
    }
    for activity in plan["activities"]:
        activity["milestone"] = activity["milestone"].replace("m1", "m3")
    plan["budget"][2]["description"] = "Travel to five villages"
    now = yield team.at(14, 17)
    team.answer(now, content.ANSWERS_DYEING)
    team.submit_plan(now, plan, 1)


def negotiating(play: Play) -> Story:
    """The agreement is open: the lead has signed, the officer has not; and finance has an account to verify."""
    team = Team(play, "lead@carpentry.example.org", play.ago(30))
    yield from _begin(team, "carpentry", "Carpentry", "Asociación Madera Nueva", "CO", "COP", "America/Bogota")
    yield from team.gate(_plan(team), 15, 19)
    yield from _negotiated(team)
    now = yield team.at(25, 17)
    team.enter_account(now, "DEMO-0000-0004")
    now = yield team.at(28, 16)
    team.sign(now, "organisation")


def _negotiated(team: Team) -> Story:
    """A certificate that ran out and was renewed, and a clause that both sides talked about before it was frozen."""
    clause, officer = "accounts", team.officer
    now = yield team.at(19, 15)
    clauses.draft_agreement(officer(), now, team.code)
    now = yield team.at(20, 11)
    for key, note in content.CHECKS_VILLAGE.items():
        team.check(now, key, note, until=21)
    now = yield team.at(20, 16)
    clauses.discuss_clause(team.leader(), now, team.code, clause, content.ASKED_OF_CLAUSE, content.WORDING_PROPOSED)
    now = yield team.at(22, 10)
    diligence.flag_expired(now)
    clauses.discuss_clause(officer(), now, team.code, clause, content.ANSWER_ON_CLAUSE)
    clauses.change_clause(officer(), now, team.code, clause, content.WORDING_AGREED, 1, ("accounts", "vouchers"))
    now = yield team.at(23, 9)
    clauses.discuss_clause(team.leader(), now, team.code, clause, content.AGREED_ON_CLAUSE, settle_it=True)
    now = yield team.at(23, 11)
    team.check(now, "legal_registration", content.RENEWED)
    now = yield team.at(24, 10)
    agreement.open_agreement(officer(), now, team.code)
    now = yield team.at(24, 15)
    clauses.take_back(officer(), now, team.code, content.TAKEN_BACK)
    now = yield team.at(25)
    clauses.change_clause(officer(), now, team.code, "disputes", content.WORDING_DISPUTES, 1)
    agreement.open_agreement(officer(), now, team.code)


def suspended(play: Play) -> Story:
    """In the lab with its first payment, and suspended."""
    team = Team(play, "lead@repair.example.org", play.ago(70))
    yield from _begin(team, "repair", "Repair", "Matengenezo Cooperative", "KE", "KES", "Africa/Nairobi")
    yield from _into_lab(team, "DEMO-0000-0005")
    yield from team.paid(1, 30, "DEMO-GVA-0003", "129.25")
    yield from _open_day(team)
    now = yield team.at(59)
    reason = content.invented("The premises were flooded; the programme waits for the new address.")
    award.steer(team.officer(), now, team.code, "suspend", reason)


def lapsed(play: Play) -> Story:
    """Nothing came by the deadline, and the officer let it lapse."""
    team = Team(play, "lead@baking.example.org", play.ago(50))
    yield from _begin(team, "baking", "Baking", "Panadería del Altiplano", "BO", "BOB", "America/La_Paz")
    now = yield team.at(26)
    reason = content.invented("No plan came, and the organisation does not answer.")
    workplan.let_lapse(team.officer(), now, team.code, reason)


def closed(play: Play) -> Story:
    """A whole life, closed last month."""
    team = Team(play, "lead@pottery.example.org", play.ago(300))
    yield from _begin(team, "pottery", "Pottery", "Asociación Barro Vivo", "HN", "HNL", "America/Tegucigalpa")
    yield from _into_lab(team, "DEMO-0000-0006")
    yield from team.paid(1, 30, "DEMO-GVA-0002", "24.7015")
    yield from _open_day(team)
    now = yield team.at(63)
    team.reach(now, 1, content.invented("The lessons, with the notes of two learners."))
    now = yield team.at(80, 16)
    lab.publish_prototype(
        team.leader(), now, team.code, content.invented("Version 1: four lessons of five minutes."), "", []
    )
    yield from team.reported("prototype_report", 1, 110, 116, content.PROTOTYPE_REPORT_VILLAGE, ("3000", "1200", "640"))
    yield from _second_payment(team)
    yield from _pottery_pilot(team)
    yield from _pottery_ends(team)


def _second_payment(team: Team) -> Story:
    """The officer attests what no system can know, and the second payment follows."""
    now = yield team.at(117)
    second = tranches_of(db.session(), team.award().id)[1]
    condition = next(item.id for item in second.conditions if item.kind == "attested")
    seen = content.invented("Visited on the day of the second lesson.")
    disbursement.attest(team.officer(), now, team.code, 2, condition, seen)
    yield from team.paid(2, 118, "DEMO-GVA-0004", "24.7015")


def _pottery_pilot(team: Team) -> Story:
    *terms, (first, second, third) = content.LEARNERS
    now = yield team.at(130, 16)
    indicator = pilot.define_indicator(team.leader(), now, team.code, *terms)
    yield from _counted(team, 140, indicator, first)
    now = yield team.at(158)
    team.reach(now, 2, content.invented("Photographs; forty visitors signed the list."))
    yield from _counted(team, 190, indicator, second)
    yield from team.reported("progress_report", 1, 215, 219, content.PROGRESS_REPORT_VILLAGE, ("1500", "600", "320"))
    yield from _counted(team, 245, indicator, third)
    yield from team.reported("final_report", 1, 250, 256, content.FINAL_REPORT_VILLAGE, ("1500", "600", "400"))


def _counted(team: Team, day: int, indicator: int, value: int) -> Story:
    now = yield team.at(day, 17)
    note = content.invented("Counted by the workshop.")
    pilot.enter_value(team.leader(), now, team.code, indicator, team.on(day), str(value), {}, note)


def _pottery_ends(team: Team) -> Story:
    """What was not spent comes back, the list is ticked, a lesson is written, and the award is closed."""
    now = yield team.at(264, 18)
    # The bank received it at its rate of that day.
    disbursement.record_return(
        team.finance(), now, team.code, "240.00", "DEMO-RET-0001", team.on(264), "24.5120", "5882.88"
    )
    now = yield team.at(265)
    team.keep(now, "support_named", content.invented("A photograph of the sign over the door."))
    now = yield team.at(266)
    team.clear(now, {"presentation_held": content.invented("Forty neighbours came; photographs are kept.")}, "closing")
    now = yield team.at(267, 16)
    closing.write_lesson(team.leader(), now, team.code, *content.LESSON_VILLAGE)
    now = yield team.at(269)
    closing.close_award(team.officer(), now, team.code)


STORIES = (closed, suspended, lapsed, negotiating, in_review, at_the_gate)
