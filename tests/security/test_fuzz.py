"""Made-up inputs: a result or one clear line, never a traceback.

TRICKS_BENCH_FUZZ=1000 throws that many at each reader, new ones each time.
"""

from __future__ import annotations

import os

import pytest

from tests.security.fuzzing import TARGETS, fuzz

ASKED = int(os.environ.get("TRICKS_BENCH_FUZZ", "0"))
# Whole commands over a store take a tenth of a second each.
QUICK = {"tricks": 60, "options": 20, "study.toml": 20, "tables": 20}
FEW = 3


@pytest.mark.parametrize("name", TARGETS)
def test_no_input_makes_a_traceback(name: str) -> None:
    count = ASKED or QUICK.get(name, FEW)
    found = fuzz(name, count, derandomize=not ASKED)
    assert found["refused"] + found["result"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_no_input_of_many_makes_a_traceback(name: str) -> None:
    found = fuzz(name, ASKED or (100 if name in QUICK else 12))
    assert found["refused"] + found["result"] > 0
