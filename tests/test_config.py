"""Settings: each one missing, unknown or malformed stops the start and is named, in a call and in a real process."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from lab import clock, config, create_app
from lab.config import Config, ConfigError, read_config
from lab.rules.sign_in import SignInLimits

KEY = {"LAB_SECRET_KEY": "k" * 32}


@pytest.fixture(autouse=True)
def _clock_back() -> object:
    yield
    clock.move("")


def test_the_least_that_is_needed() -> None:
    found = read_config(KEY)
    assert (found.port, found.demo, found.testing, found.scheduler) == (5000, False, False, True)
    assert found.database_url == f"sqlite:///{config.INSTANCE / 'lab.db'}"
    assert found.base_url == "http://127.0.0.1:5000"
    assert (found.upload_limit, found.smtp_url, found.now) == (200 * 1024 * 1024, "", "")


def test_everything_that_can_be_set() -> None:
    found = read_config(
        {
            **KEY,
            "LAB_DATABASE_URL": "postgresql+psycopg://lab@db.example/lab",
            "LAB_FILES": "/srv/files",
            "LAB_PORT": "8080",
            "LAB_BASE_URL": "https://lab.example.org/",
            "LAB_DEMO": "1",
            "LAB_DEMO_PASSWORD": "another-one",
            "LAB_SCHEDULER": "0",
            "LAB_UPLOAD_LIMIT_MB": "20",
            "LAB_SMTP_URL": "smtp://user:p%40ss@mail.example:587",
            "LAB_MAIL_FROM": "The Lab <lab@example.org>",
            "LAB_NOW": "+21d",
            "LAB_TESTING": "1",
            "LAB_CLAMD": "unix:/run/clamav/clamd.ctl",
            "LAB_TRUSTED_HOSTS": "Lab.intern, 10.0.0.7",
            "LAB_PROXIES": "2",
            # Other programs' variables are none of ours; the tests' own are known.
            "PATH": "/bin",
            "LAB_TEST_POSTGRES_URL": "postgresql+psycopg://x/y",
        }
    )
    assert found == Config(
        secret_key="k" * 32,
        database_url="postgresql+psycopg://lab@db.example/lab",
        files="/srv/files",
        port=8080,
        base_url="https://lab.example.org",
        demo=True,
        demo_password="another-one",
        testing=True,
        scheduler=False,
        upload_limit_mb=20,
        smtp_url="smtp://user:p%40ss@mail.example:587",
        mail_from="The Lab <lab@example.org>",
        now="+21d",
        trusted_hosts=("lab.intern", "10.0.0.7"),
        proxies=2,
        clamd="unix:/run/clamav/clamd.ctl",
    )


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("LAB_PROT", "5001", "not a variable"),
        ("LAB_", "1", "not a variable"),
        ("LAB_SECRET_KEY", "short", "too short"),
        ("LAB_SECRET_KEY", "", "too short"),
        ("LAB_PORT", "", "whole number"),
        ("LAB_PORT", "0", "whole number"),
        ("LAB_PORT", "65536", "whole number"),
        ("LAB_PORT", "-1", "whole number"),
        ("LAB_PORT", "http", "whole number"),
        # A superscript two and Arabic digits count as digits for Python.
        ("LAB_PORT", "8²", "whole number"),
        ("LAB_PORT", "٣٣٣٣", "whole number"),
        ("LAB_UPLOAD_LIMIT_MB", "0", "whole number"),
        ("LAB_UPLOAD_LIMIT_MB", "2.5", "whole number"),
        ("LAB_DEMO", "yes", "1 or 0"),
        ("LAB_TESTING", "true", "1 or 0"),
        ("LAB_SCHEDULER", "", "1 or 0"),
        ("LAB_DEMO_PASSWORD", "nine char", "10 to 128 characters"),
        ("LAB_DATABASE_URL", "mysql://db/lab", "sqlite"),
        ("LAB_DATABASE_URL", "postgresql://db/lab", "sqlite"),
        ("LAB_DATABASE_URL", "lab.db", "sqlite"),
        ("LAB_DATABASE_URL", "", "sqlite"),
        ("LAB_DATABASE_URL", "postgresql+psycopg://db:port/lab", "sqlite"),
        ("LAB_DATABASE_URL", "postgresql+psycopg://db", "names no database"),
        # Each connection would have a database of its own, empty again after every start.
        ("LAB_DATABASE_URL", "sqlite://", "names no database"),
        ("LAB_DATABASE_URL", "sqlite:///:memory:", "names no database"),
        ("LAB_BASE_URL", "lab.example.org", "http://"),
        ("LAB_BASE_URL", "ftp://lab.example.org", "http://"),
        ("LAB_BASE_URL", "https://", "host"),
        ("LAB_BASE_URL", "http://[::1", "not understood"),
        ("LAB_BASE_URL", "http://[::1]:5000", "IPv4"),
        ("LAB_TRUSTED_HOSTS", "https://lab.example.org", "no host"),
        ("LAB_TRUSTED_HOSTS", "lab.example.org:443", "no host"),
        ("LAB_TRUSTED_HOSTS", "lab.example.org,", "no host"),
        ("LAB_TRUSTED_HOSTS", "*", "no host"),
        ("LAB_TRUSTED_HOSTS", "*.example.org", "no host"),
        ("LAB_TRUSTED_HOSTS", ".example.org", "no host"),
        ("LAB_TRUSTED_HOSTS", "lab example", "no host"),
        ("LAB_PROXIES", "-1", "whole number"),
        ("LAB_PROXIES", "6", "whole number"),
        ("LAB_PROXIES", "yes", "whole number"),
        ("LAB_SMTP_URL", "mail.example:25", "smtp://"),
        ("LAB_SMTP_URL", "smtp://", "host"),
        ("LAB_SMTP_URL", "smtp://mail.example:twentyfive", "not understood"),
        ("LAB_MAIL_FROM", "", "NAME <name@example.org>"),
        ("LAB_MAIL_FROM", "The Lab", "NAME <name@example.org>"),
        ("LAB_MAIL_FROM", "lab@example.org\nBcc: all@example.org", "NAME <name@example.org>"),
        ("LAB_CLAMD", "yes", "unix:/run/clamav/clamd.ctl or tcp://HOST:PORT"),
        ("LAB_CLAMD", "unix:clamd.ctl", "unix:/run/clamav/clamd.ctl or tcp://HOST:PORT"),
        ("LAB_CLAMD", "unix://host/clamd.ctl", "unix:/run/clamav/clamd.ctl or tcp://HOST:PORT"),
        ("LAB_CLAMD", "tcp://scanner", "unix:/run/clamav/clamd.ctl or tcp://HOST:PORT"),
        ("LAB_CLAMD", "tcp://scanner:0", "unix:/run/clamav/clamd.ctl or tcp://HOST:PORT"),
        ("LAB_CLAMD", "tcp://scanner:3310/x", "unix:/run/clamav/clamd.ctl or tcp://HOST:PORT"),
        ("LAB_CLAMD", "tcp://scanner:port", "unix:/run/clamav/clamd.ctl or tcp://HOST:PORT"),
        ("LAB_CLAMD", "http://scanner:3310", "unix:/run/clamav/clamd.ctl or tcp://HOST:PORT"),
        ("LAB_NOW", "+21d", "demonstration and in tests only"),
    ],
)
def test_a_wrong_one_stops_the_start_and_is_named(name: str, value: str, words: str) -> None:
    with pytest.raises(ConfigError) as stopped:
        read_config({**KEY, name: value})
    assert str(stopped.value).startswith(name)
    assert words in str(stopped.value)


@pytest.mark.parametrize("address", ["", "unix:/tmp/clamd.ctl", "tcp://127.0.0.1:3310", "tcp://[::1]:3310"])
def test_where_a_virus_scanner_may_be(address: str) -> None:
    assert read_config({**KEY, "LAB_CLAMD": address}).clamd == address


def test_the_key_is_asked_for_outside_the_demonstration() -> None:
    for environ in ({}, {"LAB_TESTING": "1"}, {"LAB_DEMO": "0"}):
        with pytest.raises(ConfigError, match="LAB_SECRET_KEY is missing"):
            read_config(environ)


@pytest.mark.parametrize(
    ("environ", "asked"),
    [
        ({}, True),
        ({"LAB_DEMO_SECOND_FACTOR": "0"}, True),
        ({"LAB_DEMO": "1"}, False),
        ({"LAB_DEMO": "1", "LAB_DEMO_SECOND_FACTOR": "1"}, True),
    ],
)
def test_the_second_factor_is_left_out_in_the_demonstration_alone(environ: dict[str, str], asked: bool) -> None:
    assert read_config({**KEY, **environ}).second_factor == asked


def test_how_long_a_sign_in_lasts() -> None:
    limits = read_config(KEY).sign_in_limits
    assert limits == SignInLimits(timedelta(hours=2), timedelta(hours=12), timedelta(days=30), timedelta(minutes=15))
    short = {"LAB_SESSION_IDLE_MINUTES": "5", "LAB_SESSION_HOURS": "1", "LAB_SESSION_LASTING_DAYS": "1"}
    limits = read_config({**KEY, **short, "LAB_FRESH_MINUTES": "1"}).sign_in_limits
    assert limits == SignInLimits(timedelta(minutes=5), timedelta(hours=1), timedelta(days=1), timedelta(minutes=1))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LAB_DEMO_SECOND_FACTOR", "yes"), ("LAB_SESSION_IDLE_MINUTES", "4"), ("LAB_SESSION_HOURS", "25"),
        ("LAB_SESSION_LASTING_DAYS", "forever"), ("LAB_FRESH_MINUTES", "0"),
    ],
)  # fmt: skip
def test_what_protects_accounts_is_not_switched_off_by_a_typing_error(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name}="):
        read_config({**KEY, name: value})


def test_a_message_does_not_repeat_a_password() -> None:
    for name in ("LAB_SMTP_URL", "LAB_DATABASE_URL"):
        with pytest.raises(ConfigError) as stopped:
            read_config({**KEY, name: "http://user:sesame@host/x"})
        assert "sesame" not in str(stopped.value)


@pytest.mark.parametrize("spec", ["tomorrow", "+21", "2026-03-01T12:00:00", "2026-02-30T12:00:00Z", "+99999d", "21d"])
def test_a_clock_that_cannot_be_read_is_named(spec: str) -> None:
    with pytest.raises(ConfigError, match="^LAB_NOW is not understood"):
        read_config({**KEY, "LAB_DEMO": "1", "LAB_NOW": spec})


@pytest.mark.parametrize("switch", ["LAB_DEMO", "LAB_TESTING"])
def test_the_clock_moves_in_the_demonstration_and_in_tests(switch: str) -> None:
    assert read_config({**KEY, switch: "1", "LAB_NOW": "+21d"}).now == "+21d"


def test_the_demonstration_makes_its_key_once_and_for_itself_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "INSTANCE", tmp_path)
    first = read_config({"LAB_DEMO": "1"}).secret_key
    assert len(first) >= 32
    assert read_config({"LAB_DEMO": "1"}).secret_key == first, "sign-ins outlive a restart"
    made = list(tmp_path.iterdir())
    assert [path.name for path in made] == ["demo-secret-key"]
    assert stat.S_IMODE(made[0].stat().st_mode) == 0o600
    assert read_config({"LAB_DEMO": "1", **KEY}).secret_key == "k" * 32, "a given key goes first"
    with pytest.raises(ConfigError):
        read_config({})


def test_the_application_stops_with_the_same_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("LAB_")]:
        monkeypatch.delenv(name)
    with pytest.raises(ConfigError, match="LAB_SECRET_KEY is missing"):
        create_app()
    with pytest.raises(ConfigError, match="LAB_FILES"):
        create_app(Config(secret_key="k" * 32, database_url=f"sqlite:///{tmp_path}/lab.db", files="relative"))


def _start(environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LAB_")}
    return subprocess.run(
        [sys.executable, "app.py"],
        cwd=config.ROOT,
        env={**clean, **environ},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({}, "LAB_SECRET_KEY is missing"),
        ({**KEY, "LAB_COLOUR": "blue"}, "LAB_COLOUR is not a variable"),
        ({**KEY, "LAB_NOW": "+1d"}, "LAB_NOW moves the clock"),
    ],
)
def test_a_real_process_says_it_and_ends(environ: dict[str, str], words: str) -> None:
    done = _start(environ)
    assert done.returncode == 1
    assert done.stderr.startswith(words)
    assert "Traceback" not in done.stderr and done.stdout == ""
