"""Tests of clusters use the made-up trainings of tests/execution."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "execution"))
