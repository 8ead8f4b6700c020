"""The noise floor from the size of a test set, the only noise known with one seed in each arm.

Two kinds of noise follow from the number of test images N and an accuracy p (error 1 - p):
sampling, √(p (1 - p) / N): the sd of the accuracy over other test images of the same kind;
runs, √((1 - p) / 2N): the sd of re-runs on the same images if the network is calibrated
(Jordan 2023, arXiv:2304.01910; derived for two classes). Real runs differ by as much or more.
Assumed noise gives intervals for comparison, never a verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from runner.analysis.data.arm_statistics import distinct
from runner.analysis.data.experiment import Experiment, succeeded, values
from runner.analysis.effects import Effect
from runner.analysis.metrics.registry import named


@dataclass(frozen=True)
class Homogeneity:
    """The χ² test that all runs have the same true accuracy."""

    chi2: float
    df: int
    p: float


@dataclass(frozen=True)
class FloorEffect:
    """An effect and the half-width of its interval alone (z), if `run_sd` were the only noise."""

    label: str
    effect: float | None
    half: float | None


@dataclass(frozen=True)
class NoiseFloor:
    """sampling_sd and run_sd of one accuracy, in pp. With a `reason` all other fields are None."""

    test_images: int | None = None
    sampling_sd: float | None = None
    run_sd: float | None = None
    homogeneity: Homogeneity | None = None
    effects: tuple[FloorEffect, ...] | None = None
    reason: str | None = None


def noise_floor(
    experiment: Experiment, metric: str, effects: Sequence[Effect], level: float
) -> NoiseFloor:
    """The noise that follows from the number of test images, or the reason why it is unknown."""
    runs = experiment.runs
    if not named(metric).share or metric.lower().startswith(("val", "train", "probe")):
        return NoiseFloor(reason=f"{metric} is no accuracy on test images")
    if experiment.scale != "raw":
        return NoiseFloor(reason="effects are on the logit scale")
    if "test_images" not in runs:
        return NoiseFloor(
            reason="the number of test images is not known (analyze CSV --test-images N)"
        )
    y = values(runs, metric)
    usable = (succeeded(runs) & y.notna()).to_numpy()
    images = values(runs, "test_images")[usable]
    if images.isna().any() or images.nunique() != 1 or images.iloc[0] < 1:
        return NoiseFloor(reason="the runs do not have the same number of test images")
    n, share = int(images.iloc[0]), y[usable].to_numpy() / 100
    p = float(share.mean())
    if not 0 < p < 1:
        return NoiseFloor(reason="no accuracy between 0 and 100 %")
    run_sd = 100 * float(np.sqrt((1 - p) / (2 * n)))
    z = float(stats.norm.isf(level / 2))
    arms, cell = distinct(experiment.codes[usable])
    count = dict(zip(map(tuple, arms), np.bincount(cell), strict=True))
    listed = []
    for effect in effects:
        of, half = effect.estimate.of, None
        if of is not None:
            each = np.array([count[tuple(levels)] for levels in of.levels])
            half = z * run_sd * float(np.sqrt((of.weights**2 / each).sum()))
        listed.append(FloorEffect(effect.label, effect.estimate.value, half))
    square = float(((share - p) ** 2).sum() * n / (p * (1 - p)))
    df = len(share) - 1
    return NoiseFloor(
        test_images=n,
        sampling_sd=100 * float(np.sqrt(p * (1 - p) / n)),
        run_sd=run_sd,
        homogeneity=Homogeneity(square, df, float(stats.chi2.sf(square, df))) if df else None,
        effects=tuple(listed),
    )
