"""Metric: a number by which runs are judged."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from runner.analysis.metrics.predictions import Predictions
from tricks.errors import BadInput

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True)
class Metric:
    """A column of the table, with its unit and direction.

    unit: of effects: "pp" (percentage points), "nat", "s" … larger_is_better: None if unknown.
    share: whether it is a percentage of test images, whose noise follows from the size of the test
    set. what: one sentence. compute: a function of the predictions on a split; the metric then has
    a column for test images, called `name`, and one for validation images, `val_<name>`. None: the
    metric is not computed from predictions.
    """

    name: str
    unit: str
    larger_is_better: bool | None
    share: bool = False
    what: str = ""
    compute: Callable[[Predictions], float] | None = None


def check(metric: Metric) -> None:
    """Raises BadInput for a metric that cannot be a column, or has no function or unit."""
    if not _NAME.fullmatch(metric.name) or metric.name.startswith("val_"):
        raise BadInput(
            f"metric {metric.name!r}: a name has lower-case letters, digits and _ (40 at most). It "
            "does not start with val_, the prefix of metrics on validation images"
        )
    if not metric.unit:
        raise BadInput(f"metric {metric.name}: it has no unit (pp, nat, ...)")
    if not callable(metric.compute):
        raise BadInput(f"metric {metric.name}: it has no function that computes it")
