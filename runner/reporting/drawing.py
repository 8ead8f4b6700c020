"""Which plots the data allow, drawn and saved."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.reporting.arms import time_column

if TYPE_CHECKING:
    import pandas as pd

Answer = dict[str, Any]


def draw(
    experiment: Any,
    curves: pd.DataFrame,
    records: list[dict[str, Any]],
    a: Answer,
    out: Path,
    tuning: Mapping[str, Any] | None,
) -> dict[str, str]:
    """Draw into the folder `out`. Returns plot -> file name of its PNG. Raises OSError."""
    import matplotlib

    from runner.reporting.plots import (
        forest,
        half_normal,
        heatmap,
        learning,
        noise_panel,
        pareto,
        rates,
        seeds,
        style,
        tuned,
        waterfall,
    )

    runs, factors = experiment.runs, experiment.factors
    with matplotlib.rc_context(style.RC):
        drawn = {
            "effects": forest.forest(a),
            "noise": noise_panel.noise_panel(a),
            "seeds": seeds.seeds(a, runs, factors),
            "interactions": heatmap.heatmap(a),
            "accuracy-time": pareto.pareto(a, time_column(a)),
            "half-normal": half_normal.half_normal(a),
            "waterfall": waterfall.waterfall(a) if a["layout"] == "cumulative" else None,
            "learning-curves": learning.learning(a, runs, curves, factors),
            "learning-rates": rates.learning_rates(a, runs, curves, records),
            "fixed-tuned": tuned.fixed_tuned(tuning) if tuning else None,
            "tuning": tuned.tuning(tuning) if tuning else None,
        }
        return {name: style.save(fig, out, name) for name, fig in drawn.items() if fig is not None}
