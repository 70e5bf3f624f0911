"""One real browser for the whole run. Without one its tests skip and say so."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

# The shell draws the same pages at half the cost: it has no window, no toolbar and no pages of its own.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((found for found in map(shutil.which, NAMES) if found), None)
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        if os.environ.get("LAB_TEST_REQUIRE_BROWSER") == "1":
            pytest.fail("no Chromium on this machine, and LAB_TEST_REQUIRE_BROWSER=1 asks for one")
        pytest.skip("no Chromium on this machine: the browser journeys were not walked")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()
