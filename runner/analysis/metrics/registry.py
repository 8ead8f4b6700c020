"""The registry of metrics: files in this folder define METRICS; plug-ins call `register`.

from runner.analysis.metrics.metric import Metric
from runner.analysis.metrics.registry import register

register(Metric("top2", "pp", larger_is_better=True, share=True,
                what="…", compute=lambda found: 100 * float((found.rank < 2).mean())))
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

from runner.analysis.metrics.guess import guessed
from runner.analysis.metrics.metric import Metric, check
from runner.analysis.metrics.predictions import Predictions
from runner.designs.reserved import is_bookkeeping
from tricks.errors import BadInput

VALIDATION_PREFIX = "val_"  # prefix of the column of a metric on validation images
# The metric of every choice: of a value, an arm, a time to stop.
CHOOSES: Final = "val_accuracy"

REGISTERED: dict[str, Metric] = {}  # of plug-ins


@cache
def built_in() -> dict[str, Metric]:
    """The metrics of the files in this folder, by name."""
    found = pkgutil.iter_modules([str(Path(__file__).parent)], f"{__package__}.")
    modules = [importlib.import_module(m.name) for m in found]
    return {m.name: m for module in modules for m in getattr(module, "METRICS", ())}


def known() -> dict[str, Metric]:
    """All metrics by name, those of plug-ins last."""
    return {**built_in(), **REGISTERED}


def computed() -> list[Metric]:
    """The metrics that are computed from predictions."""
    return [metric for metric in known().values() if metric.compute is not None]


def register(metric: Metric) -> Metric:
    """Add a metric that is computed from predictions; returns it.

    Raises BadInput for a name that is taken, and for a metric that `metric.check` refuses. A file
    that is loaded again may register its metric again.
    """
    check(metric)
    held = REGISTERED.get(metric.name)
    again = held is not None and _file(held) == _file(metric)
    if metric.name in built_in() or is_bookkeeping(metric.name) or (held and not again):
        raise BadInput(f"metric {metric.name}: there is another column of that name")
    REGISTERED[metric.name] = metric
    return metric


def find(column: str) -> Metric | None:
    """The metric of a column, with the column's name; None if no metric has this name."""
    name, metrics = column.lower(), known()
    found = metrics.get(name)
    if found is None and name.startswith(VALIDATION_PREFIX):
        found = metrics.get(name.removeprefix(VALIDATION_PREFIX))
        if found is not None and found.compute is None:
            return None
    if found is None:
        return None
    return replace(found, name=column, unit=column if found.unit == found.name else found.unit)


def named(column: str) -> Metric:
    """The metric of a column; for an unknown name a guess."""
    return find(column) or guessed(column)


def direction(column: str, declared: bool | None) -> bool | None:
    """Whether more of a column is better: as declared, else by name; None if both are unknown."""
    return named(column).larger_is_better if declared is None else declared


def metric_values(predictions: Predictions) -> dict[str, float | None]:
    """Every computed metric by name; None if a plug-in's metric fails: stderr says why."""
    found: dict[str, float | None] = {}
    for metric in computed():
        try:
            found[metric.name] = value_of(metric, predictions)
        except BadInput as error:  # one failing metric must not lose the training
            found[metric.name] = None
            print(error, file=sys.stderr)
    return found


def value_of(metric: Metric, predictions: Predictions) -> float:
    """The metric, from the predictions on a split. Raises BadInput if it cannot be computed."""
    assert metric.compute is not None
    try:
        return float(metric.compute(predictions))
    except Exception as error:  # a plug-in's function may raise anything
        raise BadInput(
            f"the metric {metric.name} cannot be computed: {type(error).__name__}: {error}"
        ) from error


def _file(metric: Metric) -> str | None:
    """The module that computes the metric."""
    return getattr(metric.compute, "__module__", None)
