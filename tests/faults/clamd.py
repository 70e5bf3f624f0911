"""The real clamd, started by a test with its own socket and a single signature of our own: no list of viruses is needed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from lab.scanner import Scanner
from tests.faults.processes import wait_for

HARMLESS = b"INNOVATION-LAB-HARMLESS-TEST-STRING"
SIGNATURE = "LabTest.HarmlessText"
PROGRAM = shutil.which("clamd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


class Clamd:
    """A daemon in a folder of its own. Takes streams of up to 4 MB."""

    def __init__(self, folder: Path, *, tcp: bool = False) -> None:
        if PROGRAM is None:
            if os.environ.get("LAB_TEST_REQUIRE_CLAMD") == "1":
                pytest.fail("no clamd on this machine, and LAB_TEST_REQUIRE_CLAMD=1 asks for one")
            pytest.skip("no clamd on this machine: install clamav-daemon to test the virus scanner")
        self.folder = folder
        (folder / "signatures").mkdir(parents=True)
        (folder / "signatures" / "lab.ndb").write_text(f"{SIGNATURE}:0:*:{HARMLESS.hex()}\n")
        if tcp:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
            self.address, listens = f"tcp://127.0.0.1:{port}", f"TCPAddr 127.0.0.1\nTCPSocket {port}"
        else:
            self.address, listens = f"unix:{folder}/ctl", f"LocalSocket {folder}/ctl"
        (folder / "clamd.conf").write_text(
            f"{listens}\nForeground yes\nDatabaseDirectory {folder}/signatures\nTemporaryDirectory {folder}\n"
            "StreamMaxLength 4M\nAlertExceedsMax yes\n"
        )
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Clamd:
        """Start it, and wait until it answers. It runs as whoever runs the test."""
        assert PROGRAM is not None
        # A daemon that was killed leaves its socket behind.
        (self.folder / "ctl").unlink(missing_ok=True)
        with (self.folder / "said").open("ab") as said:
            self.process = subprocess.Popen(
                [PROGRAM, f"--config-file={self.folder}/clamd.conf"], stdout=said, stderr=said, stdin=subprocess.DEVNULL
            )
        wait_for(self.answers, f"clamd, which said: {(self.folder / 'said').read_text()}", 60)
        return self

    def answers(self) -> bool:
        """Whether it answers; a daemon that ended by itself fails the test with what it said."""
        assert self.process is not None and self.process.poll() is None, (self.folder / "said").read_text()
        return Scanner(self.address).answers()

    def pause(self) -> None:
        """Let it stand still with its socket open, as an overloaded machine would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def kill(self) -> None:
        """SIGKILL; nothing is tidied up."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None
