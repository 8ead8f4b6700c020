"""Negative log-likelihood: how improbable the model found the truth."""

from __future__ import annotations

from runner.analysis.metrics.metric import Metric
from runner.analysis.metrics.predictions import Predictions


def nll(found: Predictions) -> float:
    """Nats: the mean of −log of the probability that the truth got."""
    return -float(found.log_truth.mean(dtype="float64"))


METRICS = (
    Metric(
        "nll", "nat", larger_is_better=False,
        what="The mean of −log of the probability that the true class got.", compute=nll,
    ),
)  # fmt: skip
