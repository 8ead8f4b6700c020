"""JSON values of results; no other module makes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from runner.analysis.collapsed import Collapsed
from runner.analysis.comparisons.pairing import Pairing
from runner.analysis.data.arms import OTHERS
from runner.analysis.data.estimates import finite
from runner.analysis.effects import BaselineEffect, Effect, Interaction, SimpleEffect
from runner.analysis.model.lack_of_fit import LackOfFit
from runner.analysis.power import MoreRuns
from runner.analysis.result import Analysis, RunCounts
from runner.analysis.test_set.classification import Classification, ClassRow, Confused
from runner.analysis.test_set.noise_budget import NoiseBudget

ESTIMATE = ("effect", "ci_low", "ci_high", "se", "df", "p", "reason")
# The attributes in JSON, in order, by type; of other types JSON has all fields.
KEYS: dict[type, tuple[str, ...]] = {
    SimpleEffect: ESTIMATE,
    BaselineEffect: (*ESTIMATE, "population"),
    MoreRuns: ("runs", "to", "reason"),
    Effect: (
        "factor", "level", "reference", "label", *ESTIMATE, "ci_alone", "ci_together",
        "p_adjusted", "verdict", "runs", "simultaneous", "mean", "population",
        "verdict_population", "at_baseline", "at_baseline_from", "depends_on", "may_depend_on",
        "time", "worst_rank", "to_decide", "odds_ratio",
    ),
    Interaction: ("label", "terms", "aliased", *ESTIMATE, "p_adjusted"),
    LackOfFit: (
        "mean_square", "df", "pure", "pure_df", "p", "used", "missing", "interactions", "rest",
        "rest_df",
    ),
    Analysis: (
        "metric", "unit", "larger_is_better", "layout", "estimand", "sigma", "sigma_source",
        "error_term", "df", "df_of_intervals", "lack_of_fit", "level", "confidence", "negligible",
        "adjustment", "effects", "interactions", "arms", "divergence", "collapsed", "runs", "notes",
        "half_normal", "half_normal_reason", "best", "best_reason", "noise", "pairing", "floor",
        "published", "pareto", "detectable", "equal_arms",
    ),
    Classification: (
        "images", "accuracy", "ci_low", "ci_high", "loss", "classes", "confused", "confusion",
    ),
}  # fmt: skip


def to_json(result: Analysis | Classification) -> dict[str, Any]:
    """The JSON of `analyze --json` and `evaluate --json`: no NaN; unknown values are null."""
    found = _record(result)
    if isinstance(result, Analysis):
        absent = set(OTHERS) - set(result.arm_columns)
        found["arms"] = [{k: v for k, v in row.items() if k not in absent} for row in found["arms"]]
        if result.by_lenth:
            del found["detectable"]
    return found


def _record(result: Any) -> dict[str, Any]:
    """A dataclass as an object; its keys are the attributes, except for the cases below."""
    if isinstance(result, RunCounts):
        return {"used": result.used, "total": result.total, **result.states}
    if isinstance(result, NoiseBudget) and result.reason is not None:
        return {"reason": result.reason}
    keys = KEYS.get(type(result)) or tuple(field.name for field in fields(result))
    found = {key: _value(getattr(result, key)) for key in keys}
    if isinstance(result, Collapsed) and result.arms is not None:
        del found["reason"]
    if isinstance(result, Pairing) and result.rho is None:
        found["reason"] = found.pop("reason")  # moved to the end
    if isinstance(result, (ClassRow, Confused)):
        return {"class": found.pop("name"), **found}
    return found


def _value(value: Any) -> Any:
    if is_dataclass(value):
        return _record(value)
    if isinstance(value, float):
        return finite(value)
    if isinstance(value, Mapping):
        return {key: _value(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, (tuple, list)):
        return [_value(item) for item in value]
    return value
