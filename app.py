"""``app`` for any WSGI server; ``python app.py`` serves it here, with the scheduler inside."""

from __future__ import annotations

import fcntl
import runpy
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from lab import create_app
from lab.config import ROOT

app = create_app()


def _address_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _embedded(app: Flask) -> Path | None:
    """The file of the embedded database; None when a server keeps it."""
    url = make_url(app.extensions["lab_config"].database_url)
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


@contextmanager
def _alone(app: Flask) -> Iterator[None]:
    """Prepare an embedded database alone: a load that another start is making must not pass for one that was cut off."""
    database = _embedded(app)
    if database is None:
        yield
        return
    with Path(f"{database}.start").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(f"Another start is preparing {database}: wait until it has printed its address.")
        yield


def _start_afresh(app: Flask) -> None:
    """Throw away a demonstration whose loading was cut off: it is half a programme, and nobody has worked in it."""
    from flask_migrate import upgrade

    from lab.extensions import db

    database = _embedded(app)
    if database is None:
        sys.exit(
            "The demonstration is being loaded, or was cut off while it was: wait, or empty its database and start again."
        )
    print("The last loading of the demonstration was cut off: starting it afresh.", flush=True)
    db.session.remove()
    db.engine.dispose()
    for suffix in ("", "-wal", "-shm"):
        Path(f"{database}{suffix}").unlink(missing_ok=True)
    upgrade()


def _prepare(app: Flask) -> None:
    """Bring the database to this version, and in the demonstration fill an empty one; say where to go."""
    from flask_migrate import upgrade

    from lab import demo
    from lab.extensions import db

    config = app.extensions["lab_config"]
    with app.app_context(), _alone(app):
        upgrade()
        if config.demo and demo.was_cut_off():
            _start_afresh(app)
        if config.demo and demo.is_empty():
            print("Loading the demonstration, a minute at most …", flush=True)
            demo.load_if_empty(app)
        if not config.demo and (demo.is_loaded() or demo.was_cut_off()):
            sys.exit(
                "This database holds the demonstration, whose passwords are public: "
                "start it with LAB_DEMO=1, or name another with LAB_DATABASE_URL."
            )
        print(f"\nInnovation Lab Tracker: http://127.0.0.1:{config.port}\n", flush=True)
        if config.demo:
            _print_accounts(app)
        db.session.remove()
        # The server's workers are forked from here, and connections to a database do not bear that.
        db.engine.dispose()


def _print_accounts(app: Flask) -> None:
    from lab import demo

    config = app.extensions["lab_config"]
    if not demo.is_loaded():
        print("There is data in this database already, so the demonstration was not loaded.\n", flush=True)
        app.extensions.pop("lab_demo_accounts")
        return
    known = f"the password {config.demo_password}"
    if not demo.password_holds(config.demo_password):
        known = "the password that was set when it was loaded"
    print(f"Accounts of the demonstration, all with {known}:", flush=True)
    for account in demo.ACCOUNTS:
        print(f"  {account.email:24} {account.what}", flush=True)
    print(flush=True)


def serve(app: Flask) -> None:
    """Serve with one worker process of eight threads, and start the scheduler inside it."""
    from gunicorn.app.base import BaseApplication

    from lab import jobs

    config = app.extensions["lab_config"]
    settings = {
        "bind": f"127.0.0.1:{config.port}",
        "workers": 1,
        "post_worker_init": (lambda worker: jobs.start(app)) if config.scheduler else (lambda worker: None),
    }

    class Server(BaseApplication):  # type: ignore[misc]
        """gunicorn, configured from its file and from here, not from arguments."""

        def load_config(self) -> None:
            kept = runpy.run_path(str(ROOT / "gunicorn.conf.py"))
            for name, value in {**kept, **settings}.items():
                if name in self.cfg.settings:
                    self.cfg.set(name, value)

        def load(self) -> Flask:
            return app

    Server().run()


def main() -> None:
    """Check the port, prepare the database, serve until told to stop."""
    port = app.extensions["lab_config"].port
    if not _address_free(port):
        sys.exit(f"Port {port} is taken: stop what uses it, or choose another with LAB_PORT.")
    try:
        _prepare(app)
    except KeyboardInterrupt:
        sys.exit("\nStopped while preparing. Nothing needs to be mended: start again when you like.")
    except OperationalError as error:
        sys.exit(f"The database does not answer: start it, or correct LAB_DATABASE_URL.\n{error.orig}")
    serve(app)


if __name__ == "__main__":
    main()
