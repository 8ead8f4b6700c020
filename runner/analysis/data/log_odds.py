"""The logit scale: a share of test images as log-odds, which makes noise near 100 % more even."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from runner.analysis.data.experiment import Experiment, succeeded, values
from runner.analysis.metrics.registry import named
from tricks.errors import BadInput

IMAGES = 10_000  # test images, if the runs do not say their number


def in_logits(experiment: Experiment, metric: str) -> Experiment:
    """The experiment with `metric`, in per cent, as log((y n + ½) / ((1 - y) n + ½)), n images.

    Raises BadInput for a metric that is no percentage.
    """
    y = values(experiment.runs, metric)
    fine = y[succeeded(experiment.runs)].dropna()
    if not named(metric).share or not fine.between(0, 100).all():
        raise BadInput(f"the logit scale is for percentages between 0 and 100, not for {metric}")
    notes = list(experiment.notes)
    n = np.full(len(y), float(IMAGES))
    if "test_images" in experiment.runs:
        counted = values(experiment.runs, "test_images").to_numpy()
        n = np.where(counted > 0, counted, IMAGES)
    elif fine.isin([0, 100]).any():
        notes.append(
            f"Logits of 0 and 100 % assume {IMAGES:,} images: there is no column test_images."
        )
    share = y.clip(0, 100) / 100
    logit = np.log((share * n + 0.5) / ((1 - share) * n + 0.5))
    return replace(experiment, runs=experiment.runs.assign(**{metric: logit}), notes=tuple(notes))


def percentage(logit: float) -> float:
    """The share in per cent of a logit.

    >>> percentage(0.0)
    50.0
    """
    return float(100 / (1 + np.exp(-logit)))
