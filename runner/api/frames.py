"""An analysis as data frames: the result of `analyze` and of `found.analysis`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from runner.analysis.analyze import analyze as analyze_runs
from runner.analysis.data.runs_file import from_frame
from runner.analysis.metrics.metric import Metric
from runner.analysis.metrics.registry import CHOOSES
from runner.analysis.result import Analysis

if TYPE_CHECKING:
    import pandas as pd

    from runner.analysis.data.arms import ArmRow
    from runner.analysis.effects import Effect, Interaction
    from runner.records.json_values import JsonValue

EFFECTS = (
    "factor", "level", "reference", "label", "effect", "ci_low", "ci_high", "se", "df", "p",
    "p_adjusted", "verdict", "verdict_population", "mean", "runs", "reason",
)  # fmt: skip
ARMS = (
    "label", "mean", "sd", "low", "high", "runs", "ok", "diverged", "failed", "infra",
    "accuracy", CHOOSES, "seconds",
)  # fmt: skip
INTERACTIONS = ("label", "effect", "ci_low", "ci_high", "se", "df", "p", "p_adjusted", "aliased")


@dataclass(frozen=True)
class Answer:
    """The analysis of one metric, in its unit (percentage points for accuracies).

    whole: the typed analysis, with noise, P(best), divergence and more.
    """

    whole: Analysis

    @cached_property
    def effects(self) -> pd.DataFrame:
        """One row per effect: interval, adjusted p, verdict, and the reason for missing values."""
        return _frame(self.whole.effects, EFFECTS)

    @cached_property
    def interactions(self) -> pd.DataFrame:
        """One row per interaction, largest first; no rows for one-at-a-time designs."""
        return _frame(self.whole.interactions, INTERACTIONS)

    @cached_property
    def arms(self) -> pd.DataFrame:
        """One row per arm: means over its replicates, in per cent and seconds."""
        return _frame(self.whole.arms, ARMS)

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks that a reader of the numbers needs."""
        return self.whole.notes

    def to_json(self) -> Mapping[str, JsonValue]:
        """What `tricks-bench analyze --json` prints."""
        from runner.analysis.to_json import to_json

        return to_json(self.whole)

    def __repr__(self) -> str:
        shown = self.effects[["label", "effect", "ci_low", "ci_high", "verdict"]]
        head = f"effects on {self.whole.metric} {self.whole.estimand} ({self.whole.unit})"
        return f"{head}\n{shown.to_string(index=False)}"

    def _repr_html_(self) -> str:
        return self.effects.to_html(index=False)


def analyze(
    runs: pd.DataFrame,
    factors: Sequence[str] | None = None,
    metric: str | Metric = "accuracy",
    *,
    estimand: str | None = None,
    negligible: float | None = None,
    reference: Mapping[str, str] | None = None,
    test_images: int | None = None,
) -> Answer:
    """Effects of every factor on `metric`, from runs of any tool: one row per run.

    factors: columns; by default every column that varies, except reserved ones such as seconds.
    reference: factor -> level that its other levels are compared with. test_images: number of test
    images. metric: a column; a Metric gives its direction, if its name does not. The rules are the
    same as for `tricks-bench analyze`. Raises BadInput for a table that cannot be used.
    """
    column = metric if isinstance(metric, str) else metric.name
    found = from_frame(runs, factors, column, test_images, reference)
    if isinstance(metric, Metric):
        found = replace(found, larger_is_better=metric.larger_is_better)
    return Answer(analyze_runs(found, column, estimand, negligible))


def _frame(rows: Sequence[Effect | Interaction | ArmRow], names: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame([[getattr(row, name) for name in names] for row in rows], columns=names)
