"""Experiment: the runs of a study as a table, with the factors that were varied."""

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
    """Runs and what was varied between them.

    runs: one row a run; a column for each factor holds the level's name, the others are metrics
        and bookkeeping; `state`, where there is one, is "ok" for runs that finished.
    factors: name -> levels, the first being the reference (the baseline's).
    grid: the design's name; "" if it is to be read off the data.
    order: the factors in the order of a cumulative grid.
    reference: factor -> level of the arm with all on (leave-one-out); empty: read off the data.
    notes: remarks that belong beside every result.
    level: the error rate of every test; every interval's confidence is 1 - level (a study with
        several looks has a smaller one at each).
    noise: "own", each arm has its own run-to-run sd, or "equal", all arms have the same one.
    scale: "raw", the metric as it is, or "logit", log-odds of a share of test images.
    remarks: metric -> what has to stand beside its name wherever its values do.
    larger_is_better: whether more of the metric is better, where that was told; None: by its name.
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
        """The design that `grid` names; None where the layout is to be read off the data."""
        return grids().get(self.grid)

    @property
    def sizes(self) -> list[int]:
        """The number of levels of each factor."""
        return [len(levels) for levels in self.factors.values()]

    @cached_property
    def codes(self) -> np.ndarray:
        """`level_codes` of all runs."""
        return level_codes(self.runs, self.factors)


def values(runs: pd.DataFrame, metric: str) -> pd.Series:
    """The metric as floats, NaN where a run has none. Raises BadInput for an unknown column."""
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


def level_codes(runs: pd.DataFrame, factors: Mapping[str, tuple[str, ...]]) -> np.ndarray:
    """(runs, factors) level indices. Raises BadInput where a run has a level nobody declared."""
    codes = np.zeros((len(runs), len(factors)), dtype=np.int64)
    for j, (name, levels) in enumerate(factors.items()):
        if name not in runs:
            raise BadInput(f"the runs have no column for the factor {name!r}")
        column: Any = pd.Categorical(runs[name].astype(str), categories=list(levels))
        codes[:, j] = column.codes
        if (codes[:, j] < 0).any():
            stranger = runs[name].iloc[int(np.argmax(codes[:, j] < 0))]
            raise unknown(f"level of {name}", str(stranger), levels)
    return codes
