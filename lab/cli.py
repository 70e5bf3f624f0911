"""Commands for operators: ``flask --app app …``. Each parses its arguments and calls a service as the system."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import NoReturn

import click
from flask import Flask
from flask.cli import AppGroup

from lab import clock
from lab.extensions import db
from lab.queries.awards import definition_of_call
from lab.queries.calls import all_calls
from lab.rules.calls import CallDefinitionError, text
from lab.rules.facts import SYSTEM
from lab.services.calls import load_call

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


# A group per noun; a new one is added here.
GROUPS: tuple[AppGroup, ...] = (call_group,)


def register(app: Flask) -> None:
    """Add the commands to ``flask --app app``."""
    for group in GROUPS:
        app.cli.add_command(group)
