"""Accuracy: the share of images that are predicted correctly."""

from __future__ import annotations

from runner.analysis.metrics.metric import Metric
from runner.analysis.metrics.predictions import Predictions


def accuracy(found: Predictions) -> float:
    """Per cent."""
    return 100 * float(found.correct.mean())


METRICS = (
    Metric(
        "accuracy", "pp", larger_is_better=True, share=True,
        what="The share of images that are predicted correctly.", compute=accuracy,
    ),
)  # fmt: skip
