"""Expected calibration error: the distance of confidence from accuracy."""

from __future__ import annotations

from runner.analysis.metrics.metric import Metric
from runner.analysis.metrics.predictions import Predictions

BINS = 15


def ece(found: Predictions) -> float:
    """Percentage points: mean |accuracy − mean confidence| over 15 bins, weighted by images.

    Bins of confidence have equal width and include their upper end (Guo et al. 2017, On calibration
    of modern neural networks, arXiv:1706.04599).
    """
    import numpy as np

    confidence = found.confidence
    places = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    gap = np.bincount(places, weights=found.correct - confidence, minlength=BINS)
    return 100 * float(np.abs(gap).sum() / len(found))


METRICS = (
    Metric(
        "ece", "pp", larger_is_better=False,
        what="Expected calibration error: the distance of confidence from accuracy, over 15 bins.",
        compute=ece,
    ),
)  # fmt: skip
