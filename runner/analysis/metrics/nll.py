"""Negative log-likelihood of the true class."""

from __future__ import annotations

from runner.analysis.metrics.metric import Metric
from runner.analysis.metrics.predictions import Predictions


def nll(found: Predictions) -> float:
    """Nats: the mean of −log of the probability of the true class."""
    return -float(found.log_truth.mean(dtype="float64"))


METRICS = (
    Metric(
        "nll", "nat", larger_is_better=False,
        what="The mean of −log of the probability of the true class.", compute=nll,
    ),
)  # fmt: skip
