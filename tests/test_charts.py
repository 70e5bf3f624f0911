"""Charts of the pilots: sound SVG, the same for the same data, that runs nothing and fetches nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from fractions import Fraction
from xml.etree import ElementTree

import pytest

from lab import charts
from lab.canvas import AMBER, NOTE_SIZE, width_of, wrapped
from lab.charts import MoneyLabels, MoneyRow, ResultLabels, ResultRow, TimeLabels, TimeRow

SVG = "{http://www.w3.org/2000/svg}"
NASTY = '<script>alert(1)</script> & "q" $x_1$ \x00\x0b ]]> %s 中文'

TIME = TimeLabels("Time used", "ends %(date)s, days left: %(days)s", "ended %(date)s, days over: %(days)s", "No pilot.")
MONEY = MoneyLabels("Money, USD", "Awarded", "Paid", "Spent", "No money.")
RESULTS = ResultLabels("Results", "Indicators: %(count)s", "No results.")


def time_row(name: str, used: str = "0.5", days_left: int = 90) -> TimeRow:
    return TimeRow(name, Decimal(used), days_left, date(2022, 3, 14))


def money_row(name: str, spent: str = "12250.50") -> MoneyRow:
    return MoneyRow(name, Decimal(47500), Decimal(47500), Decimal(spent))


def result_row(name: str, attained: str = "0.45") -> ResultRow:
    return ResultRow(name, Decimal(attained), 5)


def time_svg(*names: str) -> bytes:
    return charts.time_chart(tuple(time_row(name) for name in names), TIME)


def money_svg(*names: str) -> bytes:
    return charts.money_chart(tuple(money_row(name) for name in names), MONEY)


def results_svg(*names: str) -> bytes:
    return charts.results_chart(tuple(result_row(name) for name in names), RESULTS)


Draw = Callable[..., bytes]
each_chart = pytest.mark.parametrize("draw", [time_svg, money_svg, results_svg])


def words(svg: bytes) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def height(svg: bytes) -> int:
    return int(ElementTree.fromstring(svg).attrib["height"])


def clear_caches() -> None:
    for chart in (charts.time_chart, charts.money_chart, charts.results_chart):
        chart.cache_clear()


@each_chart
def test_a_chart_scales_from_a_phones_width(draw: Draw) -> None:
    root = ElementTree.fromstring(draw("Ecuador", "Brasil"))
    assert root.tag == f"{SVG}svg"
    assert root.attrib["width"] == "320"
    assert root.attrib["viewBox"] == f"0 0 320 {root.attrib['height']}"
    assert root.findtext(f"{SVG}title")


@each_chart
def test_names_are_text_and_never_markup_or_formulas(draw: Draw) -> None:
    svg = draw(NASTY)
    tags = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(svg).iter()}
    assert not tags & {"script", "image", "foreignObject", "a", "animate", "set"}
    drawn = " ".join(words(svg))
    assert "<script>alert(1)</script> &" in drawn
    assert "$x_1$" in drawn


@each_chart
def test_a_chart_fetches_nothing(draw: Draw) -> None:
    svg = re.sub(rb'xmlns(:\w+)?="[^"]*"', b"", draw("Ecuador"))
    assert b"<!DOCTYPE" not in svg
    assert b"http" not in svg
    assert b"@import" not in svg
    assert all(target.startswith(b"#") for target in re.findall(rb'(?:href="|url\()([^")]*)', svg))


@each_chart
def test_letters_are_large_enough_for_a_phone(draw: Draw) -> None:
    sizes = [int(size) for size in re.findall(rb"font-size: (\d+)px", draw("Ecuador"))]
    assert sizes
    assert min(sizes) >= 11


@each_chart
def test_the_same_data_gives_the_same_bytes_also_from_many_threads(draw: Draw) -> None:
    def anew(_: int) -> bytes:
        clear_caches()
        return draw("Ecuador", NASTY)

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(anew, range(8)))) == 1


def test_another_process_draws_the_same_bytes_and_loads_matplotlib_late_without_pyplot() -> None:
    script = """
