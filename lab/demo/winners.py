"""The two winners of the real call of 2021: Ecuador in its pilot's fourth month, Brazil in prototyping. Contents are invented."""

from __future__ import annotations

from datetime import date, datetime

from lab.demo import content
from lab.demo.people import COMMITTEE, LEAD, MEMBER, MENTOR
from lab.demo.play import Play, Story
from lab.demo.team import Team
from lab.extensions import db
from lab.queries.lab import get_camp
from lab.rules.calendar import add_months
from lab.rules.facts import Role
from lab.services import amendment, award, closing, disbursement, lab, pilot, report, workplan

CALL = "e-formalisation-2021"
MAYA = ("Maya Mentor", MENTOR)


def ecuador(play: Play) -> Story:
    """The first prize: from the notice to the fourth month of the pilot."""
    team = Team(play, LEAD, play.ago(328))
    in_force, pilot_from = 45, 228
    yield from _ecuador_begins(team)
    yield from _ecuador_gate(team)
    yield from team.cleared_and_opened(content.CHECKS, 29, 31)
    yield from team.banked("DEMO-0000-0001", 32, 36)
    yield from team.signed(38, in_force)
    yield from team.paid(1, in_force + 3, "DEMO-GVA-0001", "1")
    yield from _ecuador_lab(team, in_force)
    yield from team.reported(
        "prototype_report", 1, pilot_from - 12, pilot_from, content.PROTOTYPE_REPORT_EC, ("3000", "", "450", "1350", "950", "700")
    )  # fmt: skip
    yield from _ecuador_pilot(team, pilot_from)


def _kept(team: Team, day: int) -> Story:
    """Where the ILO's support is named, as the agreement asks."""
    now = yield team.at(day, 16)
    team.keep(now, "support_named", content.invented("On the first page of the platform, and on every printed card."))


def _ecuador_begins(team: Team) -> Story:
    play = team.play
    now = yield team.at(0)
    team.record(
        now, CALL, "first", "Encadenamientos productivos digitales", content.SUMMARY_EC,
        ("Cámara de Industrias de Guayaquil", "employers", "EC"), date(1936, 5, 4), "USD", "es", "Lucía Lead", (MAYA,),
    )  # fmt: skip
    now = yield team.at(1, 15)
    play.arrive(now, LEAD, "en", "America/Guayaquil")
    now = yield team.at(2, 15)
    play.arrive(now, MENTOR, "en", "America/Lima")
    now = yield team.at(2, 16)
    award.invite_member(team.leader(), now, team.code, "Mateo Member", MEMBER, Role.MEMBER)
    now = yield team.at(3, 17)
    play.arrive(now, MEMBER, "en", "America/Guayaquil")


def _ecuador_gate(team: Team) -> Story:
    plan = content.plan(
        team.notice_on, content.SUMMARY_EC, content.ACTIVITIES_EC, content.MILESTONES_EC, content.LINES_EC
    )
    now = yield team.at(14, 16)
    team.submit_plan(now, plan)
    now = yield team.at(18)
    workplan.request_changes(team.officer(), now, team.code, 1, content.CHANGES_EC)
    plan["budget"][1]["description"] = "Telephones for tests, lent to ten tutors who return them"
    plan["milestones"][3]["title"] = "Half of the pilot’s firms active every week"
    now = yield team.at(21, 16)
    team.answer(now, content.ANSWERS_EC)
    team.submit_plan(now, plan, 1)
    now = yield team.at(26)
    workplan.approve(team.officer(), now, team.code, 2)


def _ecuador_lab(team: Team, in_force: int) -> Story:
    """Boot camps in months 1, 3 and 5, two versions with the mentor's comments on them, a progress report."""
    began = team.on(in_force)
    yield from _camp(team, "refine", add_months(began, 1), 0)
    now = yield team.at(in_force + 40)
    team.reach(now, 1, content.invented("Report of needs read; it names 31 firms."))
    yield from _talked_over(team, in_force + 50, 0)
    yield from _kept(team, in_force + 80)
    yield from _camp(team, "build", add_months(began, 3), 1)
    yield from team.reported(
        "progress_report", 1, in_force + 99, in_force + 106, content.FIRST_REPORT_EC,
        ("3000", "2200", "450", "900", "760", ""), content.FILES_EC,
    )  # fmt: skip
    now = yield team.at(in_force + 112)
    team.reach(now, 2, content.invented("Log of use of eleven firms, and ten interviews."))
    yield from _talked_over(team, in_force + 120, 1)
    yield from _camp(team, "plan", add_months(began, 5), 2)


def _camp(team: Team, key: str, day: date, number: int) -> Story:
    """A boot camp held on ``day``, with its document."""
    now = yield team.play.at(day, 18)
    team.hold_camp(now, key, day, content.CAMP_NOTE)
    place = f"boot_camp:{get_camp(db.session(), team.award().id, key).id}"
    team.play.files(now, MENTOR, team.code, place, content.CAMP_FILES_EC[number])


def _publish(team: Team, now: datetime, body: str) -> int:
    """The team publishes a version with a note on what is new. Returns the version's number."""
    note = team.play.files(now, team.lead, team.code, "prototype", {"what-is-new.txt": f"{body}\n"})
    return lab.publish_prototype(team.leader(), now, team.code, body, "https://test.example.org/", note)


def _ask(team: Team, now: datetime, version: int, asked: tuple[str, str]) -> int:
    """The mentor comments on a version: (topic, text). Returns the thread's id."""
    return lab.open_feedback(team.play.who(MENTOR), now, team.code, version, *asked)


