"""A white picture to draw charts on: the one place that knows matplotlib. Whole pixels in, SVG out.

The picture is 320 wide, a phone's width, so that its smallest letters stay readable there; wider screens enlarge it.
It holds style attributes: serve it as an image of its own, not inside a page.
"""

from __future__ import annotations

import io
import re
import textwrap
import threading
import unicodedata
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, MUTED, TEAL, TRACK, AMBER, WHITE = "#12343b", "#4d666b", "#1f7a80", "#dde8e9", "#b4541a", "#ffffff"
WIDTH, MARGIN = 320, 12
INNER = WIDTH - 2 * MARGIN
TITLE_SIZE, NAME_SIZE, NOTE_SIZE = 15, 13, 12
LINE, TITLE_LINE, BAR = 17, 20, 11
_MOST_LINES = 3
_INCH = 72
_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Pictures are independent, but the library's settings are shared between threads.
_saving = threading.Lock()


class Canvas:
    """A picture called ``name`` that grows downwards: ``y`` is where the next thing goes, in pixels from the top."""

    def __init__(self, name: str) -> None:
        # Late: the library costs a second and 45 MB, which no other page should pay.
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure

        self.y = MARGIN
        self._name = _UNFIT.sub("", name)
        self._figure = Figure(dpi=_INCH, facecolor=WHITE)
        FigureCanvasSVG(self._figure)
        self._axes: Axes = self._figure.add_axes((0, 0, 1, 1))
        self._axes.set_axis_off()

    def title(self, text: str) -> None:
        """A heading, on as many lines as it takes."""
        for line in wrapped(text, INNER, TITLE_SIZE):
            self._text(MARGIN, self.y + TITLE_LINE // 2, line, TITLE_SIZE, INK, weight="bold")
            self.y += TITLE_LINE
        self.y += 8

    def lines(self, text: str, size: int = NAME_SIZE, colour: str = INK, room: int = INNER) -> None:
        """Text on as many lines as it takes within ``room`` pixels."""
        for line in wrapped(text, room, size):
            self._text(MARGIN, self.y + LINE // 2, line, size, colour)
            self.y += LINE

    def beside(self, x: int, text: str, colour: str = INK) -> None:
        """A small text from ``x`` on, on the line at ``y``, which stays there."""
        self._text(x, self.y + LINE // 2, text, NOTE_SIZE, colour)

    def before(self, x: int, text: str, size: int = NOTE_SIZE, colour: str = MUTED, bold: bool = False) -> None:
        """A text that ends at ``x``, on the line at ``y``, which stays there."""
        self._text(x, self.y + LINE // 2, text, size, colour, "right", "bold" if bold else "normal")

    def bar(self, length: int, fill: str, outline: str | None = None, x: int = MARGIN) -> None:
        """A bar from ``x`` on, on the line at ``y``, which stays there. A length of 0 draws nothing."""
        if length:
            middle = self.y + LINE // 2
            self._axes.barh(middle, length, height=BAR, left=x, color=fill, edgecolor=outline or fill, linewidth=1)

    def mark(self, x: int) -> None:
        """An upright line through the bar at ``y``."""
        middle = self.y + LINE // 2
        self._axes.vlines(x, middle - 8, middle + 8, colors=INK, linewidth=2)

    def svg(self) -> bytes:
        """The finished picture: the same bytes for the same drawing, with no date and nothing from elsewhere."""
        import matplotlib as mpl

        self._axes.set_xlim(0, WIDTH)
        self._axes.set_ylim(self.y, 0)
        self._figure.set_size_inches(WIDTH / _INCH, self.y / _INCH)
        out = io.BytesIO()
        unsaid = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        with (
            _saving,
            mpl.rc_context(
                {"svg.hashsalt": "lab", "svg.fonttype": "none", "font.sans-serif": ["DejaVu Sans", "Arial"]}
            ),
            warnings.catch_warnings(),
        ):
            # Letters that the library's own font lacks are drawn by the reader's.
            warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
            self._figure.savefig(out, format="svg", metadata={"Title": self._name, **unsaid})
        drawn = re.sub(rb"<!DOCTYPE[^>]*>\s*", b"", out.getvalue(), count=1)
        return re.sub(rb'(width|height)="(\d+)pt"', rb'\1="\2"', drawn, count=2)

    def _text(
        self,
        x: int,
        y: int,
        text: str,
        size: int,
        colour: str,
        side: Literal["left", "right"] = "left",
        weight: Literal["normal", "bold"] = "normal",
    ) -> None:
        # Without parse_math, a name with two dollar signs would be taken for a formula.
        self._axes.text(
            x, y, text, fontsize=size, color=colour, ha=side, va="center_baseline", weight=weight, parse_math=False
        )


def width_of(text: str, size: int) -> int:
    """About how wide ``text`` is, in pixels, rather too wide: the reader's own fonts will draw it."""
    tenths = 0
    for letter in text:
        if unicodedata.east_asian_width(letter) in "WF":
            tenths += 10
        elif letter in "mwMW@%—":
            tenths += 9
        elif letter in " .,:;'’!|()[]ijltfrI\u00a0\u202f":
            tenths += 4
        else:
            tenths += 7 if letter.isupper() else 6
    return -(-tenths * size // 10)


def wrapped(text: str, room: int, size: int) -> Sequence[str]:
    """``text`` on at most three lines, each within ``room`` pixels; the rest becomes an ellipsis, no text a dash."""
    clean = _UNFIT.sub("", text)
    for letters in range(room * 10 // (size * 4), 4, -1):
        lines = textwrap.wrap(clean, letters, max_lines=_MOST_LINES, placeholder="…")
        if all(width_of(line, size) <= room for line in lines):
            return lines or ["–"]
    return [clean[:4] + "…"]
