"""The half-normal plot: contrasts by size against the quantiles of pure noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from runner.analysis.model.lenth import HalfNormal


@dataclass(frozen=True)
class PlottedContrast:
    """A contrast and its half-normal quantile. above: beyond the simultaneous margin."""

    label: str
    effect: float
    quantile: float
    above: bool


@dataclass(frozen=True)
class HalfNormalPlot:
    """Contrasts by size, the pseudo standard error and both margins; what: a description."""

    pse: float
    margin: float
    simultaneous_margin: float
    what: str
    contrasts: tuple[PlottedContrast, ...]


def half_normal_plot(found: HalfNormal) -> HalfNormalPlot:
    """Contrasts by size with their half-normal quantiles, PSE and both margins."""
    m = len(found.effects)
    order = np.argsort(np.abs(found.effects), kind="stable")
    at = stats.norm.ppf(0.5 + 0.5 * (np.arange(m) + 0.5) / m)
    limit = found.simultaneous_margin(found.level)
    return HalfNormalPlot(
        pse=found.pse,
        margin=found.margin(found.level),
        simultaneous_margin=limit,
        what="contrasts on the scale of main effects (the contrast of an interaction is half its "
        "size in the table of interactions); above: beyond the simultaneous margin",
        contrasts=tuple(
            PlottedContrast(
                found.labels[i],
                float(found.effects[i]),
                float(q),
                bool(abs(found.effects[i]) > limit),
            )
            for q, i in zip(at, order, strict=True)
        ),
    )
