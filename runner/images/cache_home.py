"""The cache folder of this user."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """The cache folder: all its files can be made again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tricks-bench"
