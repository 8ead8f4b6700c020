"""Analysis: all results of the runs for one metric."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from runner.analysis.best import Best
from runner.analysis.collapsed import Collapsed
from runner.analysis.comparisons.pairing import Pairing
from runner.analysis.data.arms import ArmRow
from runner.analysis.data.divergence import Divergence
from runner.analysis.data.equal_arms import EqualArms
from runner.analysis.effects import Effect, Estimated, Interaction
from runner.analysis.model.half_normal_plot import HalfNormalPlot
from runner.analysis.model.lack_of_fit import LackOfFit
from runner.analysis.pareto import Pareto
from runner.analysis.power import Detectable
from runner.analysis.published import PublishedEffect
from runner.analysis.test_set.noise_budget import NoiseBudget
from runner.analysis.test_set.noise_floor import NoiseFloor
from runner.analysis.verdicts import Rules, by_interval


@dataclass(frozen=True)
class RunCounts:
    """used: runs with a value of the metric; total: all runs; states: runs in each state."""

    used: int = 0
    total: int = 0
    states: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Analysis:
    """All results of the runs for one metric. Values are in `unit`.

    layout: factorial, one-at-a-time, cumulative or pairs. df: degrees of freedom of sigma; the df
    of an interval is in its effect's estimate. negligible: effects within ± this margin are
    negligible; None: no margin. level: error rate of the tests.
    `analyze` fills in the fields with defaults step by step.
    arm_columns: the columns of the arms that the runs have, see `ArmTable.columns`.
    best, half_normal: None with the reason in the field beside it. detectable: None if no effect
    has an interval, or if the error is Lenth's.
    """

    metric: str
    unit: str
    larger_is_better: bool | None
    layout: str
    estimand: str
    sigma: float | None
    sigma_source: str
    error_term: str
    df: float | None
    negligible: float | None
    level: float
    adjustment: str
    effects: tuple[Effect, ...]
    interactions: tuple[Interaction, ...]
    notes: tuple[str, ...]
    lack_of_fit: LackOfFit | None = None
    arms: tuple[ArmRow, ...] = ()
    arm_columns: tuple[str, ...] = ()
    divergence: tuple[Divergence, ...] = ()
    collapsed: Collapsed = field(default_factory=Collapsed)
    runs: RunCounts = field(default_factory=RunCounts)
    half_normal: HalfNormalPlot | None = None
    half_normal_reason: str | None = None
    best: Best | None = None
    best_reason: str | None = None
    noise: NoiseBudget = field(default_factory=NoiseBudget)
    pairing: Pairing = field(default_factory=Pairing)
    floor: NoiseFloor = field(default_factory=NoiseFloor)
    published: tuple[PublishedEffect, ...] = ()
    pareto: Pareto = field(default_factory=Pareto)
    equal_arms: tuple[EqualArms, ...] = ()
    detectable: Detectable | None = None
    remark: str = ""  # printed with the metric's name wherever its values are printed

    @property
    def title(self) -> str:
        """The metric's name for tables and figures."""
        return f"{self.metric} ({self.remark})" if self.remark else self.metric

    @property
    def df_of_intervals(self) -> tuple[float, float] | None:
        """The smallest and the largest df of the effects' intervals; None without intervals."""
        known = [e.estimate.df for e in self.effects if e.estimate.se is not None]
        df = [x for x in known if x is not None and math.isfinite(x)]
        return (min(df), max(df)) if df else None

    @property
    def confidence(self) -> float:
        """The confidence of every interval, between 0 and 1."""
        return 1 - self.level

    def verdict_alone(self, one: Estimated) -> str:
        """The verdict by the interval of `one`, not adjusted for the number of effects."""
        rules = Rules(self.negligible, self.larger_is_better, self.level)
        return by_interval(one.ci_low, one.ci_high, rules)

    @property
    def by_lenth(self) -> bool:
        """Whether the error is Lenth's; its margin has no simple power formula."""
        return self.error_term.startswith("Lenth")

    @property
    def time_column(self) -> str:
        """The column of the arms' training time."""
        return "cpu_seconds" if "cpu_seconds" in self.arm_columns else "train_seconds"
