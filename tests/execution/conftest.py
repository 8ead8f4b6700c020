"""A grid of stub trainings in the folder of a test."""

from __future__ import annotations

from pathlib import Path

import pytest
from stub_grid import Grid


@pytest.fixture
def grid(tmp_path: Path) -> Grid:
    return Grid(tmp_path)
