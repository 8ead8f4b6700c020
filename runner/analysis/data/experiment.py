"""Experiment: the runs of a study as a table, with the varied factors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from runner.designs.design import Design
from runner.designs.registry import grids
from tricks.errors import BadInput, unknown

LEVEL = 0.05
NOISES = ("own", "equal")
SCALES = ("raw", "logit")


@dataclass(frozen=True)
class Experiment:
    """Runs and the factors that varied between them.

    runs: one row per run. A column for each factor has the level's name; other columns are metrics
        and bookkeeping. `state`, if present, is "ok" for finished runs.
    factors: name -> levels; the first level is the reference (the baseline's).
    grid: the design's name; "" if the layout is derived from the data.
    order: the factors in the order of a cumulative grid.
    reference: factor -> level of the arm with all on (leave-one-out); empty: derived from the data.
    notes: remarks for every result.
    level: the error rate of every test; every interval's confidence is 1 - level (a study with
        several looks has a smaller level at each look).
    noise: "own", each arm has its own run-to-run sd, or "equal", all arms have the same sd.
    scale: "raw", the metric unchanged, or "logit", log-odds of a share of test images.
    remarks: metric -> text printed with its name wherever its values are printed.
    larger_is_better: whether more of the metric is better, if the user said it; None: by its name.
    Raises BadInput for a level outside 0..0.5, an unknown noise or scale.
    """

    runs: pd.DataFrame
    factors: Mapping[str, tuple[str, ...]]
    grid: str = ""
    order: tuple[str, ...] = ()
    reference: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    level: float = LEVEL
    noise: str = "own"
    scale: str = "raw"
    remarks: Mapping[str, str] = field(default_factory=dict)
    larger_is_better: bool | None = None

    def __post_init__(self) -> None:
        if not 0 < self.level < 0.5:
            raise BadInput(f"level must lie between 0 and 0.5, not {self.level}")
        for name, value, known in (("noise", self.noise, NOISES), ("scale", self.scale, SCALES)):
            if value not in known:
                raise unknown(name, value, known)

    @property
    def design(self) -> type[Design] | None:
        """The design named by `grid`; None if the layout is derived from the data."""
        return grids().get(self.grid)

    @property
    def sizes(self) -> list[int]:
        """The number of levels of each factor."""
        return [len(levels) for levels in self.factors.values()]

    @cached_property
    def codes(self) -> np.ndarray:
        """(runs, factors) level indices. Raises BadInput if a run has an undeclared level."""
        runs = self.runs
        codes = np.zeros((len(runs), len(self.factors)), dtype=np.int64)
        for j, (name, levels) in enumerate(self.factors.items()):
            if name not in runs:
                raise BadInput(f"the runs have no column for the factor {name!r}")
            column: Any = pd.Categorical(runs[name].astype(str), categories=list(levels))
            codes[:, j] = column.codes
            if (codes[:, j] < 0).any():
                stranger = runs[name].iloc[int(np.argmax(codes[:, j] < 0))]
                raise unknown(f"level of {name}", str(stranger), levels)
        return codes


def values(runs: pd.DataFrame, metric: str) -> pd.Series:
    """The metric as floats, NaN for runs without it. Raises BadInput for an unknown column."""
    if metric not in runs:
        numeric = [str(c) for c in runs.columns if pd.api.types.is_numeric_dtype(runs[c])]
        raise unknown("metric", metric, numeric or map(str, runs.columns))
    column = pd.to_numeric(runs[metric], errors="coerce").astype(float)
    return column.where(np.isfinite(column))


def succeeded(runs: pd.DataFrame) -> pd.Series:
    """Whether each run finished: True everywhere if there is no `state` column."""
    if "state" in runs:
        return runs["state"].astype(str).eq("ok")
    return pd.Series(True, index=runs.index)


def states(runs: pd.DataFrame) -> dict[str, int]:
    """Number of runs in each state; all are ok if there is no `state` column."""
    if "state" not in runs:
        return {"ok": len(runs)}
    counted = runs["state"].astype(str).value_counts()
    return {str(state): int(n) for state, n in counted.items()}
