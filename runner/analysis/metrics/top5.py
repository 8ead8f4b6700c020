"""Top-5 accuracy: the share of images whose class is among the five most probable."""

from __future__ import annotations

from runner.analysis.metrics.metric import Metric
from runner.analysis.metrics.predictions import Predictions


def top5(found: Predictions) -> float:
    """Per cent; 100 if there are at most five classes."""
    return 100 * float((found.rank < 5).mean())


METRICS = (
    Metric(
        "top5", "pp", larger_is_better=True, share=True,
        what="The share of images whose class is among the five most probable.", compute=top5,
    ),
)  # fmt: skip
