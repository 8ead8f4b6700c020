"""The seeds, runs and hours that each grid over chosen factors needs to reach a goal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runner.execution.machine import on_gpu
from runner.planning.grids import possible
from runner.planning.hours import SIZE_TEXT, by_records, standing
from runner.planning.needed import Goal, Needed, needed
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.designs.design import Design
    from runner.planning.pilot_noise import Sigma
    from runner.studies.study import Study

GRID_AVERAGE, BASELINE = ESTIMANDS = ("grid_average", "baseline")
# The effects over which the error rate of 5 % holds: all effects of the grid, or each alone.
FAMILY, EACH = KINDS = ("family", "each")


@dataclass(frozen=True)
class GridNeed:
    """The needs of a grid by estimand and kind, or the reason why the grid is not possible.

    left_out: unused levels; grids that turn everything on use two levels of a factor.
    """

    name: str
    reason: str | None = None
    arms: int = 0
    takes_runs: bool = False
    left_out: tuple[str, ...] = ()
    needs: Mapping[tuple[str, str], Needed] | None = None


@dataclass(frozen=True)
class GridNeeds:
    """The needs of every grid for `goal`, with the noise `sigma` and `workers` parallel runs.

    runs: for grids with a free number of runs. seconds: of a run, from records; None, with the
    reason, if unknown.
    """

    study: Study
    goal: Goal
    sigma: Sigma
    runs: int | None
    workers: int
    seconds: float | None
    seconds_reason: str | None
    grids: tuple[GridNeed, ...]

    def hours(self, need: Needed) -> float | None:
        """Hours of wall time; None if runs or seconds are unknown."""
        if need.runs is None or not self.seconds:
            return None
        # Runs cannot be split: during the last runs of a grid some workers are idle.
        return math.ceil(need.runs / self.workers) * self.seconds / 3600

    def cheapest(self, estimand: str, kind: str) -> tuple[GridNeed, Needed] | None:
        """The grid that needs the fewest runs, among grids that use every level."""
        able = [
            (need.runs, grid, need)
            for grid in self.grids
            if grid.needs is not None and not grid.left_out
            if (need := grid.needs[estimand, kind]).runs
        ]
        return min(able, key=lambda known: known[0])[1:] if able else None


def grid_needs(
    study: Study, goal: Goal, sigma: Sigma, runs: int | None, workers: int, results: Path
) -> GridNeeds:
    """Every grid over the study's factors, and its needs. Raises BadInput for impossible `runs`."""
    seconds, reason = _seconds(study, results)
    grids = tuple(
        GridNeed(name, design)
        if isinstance(design, str)
        else GridNeed(
            name,
            arms=design.count,
            takes_runs=design.takes_runs,
            left_out=tuple(_left_out(study, design)),
            needs=_needs(design, goal, sigma.value),
        )
        for name, design in possible(study, runs)
    )
    return GridNeeds(study, goal, sigma, runs, workers, seconds, reason, grids)


def _needs(design: Design, goal: Goal, sigma: float) -> dict[tuple[str, str], Needed]:
    from runner.planning.precision import Errors

    errors = Errors(design)
    picks = {GRID_AVERAGE: lambda e: e.grid, BASELINE: lambda e: e.baseline}
    tests = {FAMILY: None, EACH: 1}
    return {
        (estimand, kind): needed(errors, goal, sigma, pick, tests[kind])
        for estimand, pick in picks.items()
        for kind in KINDS
    }


def _left_out(study: Study, design: Design) -> list[str]:
    return [
        f"{whole.name}={level.name}"
        for whole, kept in zip(study.factors, design.factors, strict=True)
        for level in whole.levels
        if level not in kept.levels
    ]


def _seconds(study: Study, results: Path) -> tuple[float | None, str | None]:
    """Mean seconds of a run from records of similar runs, or why it is unknown."""
    from runner.records.store import existing

    none = (
        f"no run of these images with this {SIZE_TEXT} is recorded in {results}: hours are not "
        "known"
    )
    store = existing(results)
    if store is None:
        return None, none
    try:
        found = by_records(study, standing(study), 1, 1, store, on_gpu("auto"))
    except BadInput as error:
        return None, str(error)
    return found.seconds_per_run, None if found.seconds_per_run is not None else none
