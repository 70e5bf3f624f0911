"""Keys derived from the application's secret one, a key for each use, and texts that are stored encrypted."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from datetime import datetime, timedelta

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app


def key_for(use: str) -> bytes:
    """32 bytes for that use alone: what one key gives away tells nothing about another."""
    secret = current_app.extensions["lab_config"].secret_key.encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"lab|{use}".encode()).derive(secret)


def seal(use: str, text: str, wall: datetime) -> str:
    """``text``, encrypted; it carries the instant ``wall``."""
    box = Fernet(urlsafe_b64encode(key_for(use)))
    return box.encrypt_at_time(text.encode(), int(wall.timestamp())).decode()


def unseal(use: str, sealed: str, within: timedelta | None, wall: datetime) -> str | None:
    """The text; None when it was sealed by another key, was changed, or is older than ``within``."""
    box = Fernet(urlsafe_b64encode(key_for(use)))
    try:
        if within is None:
            return box.decrypt(sealed.encode()).decode()
        return box.decrypt_at_time(sealed.encode(), int(within.total_seconds()), int(wall.timestamp())).decode()
    except InvalidToken:
        return None
