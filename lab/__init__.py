"""The Innovation Lab Tracker: what happens after an innovation challenge is won."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from lab.config import Config


def create_app(config: Config | None = None) -> Flask:
    """The application, from ``config`` or the ``LAB_*`` variables. Raises ConfigError, which stops the start."""
    from flask import Flask

    from lab import cli, clock, files, scanner, setup
    from lab.config import INSTANCE, ROOT, ConfigError, read_config
    from lab.web import register

    config = config or read_config(os.environ)
    app = Flask(
        "lab",
        template_folder=str(ROOT / "templates"),
        static_folder=str(ROOT / "static"),
        instance_path=str(INSTANCE),
    )
    clock.move(config.now)
    app.config.from_mapping(setup.flask_settings(config))
    app.extensions["lab_config"] = config
    try:
        app.extensions["lab_files"] = files.open_store(config.files)
    except files.StoreUnwell as error:
        raise ConfigError(f"LAB_FILES={config.files!r} cannot be used: {error}.") from None
    app.extensions["lab_scanner"] = scanner.Scanner(config.clamd) if config.clamd else None
    register(app)
    if config.demo:
        from lab import demo

        # Named on the sign-in page, which knows of no floor but its own.
        app.extensions["lab_demo_accounts"] = demo.ACCOUNTS
    setup.bind_extensions(app)
    if not (config.testing or config.demo):
        setup.log_security()
    cli.register(app)
    return app