def _talked_over(team: Team, day: int, number: int) -> Story:
    """A version, the mentor's comment two days later, the member's answer to it, and that it is resolved."""
    play, (asked, answer) = team.play, content.TALK_EC[number]
    now = yield team.at(day, 16)
    version = _publish(team, now, content.VERSIONS_EC[number])
    now = yield team.at(day + 2, 17)
    thread = _ask(team, now, version, asked)
    now = yield team.at(day + 5, 17)
    lab.reply(play.who(MEMBER), now, team.code, thread, answer)
    now = yield team.at(day + 7, 17)
    lab.resolve(play.who(MENTOR), now, team.code, thread)


def _ecuador_pilot(team: Team, began: int) -> Story:
    play = team.play
    now = yield team.at(began + 1, 16)
    indicators = [
        (pilot.define_indicator(team.leader(), now, team.code, *terms), values, counts)
        for *terms, values, counts in content.INDICATORS_EC
    ]
    now = yield team.at(began + 8)
    team.reach(now, 3, content.invented("Attendance lists of 24 tutors."))
    for month, days in enumerate((10, 40, 70)):
        now = yield team.at(began + days, 18)
        _measure(team, now, indicators, month)
    now = yield play.at(play.ago(20), 17)
    pilot.record_decision(play.who(COMMITTEE), now, team.code, *content.DECISION)
    now = yield play.at(play.ago(16), 16)
    number = team.ask_amendment(now, "budget", content.AMENDMENT_EC, budget=team.budget(b4="500.00", b6="3300.00"))
    now = yield play.at(play.ago(13), 11)
    team.approve_amendment(now, number)
    now = yield play.at(play.ago(9), 16)
    closing.write_lesson(team.leader(), now, team.code, *content.LESSON_EC)
    now = yield play.at(play.ago(7), 16)
    version = _publish(team, now, content.VERSIONS_EC[2])
    (first, answer), (second, _) = content.TALK_EC[2:]
    now = yield play.at(play.ago(5), 17)
    thread = _ask(team, now, version, first)
    _ask(team, now, version, second)
    now = yield play.at(play.ago(3), 18)
    _measure(team, now, indicators, 3)
    now = yield play.at(play.ago(2), 17)
    lab.reply(play.who(MEMBER), now, team.code, thread, answer)
    now = yield play.at(play.ago(1), 15)
    team.ask_amendment(now, "time", content.LONGER_EC, until=(add_months(team.on(began), 14)).isoformat())
    now = yield play.at(play.ago(1), 17)
    member = play.who(MEMBER)
    revision = report.start_report(member, now, team.code, "progress_report", 2)
    draft = {"sections": content.DRAFT_REPORT_EC, "spending": team.spending("3000", "", "450"), "explanations": {}}
    report.save_draft(member, now, team.code, "progress_report", 2, draft, revision)


def _measure(team: Team, now: datetime, indicators: list[tuple[int, tuple[int, ...], bool]], month: int) -> None:
    """The member enters a month's values, on the day of ``now``."""
    for indicator, values, counts in indicators:
        pilot.enter_value(
            team.play.who(MEMBER), now, team.code, indicator, now.date(), str(values[month]),
            content.split(values[month]) if counts else {}, content.COUNTED,
        )  # fmt: skip


def brazil(play: Play) -> Story:
    """The second prize: prototyping in its third month, with a payment that waits for finance."""
    team = Team(play, "lead@costura.example.org", play.ago(117))
    in_force = 42
    now = yield team.at(0)
    team.record(
        now, CALL, "second", "Costura formal: cursos curtos e reconhecimento de competências", content.SUMMARY_BR,
        ("Instituto Costura Digital (organização inventada)", "ngo", "BR"), date(2009, 3, 16), "BRL", "pt", "Bianca Líder",
        (MAYA,),
    )  # fmt: skip
    now = yield team.at(1, 15)
    play.arrive(now, team.lead, "pt", "America/Sao_Paulo", known=False)
    plan = content.plan(
        team.notice_on, content.SUMMARY_BR.removeprefix(content.INVENTED), content.ACTIVITIES_BR, content.MILESTONES_BR,
        content.LINES_BR,
    )  # fmt: skip
    yield from team.gate(plan, 16, 22)
    yield from team.cleared_and_opened(content.CHECKS, 25, 28)
    # Her own account, which cannot be paid into: the right one comes only after the committee was told of the delay.
    now = yield team.at(29, 16)
    team.enter_account(now, "DEMO-0000-0002", holder="Bianca Líder")
    # The organisation's director has no account, and signs by hand.
    yield from team.signed(35, in_force, ("Beatriz Diretora", "Diretora executiva"))
    now = yield play.at(add_months(team.on(in_force), 1), 18)
    team.hold_camp(now, "refine", add_months(team.on(in_force), 1), content.CAMP_NOTE)
    now = yield team.at(83)
    team.reach(now, 1, content.invented("Notes of 32 visits."))
    yield from team.banked("DEMO-0000-0003", team.days(play.ago(12)), team.days(play.ago(9)))
    now = yield play.at(play.ago(6), 11)
    disbursement.propose(team.officer(), now, team.code, 1)
    now = yield play.at(play.ago(6), 16)
    version = _publish(team, now, content.VERSION_BR)
    now = yield play.at(play.ago(5), 15)
    number = team.ask_amendment(now, "time", content.LONGER_BR, until=(add_months(team.on(in_force), 9)).isoformat())
    now = yield play.at(play.ago(5), 17)
    amendment.refuse(team.officer(), now, team.code, number, 1, content.REFUSED_BR)
    now = yield play.at(play.ago(4), 17)
    _ask(team, now, version, content.TALK_BR)
