"""Macro F1: the mean over classes of F1, so that rare classes count as much as common ones."""

from __future__ import annotations

from runner.analysis.metrics.metric import Metric
from runner.analysis.metrics.predictions import Predictions


def macro_f1(found: Predictions) -> float:
    """Per cent. F1 of a class is 2 hits / (images of the class + images predicted as it).

    A class without images that is never predicted does not count.
    """
    import numpy as np

    there = np.bincount(found.truth, minlength=found.classes)
    predicted = np.bincount(found.predicted, minlength=found.classes)
    hits = np.bincount(found.truth[found.correct], minlength=found.classes)
    total = there + predicted
    counts = total > 0
    return 100 * float((2 * hits[counts] / total[counts]).mean())


METRICS = (
    Metric(
        "macro_f1", "pp", larger_is_better=True,
        what="The mean over classes of F1, the harmonic mean of precision and recall.",
        compute=macro_f1,
    ),
)  # fmt: skip
