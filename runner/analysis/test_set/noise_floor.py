"""The noise floor that the size of a test set makes: all that one seed in each arm can tell.

Two noises follow from the number of test images N alone, for an accuracy p (error 1 - p):
sampling, √(p (1 - p) / N): how far accuracies on other test images of the same kind would be off;
runs, √((1 - p) / 2N): how far re-runs on the same images differ if the network is calibrated
(Jordan 2023, arXiv:2304.01910; derived for two classes). Real runs differ by that or more.
An assumed noise gives intervals to compare with, never a verdict.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from runner.analysis.data.cells import distinct
from runner.analysis.data.experiment import Experiment, level_codes, succeeded, values
from runner.analysis.data.metrics import is_share
from runner.analysis.effects import Analysis


def floor(experiment: Experiment, analysis: Analysis) -> dict[str, Any]:
    """sampling_sd and run_sd of one accuracy, in pp; homogeneity: the χ² test that all runs have
    one probability of being right; effects: each with half of its interval if run_sd were all the
    noise (z), for this effect alone. A reason instead where test images or accuracies are unknown.
    """
    metric, runs = analysis.metric, experiment.runs
    if not is_share(metric) or metric.lower().startswith(("val", "train", "probe")):
        return _none(f"{metric} is no accuracy on test images")
    if experiment.scale != "raw":
        return _none("effects are on the logit scale")
    if "test_images" not in runs:
        return _none("the number of test images is not known (analyze CSV --test-images N)")
    y = values(runs, metric)
    usable = succeeded(runs) & y.notna()
    images = values(runs, "test_images")[usable]
    if images.isna().any() or images.nunique() != 1 or images.iloc[0] < 1:
        return _none("the runs do not have the same number of test images")
    n, share = int(images.iloc[0]), y[usable].to_numpy() / 100
    p = float(share.mean())
    if not 0 < p < 1:
        return _none("no accuracy between 0 and 100 %")
    run_sd = 100 * float(np.sqrt((1 - p) / (2 * n)))
    z = float(stats.norm.isf(analysis.level / 2))
    arms, cell = distinct(level_codes(runs[usable], experiment.factors))
    count = dict(zip(map(tuple, arms), np.bincount(cell), strict=True))
    listed = []
    for effect in analysis.effects:
        of, half = effect.estimate.of, None
        if of is not None:
            each = np.array([count[tuple(levels)] for levels in of.levels])
            half = z * run_sd * float(np.sqrt((of.weights**2 / each).sum()))
        listed.append({"label": effect.label, "effect": effect.estimate.value, "half": half})
    square = float(((share - p) ** 2).sum() * n / (p * (1 - p)))
    df = len(share) - 1
    return {
        "test_images": n,
        "sampling_sd": 100 * float(np.sqrt(p * (1 - p) / n)),
        "run_sd": run_sd,
        "homogeneity": {"chi2": square, "df": df, "p": float(stats.chi2.sf(square, df))}
        if df
        else None,
        "effects": listed,
        "reason": None,
    }


def _none(reason: str) -> dict[str, Any]:
    keys = ("test_images", "sampling_sd", "run_sd", "homogeneity", "effects")
    return {**dict.fromkeys(keys), "reason": reason}
