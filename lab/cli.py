"""Commands for operators: ``flask --app app …``. Each parses its arguments and calls a service as the system."""

from __future__ import annotations

import re
import signal
import tomllib
from pathlib import Path
from threading import Event
from typing import NoReturn

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext

from lab import clock, jobs
from lab.extensions import db
from lab.queries.audit import disagreements, read_chains
from lab.queries.awards import definition_of_call
from lab.queries.calls import all_calls
from lab.queries.outbox import newest_to
from lab.rules.calls import CallDefinitionError, text
from lab.rules.errors import LabError
from lab.rules.facts import SYSTEM
from lab.services.calls import load_call
from lab.services.people import first_administrator

call_group = AppGroup("call", help="Calls for solutions, as data.")


@call_group.command("load")
@click.argument("file", type=click.Path(path_type=Path))
def call_load(file: Path) -> None:
    """Create or update the call that FILE (TOML) defines; running it twice changes nothing."""
    data = _read_toml(file)
    try:
        outcome = load_call(SYSTEM, clock.now(), data)
    except CallDefinitionError as error:
        _refuse(file, f"{error.key}: {error.reason}")
    click.echo(f"{data['code']}: {outcome}")


@call_group.command("list")
def call_list() -> None:
    """Print every call: its code, its number of awards, and its title."""
    for call, awards in all_calls(db.session()):
        definition = definition_of_call(call)
        click.echo(f"{call.code}\t{awards}\t{text(definition.title, definition.languages[0])}")


def _read_toml(file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
    except UnicodeDecodeError as error:
        reason = f"is not text in UTF-8: byte {error.start + 1} is not understood"
    except tomllib.TOMLDecodeError as error:
        # The message ends with the line and the column.
        reason = f"is not TOML: {error}"
    _refuse(file, reason)


def _refuse(file: Path, reason: str) -> NoReturn:
    click.echo(f"{file}: {reason}", err=True)
    click.echo("Nothing was stored.", err=True)
    raise SystemExit(1)


person_group = AppGroup("person", help="Accounts of people.")


@person_group.command("admin")
@click.argument("name")
@click.argument("email")
def person_admin(name: str, email: str) -> None:
    """Invite NAME at EMAIL as the first administrator, who then invites everybody else."""
    try:
        address = first_administrator(SYSTEM, clock.now(), name, email)
    except LabError as error:
        click.echo(" ".join(str(reason) for reason in error.reasons), err=True)
        click.echo("Nothing was stored.", err=True)
        raise SystemExit(1) from None
    click.echo(f"An invitation to {address} is in the outbox.")
    # Without a mail server nobody could read it there yet: the outbox is for administrators.
    letter = newest_to(db.session(), address)
    link = re.search(r"\S+/invitation/\S+", letter.body) if letter else None
    if link:
        click.echo(f"Its link, which works once: {link[0]}")


audit_group = AppGroup("audit", help="What happened, and the money that moved.")


@audit_group.command("verify")
def audit_verify() -> None:
    """Read every chain of events and of the ledger again, and hold payments, ledger and events against each other."""
    session = db.session()
    wrong = []
    for chains in read_chains(session):
        click.echo(f"{chains.table}: {chains.rows} rows in {chains.chains} chains")
        wrong += [str(row) for row in chains.broken]
    wrong += disagreements(session)
    if wrong:
        for line in wrong:
            click.echo(line, err=True)
        raise SystemExit(1)
    click.echo("Every row is as it was written, and payments, ledger and events agree.")


@click.command("scheduler")
@with_appcontext
def scheduler() -> None:
    """Run the scheduler alone until it is stopped: for servers that start the pages by themselves."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    running = jobs.start(app)
    stopped = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    stopped.wait()
    running.shutdown()


# A group per noun, and commands without a noun; a new one is added here.
COMMANDS: tuple[click.Command, ...] = (audit_group, call_group, person_group, scheduler)


def register(app: Flask) -> None:
    """Add the commands to ``flask --app app``."""
    for command in COMMANDS:
        app.cli.add_command(command)
