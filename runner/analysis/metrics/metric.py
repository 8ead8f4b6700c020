"""Metric: a number that a run is judged by."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from runner.analysis.metrics.predictions import Predictions
from tricks.errors import BadInput

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True)
class Metric:
    """A column of the table, and how to read it.

    unit: of effects: "pp" (percentage points), "nat", "s" … larger_is_better: None where that is
    not known. share: whether it is a percentage of
    test images, so that the size of the test set tells its noise. what: one sentence. compute:
    from the predictions on a split; the metric then has a column for test images, called `name`,
    and one for validation images, `val_<name>`. None: it does not follow from predictions.
    """

    name: str
    unit: str
    larger_is_better: bool | None
    share: bool = False
    what: str = ""
    compute: Callable[[Predictions], float] | None = None


def check(metric: Metric) -> None:
    """Raises BadInput for a metric of a third party that could not be a column, or not computed."""
    if not _NAME.fullmatch(metric.name) or metric.name.startswith("val_"):
        raise BadInput(
            f"metric {metric.name!r}: its name has lower-case letters, digits and _ (40 at most), "
            "and does not start with val_, which is put before it for validation images"
        )
    if not metric.unit:
        raise BadInput(f"metric {metric.name}: it has no unit (pp, nat, ...)")
    if not callable(metric.compute):
        raise BadInput(f"metric {metric.name}: it has no function that computes it")
