"""The start-up time of the command line."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.ratio import Conditions, Ratio
from benchmarks.speed.records import timed

LINES = (("--help",), ("list", "tricks"), ("list", "grids"), ("run", "--dry-run"))


def measure(conditions: Conditions) -> Iterator[Ratio]:
    """Wall time of the real command in a separate process, with its files in memory."""
    for line in LINES:
        here = ("--results", str(conditions.scratch / "none")) if line[0] == "run" else ()
        timed(*line, *here)
        seconds = tuple(timed(*line, *here)[0] for _ in range(2 * conditions.repeats))
        target = None if line[0] == "run" else 0.3
        yield Ratio(
            f"`tricks-bench {' '.join(line)}`", "a new process", seconds, "s", target, at_most=True
        )
