"""The application as it is served, and beside it a file that gets one byte for every password hash that is computed.

The hashes are counted where they are computed, in the library, whoever asks for them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from argon2 import low_level

from app import app

__all__ = ["app"]

_FILE = os.open(os.environ["HASHES_FILE"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def _counted(compute: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(*args: Any, **options: Any) -> Any:
        os.write(_FILE, b".")
        return compute(*args, **options)

    return wrapper


for _name in ("hash_secret", "hash_secret_raw", "verify_secret"):
    setattr(low_level, _name, _counted(getattr(low_level, _name)))