import sys
from lab.charts import MoneyLabels, MoneyRow, money_chart
from decimal import Decimal
assert "matplotlib" not in sys.modules
row = MoneyRow("Ecuador", Decimal(47500), Decimal(47500), Decimal("12250.50"))
svg = money_chart((row,), MoneyLabels("Money, USD", "Awarded", "Paid", "Spent", "No money."))
assert "matplotlib.pyplot" not in sys.modules
sys.stdout.buffer.write(svg)
"""
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    assert done.stdout == money_svg("Ecuador")


def test_a_chart_is_drawn_once_for_the_same_data() -> None:
    clear_caches()
    first = time_svg("Ecuador", "Brasil")
    assert time_svg("Ecuador", "Brasil") is first
    assert charts.time_chart.cache_info().hits == 1
    time_svg("Brasil", "Ecuador")
    assert charts.time_chart.cache_info().misses == 2


@pytest.mark.parametrize(
    ("draw", "says"), [(time_svg, "No pilot."), (money_svg, "No money."), (results_svg, "No results.")]
)
def test_no_rows_are_said(draw: Draw, says: str) -> None:
    assert says in words(draw())


@each_chart
def test_many_rows_make_a_taller_chart(draw: Draw) -> None:
    one, fifty = draw("Pilot 0"), draw(*(f"Pilot {number}" for number in range(50)))
    assert height(fifty) > 20 * height(one)
    assert words(fifty).count("Pilot 49") == 1


def test_time_says_share_end_and_days() -> None:
    svg = charts.time_chart((time_row("Ecuador", "0.333"), time_row("Brasil", "1.18", -40)), TIME)
    assert {"33\u00a0%", "ends 14 Mar 2022, days left: 90", "118\u00a0%", "100\u00a0%"} <= set(words(svg))
    assert "ended 14 Mar 2022, days over: 40" in words(svg)
    assert AMBER.encode() in svg
    assert AMBER.encode() not in time_svg("Ecuador")


def test_numbers_and_dates_follow_the_language() -> None:
    labels = TimeLabels("Tempo", "termina em %(date)s", "", "", language="pt")
    assert "termina em 14 de mar. de 2022" in words(charts.time_chart((time_row("Brasil"),), labels))
    german = MoneyLabels("Geld", "a", "b", "c", "", language="de")
    assert "47.500" in words(charts.money_chart((money_row("Brasil"),), german))


def test_odd_numbers_are_drawn_and_told() -> None:
    rows = tuple(result_row(name, share) for name, share in (("a", "-0.05"), ("b", "0"), ("c", "0.0001"), ("d", "40")))
    assert {"-5\u00a0%", "0\u00a0%", "4,000\u00a0%"} <= set(words(charts.results_chart(rows, RESULTS)))
    assert words(charts.results_chart((ResultRow("third", Fraction(1, 3), 1),), RESULTS))[-2:] == [
        "third",
        "Indicators: 1",
    ]
    nothing = MoneyRow("nothing", Decimal(0), Decimal(0), Decimal(0))
    assert words(charts.money_chart((nothing,), MONEY)).count("0") == 3
    huge = MoneyRow("huge", Decimal("9999999999999.99"), Decimal(1), Decimal(0))
    assert "10,000,000,000,000" in words(charts.money_chart((huge,), MONEY))


def test_long_names_are_wrapped_within_the_picture() -> None:
    name = "Plataforma de formalização para trabalhadoras domésticas e seus empregadores no Brasil inteiro " * 3
    lines = wrapped(name, 296, NOTE_SIZE)
    assert len(lines) == 3
    assert lines[-1].endswith("…")
    for text in (name, "W" * 300, "中" * 300, "x " * 200):
        assert all(width_of(line, NOTE_SIZE) <= 296 for line in wrapped(text, 296, NOTE_SIZE))
    assert list(wrapped(" \x00 ", 296, NOTE_SIZE)) == ["–"]


def test_the_sentences_tell_count_and_extremes() -> None:
    assert str(charts.time_alt([time_row("Ecuador", "0.33"), time_row("Brasil", "1.18", -40)])) == (
        "2 pilots. “Brasil” has used most of its time, 118 %; “Ecuador” has used least, 33 %. "
        "Past their planned end: 1."
    )
    assert str(charts.money_alt([money_row("Ecuador"), money_row("Brasil", "0")], "USD")) == (
        "2 awards: 95000 USD awarded, 95000 paid and 12250.50 spent in all. “Ecuador” has spent the largest part of "
        "its award, 26 %; “Brasil” the smallest, 0 %."
    )
    assert str(charts.results_alt([result_row("Ecuador"), result_row("Brasil", "1.04")])) == (
        "2 pilots. “Brasil” has reached most of its targets, 104 %; “Ecuador” has reached least, 45 %. "
        "At or above their targets: 1."
    )


def test_the_sentences_for_one_and_for_none() -> None:
    assert str(charts.time_alt([time_row("Ecuador")])) == "One pilot: “Ecuador” has used 50 % of its time."
    assert str(charts.results_alt([result_row("Ecuador")])) == "One pilot: “Ecuador” has reached 45 % of its targets."
    assert str(charts.money_alt([money_row("Ecuador")], "USD")) == (
        "One award, “Ecuador”: 47500 USD awarded, 47500 paid and 12250.50 spent."
    )
    assert str(charts.time_alt([])) == "No pilot is running."
    assert str(charts.money_alt([], "USD")) == "No award has money to show."
    assert str(charts.results_alt([])) == "No pilot has results to show."
