"""The numbers behind a page: runs, rows of runs, and effects by metric, as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from runner.analysis.analyze import analyze
from runner.analysis.data.experiment import succeeded, values
from runner.analysis.data.labels import level_label
from runner.analysis.effects import GRID, Effect
from runner.analysis.metrics.registry import computed
from runner.analysis.result import Analysis
from runner.designs.layout import CUMULATIVE
from runner.records.json_values import JsonValue
from runner.reporting.material import Material
from runner.reporting.wording import confidence, is_placebo
from runner.text import visible
from tricks.errors import BadInput

MOST_ARMS = 40  # with more arms, a row has the runs at a level of a factor
MOST_POINTS = 300  # in a row
MOST_RUNS = 10_000  # a larger study is analysed by the report's metric only
DIGITS = 6  # digits of a run's values
MORE = 12  # digits of an effect's values, which the script rounds again


@dataclass(frozen=True)
class RunRow:
    """A row of runs. places: indices of at most MOST_POINTS runs, spread evenly; of: all runs."""

    label: str
    places: Sequence[int]
    of: int

    def to_json(self, numbers: Mapping[int, int]) -> JsonValue:
        """As JSON. numbers: index of a run in the experiment -> index among the drawn runs."""
        runs: list[JsonValue] = [numbers[place] for place in self.places]
        return {"label": visible(self.label), "runs": runs, "of": self.of}


def page_data(m: Material) -> str:
    """The JSON text, escaped so that it cannot end its HTML element.

    `metrics`: name, unit, whether larger is better, margin, estimand, confidence, effects. `runs`:
    one list for each column of the drawn runs: id, seed, seconds, and values by metric. `rows`:
    label, indices of runs in these lists, and the number of all runs.
    """
    runs = m.experiment.runs.reset_index(drop=True)
    analyses = _analyses(m)
    named = {arm.label: dict(arm.levels) for arm in m.analysis.arms}
    few = len(named) <= MOST_ARMS
    rows = _by_arm(runs, named) if few else _by_level(m, runs)
    drawn = sorted({place for row in rows for place in row.places})
    runs = runs.iloc[drawn].reset_index(drop=True)
    usable = succeeded(runs)
    seconds = values(runs, m.analysis.time_column) if m.analysis.time_column in runs else None
    page: dict[str, JsonValue] = {
        "metrics": [_metric(a) for a in analyses],
        "runs": {
            "id": [str(x) for x in runs["id"]] if "id" in runs else [str(i) for i in runs.index],
            "seed": [int(x) for x in runs["seed"]] if "seed" in runs else [],
            "seconds": _numbers(seconds) if seconds is not None else [],
            "values": [_numbers(values(runs, a.metric).where(usable)) for a in analyses],
        },
        "rows": [row.to_json({place: i for i, place in enumerate(drawn)}) for row in rows],
        "arms": few,
    }
    text = json.dumps(page, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def _analyses(m: Material) -> list[Analysis]:
    """The analysis of the report's metric, then of every other metric that the runs have."""
    names = [metric.name for metric in computed()]
    wanted = ["accuracy", "val_accuracy", *names, "loss", m.analysis.time_column]
    found = [m.analysis]
    if len(m.experiment.runs) > MOST_RUNS:
        return found
    for name in dict.fromkeys(wanted):
        if name == m.analysis.metric or name not in m.experiment.runs:
            continue
        if m.experiment.runs[name].isna().all():
            continue
        try:
            found.append(analyze(m.experiment, name))
        except BadInput:  # these runs cannot be analysed by this metric
            continue
    return found


def _metric(a: Analysis) -> dict[str, JsonValue]:
    effects = list(a.effects)
    if a.layout != CUMULATIVE:
        effects.sort(key=lambda e: -(e.effect or 0.0))
    return {
        "name": a.metric,
        "unit": a.unit,
        "percent": a.unit == "pp",
        "larger": a.larger_is_better,
        "margin": a.negligible,
        "estimand": a.estimand,
        "confidence": confidence(a),
        "effects": [_effect(a, e) for e in effects if e.effect is not None],
    }


def _effect(a: Analysis, e: Effect) -> dict[str, JsonValue]:
    alone = e.at_baseline if a.estimand == GRID else None
    three = None if alone is None or alone.effect is None else alone
    return {
        "label": visible(e.label),
        "verdict": "placebo" if is_placebo(e) else e.verdict,
        "at": _short(e.effect, MORE),
        "low": _short(e.ci_low, MORE),
        "high": _short(e.ci_high, MORE),
        "runs": e.runs,
        "alone": None if three is None else [
            _short(x, MORE) for x in (three.effect, three.ci_low, three.ci_high)
        ],
    }  # fmt: skip


def _by_arm(runs: pd.DataFrame, arms: Mapping[str, Mapping[str, str]]) -> list[RunRow]:
    names = list(next(iter(arms.values()), {}))
    keys = list(zip(*(runs[name].astype(str) for name in names), strict=True)) if names else []
    places: dict[tuple[str, ...], list[int]] = {}
    for i, key in enumerate(keys):
        places.setdefault(key, []).append(i)
    return [_row(label, places.get(tuple(levels.values()), [])) for label, levels in arms.items()]


def _by_level(m: Material, runs: pd.DataFrame) -> list[RunRow]:
    rows: list[RunRow] = []
    for name, levels in m.experiment.factors.items():
        column = runs[name].astype(str)
        for level in levels:
            label = f"{name}={level}"
            if level != levels[0]:
                label = level_label(name, level, levels[0], len(levels))
            rows.append(_row(label, [int(i) for i in runs.index[column.eq(level)]]))
    return rows


def _row(label: str, places: Sequence[int]) -> RunRow:
    step = max(1, -(-len(places) // MOST_POINTS))
    return RunRow(label, places[::step], len(places))


def _numbers(column: Iterable[float]) -> list[JsonValue]:
    return [_short(float(x)) for x in column]


def _short(value: float | None, digits: int = DIGITS) -> float | None:
    return None if value is None or value != value else float(f"{value:.{digits}g}")
