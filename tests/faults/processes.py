"""Real processes of the application on a test's own database."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from lab.config import ROOT


def start(script: str, url: str, folder: Path, name: str, *args: str, talk: bool = False) -> subprocess.Popen[str]:
    """Run ``script`` in a process of its own with ``url`` as its database; what it says goes to ``folder/name``, and with ``talk`` it hears."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("LAB_")}
    environ = {
        **clean,
        "LAB_SECRET_KEY": "only-for-tests-" + "x" * 32,
        "LAB_DATABASE_URL": url,
        "LAB_FILES": str(folder / "files"),
        "LAB_TESTING": "1",
        "LAB_NOW": "2026-03-02T12:00:00Z",
    }
    with (folder / name).open("w") as out:
        return subprocess.Popen(
            [sys.executable, "-u", "-W", "ignore", "-c", script, *args],
            cwd=ROOT,
            env=environ,
            stdin=subprocess.PIPE if talk else subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            text=True,
        )


def lines(folder: Path, name: str) -> list[str]:
    """What the process has said so far."""
    return (folder / name).read_text().splitlines()


def wait_for(true: Callable[[], object], what: str, seconds: float = 120) -> None:
    """Wait until ``true()`` is; fail with ``what`` after ``seconds``."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"waited {seconds} s in vain: {what}"
        time.sleep(0.05)


def end(*running: subprocess.Popen[str]) -> None:
    """Kill what still runs."""
    for process in running:
        process.kill()
        process.wait(10)
