"""Paths that a user wrote."""

from __future__ import annotations

import os
from pathlib import Path


def user_path(text: str) -> Path:
    """The path `text`, with the user's folder for ~. A file may also be called ~x.

    >>> user_path("~no-such-user/0.png").as_posix()
    '~no-such-user/0.png'
    """
    return Path(os.path.expanduser(text))
