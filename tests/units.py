"""How tests are dealt out to several processes: a file at a time, the longest first, and attacks on the same servers together."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

ATTACKS, JOURNEYS = "tests/faults/", "tests/journeys/"
# They break what they run on: servers and processes of their own.
ALONE = frozenset(
    f"{ATTACKS}test_{name}.py"
    for name in ("amendments", "fuzz", "payments", "scanner", "scheduler", "uploads", "writers")
)

# Every route for everybody: few tests, and each as long as a file.
ROUTES = "tests/web/test_routes.py"
DEMONSTRATION = "tests/test_demo.py"
DATABASE = re.compile(r"\[(sqlite|postgresql)")


def unit(nodeid: str) -> str:
    """What is run by one process as a whole: a file, the longest a database; and all attacks on the running servers, which
    are started but once."""
    file = nodeid.partition("::")[0]
    if file == ROUTES and (found := DATABASE.search(nodeid)):
        return f"{file}:{found[1]}"
    return ATTACKS if file.startswith(ATTACKS) and file not in ALONE else file


def longest_first(items: list[pytest.Item]) -> None:
    """Order them so that no process is left with something long at the end: attacks, routes, the demonstration, journeys, files by their number of tests."""
    sizes = Counter(unit(item.nodeid) for item in items)

    def place(item: pytest.Item) -> tuple[int, int]:
        name = unit(item.nodeid)
        kind = next(
            (n for n, long in enumerate((ATTACKS, ROUTES, DEMONSTRATION, JOURNEYS)) if name.startswith(long)), 4
        )
        return kind, -sizes[name]

    items.sort(key=place)


class Units(LoadScopeScheduling):
    """Deals out units in the order of :func:`longest_first`."""

    def __init__(self, config: pytest.Config, log: Any = None) -> None:
        super().__init__(config, log)
        # By their number of tests the longest would come last: the fewer, the longer they are.
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)
