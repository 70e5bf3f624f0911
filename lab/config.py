"""Configuration: read once from ``LAB_*`` variables. A missing, wrong or unknown one stops the start and is named."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from lab import clock
from lab.rules.passwords import MAX_PASSWORD, MIN_PASSWORD
from lab.rules.sign_in import SignInLimits

ROOT = Path(__file__).resolve().parent.parent
INSTANCE = ROOT / "instance"
# This machine itself.
LOOPBACK = ("127.0.0.1", "localhost")
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
# Read by the tests, not by the application.
_FOREIGN = frozenset({"LAB_TEST_POSTGRES_URL", "LAB_TEST_REQUIRE_BROWSER", "LAB_TEST_REQUIRE_CLAMD", "LAB_TEST_SHOTS"})


class ConfigError(SystemExit):
    """The start stops; the message names the variable and the remedy."""


@dataclass(frozen=True)
class Config:
    """Everything that can be set. Sizes in megabytes, times in seconds."""

    secret_key: str
    database_url: str
    files: str
    port: int = 5000
    base_url: str = ""
    demo: bool = False
    demo_password: str = "prototype-2021"
    testing: bool = False
    scheduler: bool = True
    upload_limit_mb: int = 200
    smtp_url: str = ""
    mail_from: str = "Innovation Lab Tracker <lab@localhost>"
    now: str = ""
    clamd: str = ""
    # Asked of everybody who holds an office. The demonstration's passwords are public, and its people have no phones.
    second_factor: bool = False
    session_idle_minutes: int = 120
    session_hours: int = 12
    session_lasting_days: int = 30
    fresh_minutes: int = 15
    # Names that the pages answer to beside that of base_url, and how many reverse proxies stand before them.
    trusted_hosts: tuple[str, ...] = ()
    proxies: int = 0

    @property
    def sign_in_limits(self) -> SignInLimits:
        """How long a sign-in lasts."""
        return SignInLimits(
            idle=timedelta(minutes=self.session_idle_minutes),
            whole=timedelta(hours=self.session_hours),
            lasting=timedelta(days=self.session_lasting_days),
            fresh=timedelta(minutes=self.fresh_minutes),
        )

    @property
    def upload_limit(self) -> int:
        """The largest file, in bytes."""
        return self.upload_limit_mb * 1024 * 1024


def _flag(name: str, value: str) -> bool:
    if value not in ("0", "1"):
        raise ConfigError(f"{name}={value!r} is not understood: set it to 1 or 0.")
    return value == "1"


def _number(name: str, value: str, low: int, high: int) -> int:
    if not (value.isascii() and value.isdigit()) or not low <= int(value) <= high:
        raise ConfigError(f"{name}={value!r} is not understood: set it to a whole number from {low} to {high}.")
    return int(value)


def _url(name: str, value: str, schemes: tuple[str, ...]) -> str:
    # The value itself is not repeated: it may hold a password.
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError as error:
        raise ConfigError(f"{name} is not understood: {error}.") from None
    if parts.scheme not in schemes:
        raise ConfigError(f"{name} is not understood: it must begin with {' or '.join(s + '://' for s in schemes)}.")
    if not parts.hostname or port == 0:
        raise ConfigError(f"{name} is not understood: a host must follow {parts.scheme}://, such as example.org.")
    return value


def _clamd(name: str, value: str) -> str:
    if value.startswith("unix:/") and not value.startswith("unix://"):
        return value
    try:
        parts = urlsplit(value)
        well = parts.scheme == "tcp" and parts.hostname and parts.port and parts.netloc == value[len("tcp://") :]
    except ValueError:
        well = False
    if not well:
        raise ConfigError(
            f"{name}={value!r} is not understood: write unix:/run/clamav/clamd.ctl or tcp://HOST:PORT, or take it out."
        )
    return value


def _base_url(name: str, value: str) -> str:
    if "[" in urlsplit(_url(name, value, ("http", "https"))).netloc:
        raise ConfigError(
            f"{name} is not understood: write a host by its name, such as example.org, or as an IPv4 address."
        )
    return value.rstrip("/")


def _hosts(name: str, value: str) -> tuple[str, ...]:
    found = [host.strip().lower() for host in value.split(",")] if value.strip() else []
    for host in found:
        if not _HOST.fullmatch(host):
            raise ConfigError(
                f"{name} has {host!r}, which is no host: write names with commas between them and neither scheme nor "
                "port, such as lab.example.org,lab.intern."
            )
    return tuple(found)


def _database(name: str, value: str) -> str:
    try:
        url = make_url(value)
    except (ArgumentError, ValueError):
        raise ConfigError(
            f"{name} is not understood: write sqlite:///PATH or postgresql+psycopg://HOST/NAME."
        ) from None
    if url.drivername not in ("sqlite", "postgresql+psycopg"):
        raise ConfigError(f"{name} is not understood: it must begin with sqlite:/// or postgresql+psycopg://.")
    if not url.database or url.database == ":memory:":
        raise ConfigError(f"{name} names no database: write sqlite:///PATH or postgresql+psycopg://HOST/NAME.")
    folder = Path(url.database).parent
    if url.drivername == "sqlite" and folder.is_absolute() and not folder.is_dir():
        raise ConfigError(f"{name} is in a folder that does not exist: make {folder}, or choose another.")
    return value


def _address(name: str, value: str) -> str:
    email = parseaddr(value)[1]
    local, at, domain = email.partition("@")
    if not (local and at and domain) or not value.isprintable():
        raise ConfigError(f"{name}={value!r} is not understood: write it as NAME <name@example.org>.")
    return value


def _demo_key() -> str:
    """The demonstration's own key, made once and kept beside its database so that sign-ins outlive a restart."""
    path = INSTANCE / "demo-secret-key"
    if not path.exists():
        # Whole or not at all, and never readable by others: two processes may start at once.
        mine = INSTANCE / f"demo-secret-key.{os.getpid()}"
        with open(os.open(mine, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as new:
            new.write(secrets.token_urlsafe(48))
        with suppress(FileExistsError):
            os.link(mine, path)
        mine.unlink()
    return path.read_text()


def _secret_key(given: str | None, demo: bool) -> str:
    if given is None and demo:
        return _demo_key()
    if given is None:
        raise ConfigError("LAB_SECRET_KEY is missing: set it to a random text of 32 characters or more.")
    if len(given) < 32:
        raise ConfigError("LAB_SECRET_KEY is too short: set it to a random text of 32 characters or more.")
    return given


def read_config(environ: Mapping[str, str]) -> Config:
    """The configuration in ``environ``. Raises ConfigError, which ends the process with its message."""
    given = {name: value for name, value in environ.items() if name.startswith("LAB_") and name not in _FOREIGN}
    known = {
        "LAB_SECRET_KEY", "LAB_DATABASE_URL", "LAB_FILES", "LAB_PORT", "LAB_BASE_URL", "LAB_DEMO", "LAB_DEMO_PASSWORD",
        "LAB_TESTING", "LAB_SCHEDULER", "LAB_UPLOAD_LIMIT_MB", "LAB_SMTP_URL", "LAB_MAIL_FROM", "LAB_NOW", "LAB_CLAMD",
        "LAB_DEMO_SECOND_FACTOR", "LAB_SESSION_IDLE_MINUTES", "LAB_SESSION_HOURS", "LAB_SESSION_LASTING_DAYS", "LAB_FRESH_MINUTES",
        "LAB_TRUSTED_HOSTS", "LAB_PROXIES",
    }  # fmt: skip
    for name in sorted(set(given) - known):
        raise ConfigError(f"{name} is not a variable of this application: take it out or correct its name.")
    demo = _flag("LAB_DEMO", given.get("LAB_DEMO", "0"))
    testing = _flag("LAB_TESTING", given.get("LAB_TESTING", "0"))
    now = given.get("LAB_NOW", "")
    if now:
        _check_now(now, demo or testing)
    password = given.get("LAB_DEMO_PASSWORD", "prototype-2021")
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise ConfigError(
            f"LAB_DEMO_PASSWORD is too short or too long: give it {MIN_PASSWORD} to {MAX_PASSWORD} characters."
        )
    port = _number("LAB_PORT", given.get("LAB_PORT", "5000"), 1, 65535)
    return Config(
        secret_key=_secret_key(given.get("LAB_SECRET_KEY"), demo),
        database_url=_database("LAB_DATABASE_URL", given.get("LAB_DATABASE_URL", f"sqlite:///{INSTANCE / 'lab.db'}")),
        files=given.get("LAB_FILES", str(INSTANCE / "files")),
        port=port,
        base_url=_base_url("LAB_BASE_URL", given.get("LAB_BASE_URL", f"http://127.0.0.1:{port}")),
        demo=demo,
        demo_password=password,
        testing=testing,
        scheduler=_flag("LAB_SCHEDULER", given.get("LAB_SCHEDULER", "1")),
        upload_limit_mb=_number("LAB_UPLOAD_LIMIT_MB", given.get("LAB_UPLOAD_LIMIT_MB", "200"), 1, 10_000),
        smtp_url=_url("LAB_SMTP_URL", given["LAB_SMTP_URL"], ("smtp", "smtps")) if given.get("LAB_SMTP_URL") else "",
        mail_from=_address("LAB_MAIL_FROM", given.get("LAB_MAIL_FROM", Config.mail_from)),
        now=now,
        second_factor=_flag("LAB_DEMO_SECOND_FACTOR", given.get("LAB_DEMO_SECOND_FACTOR", "0")) or not demo,
        session_idle_minutes=_number("LAB_SESSION_IDLE_MINUTES", given.get("LAB_SESSION_IDLE_MINUTES", "120"), 5, 1440),
        session_hours=_number("LAB_SESSION_HOURS", given.get("LAB_SESSION_HOURS", "12"), 1, 24),
        session_lasting_days=_number("LAB_SESSION_LASTING_DAYS", given.get("LAB_SESSION_LASTING_DAYS", "30"), 1, 90),
        fresh_minutes=_number("LAB_FRESH_MINUTES", given.get("LAB_FRESH_MINUTES", "15"), 1, 60),
        clamd=_clamd("LAB_CLAMD", given["LAB_CLAMD"]) if given.get("LAB_CLAMD") else "",
        trusted_hosts=_hosts("LAB_TRUSTED_HOSTS", given.get("LAB_TRUSTED_HOSTS", "")),
        proxies=_number("LAB_PROXIES", given.get("LAB_PROXIES", "0"), 0, 5),
    )


def _check_now(spec: str, allowed: bool) -> None:
    if not allowed:
        raise ConfigError(
            "LAB_NOW moves the clock in the demonstration and in tests only: take it out, or set LAB_DEMO=1."
        )
    try:
        clock.read_shift(spec, clock.wall())
    except ValueError as error:
        raise ConfigError(f"LAB_NOW is not understood: {error}.") from None
