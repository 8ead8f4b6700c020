"""The noise budget: noise from runs, from test images, and from both together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from runner.analysis.data.estimates import finite
from runner.analysis.effects import Effect
from runner.analysis.power import half_width
from runner.analysis.test_set.image_noise import Parts, Residual
from runner.analysis.test_set.per_image_correctness import Bits

FACTORS = (1, 2, 4, 8, 16, 32)  # times the present runs, or test images


@dataclass(frozen=True)
class MoreSeeds:
    """Half-widths of the middle effect's interval at `times` the runs; times None: the limit.

    here: on these test images; general: over the population of test images.
    """

    times: float | None
    runs: int | None
    here: float | None
    general: float | None


@dataclass(frozen=True)
class MoreImages:
    """Half-widths of the middle effect's interval at `times` the test images; see `MoreSeeds`."""

    times: float | None
    images: int | None
    here: float | None
    general: float | None


@dataclass(frozen=True)
class NoiseBudget:
    """Variance components as sds in pp, and the gain from more runs or test images.

    sd_run: run-to-run sd of an accuracy; sd_seed: the part of it that all test images share;
    residual: one run on one image; sd_image: of an effect from image to image (the median over the
    effects). floor: the sampling sd of one run's accuracy on n images, √(p (1 - p) / n).
    seeds, images: for each multiple of the present runs or images, the expected half-width of the
    middle effect's interval; the last row, with times None, is the limit for infinitely many.
    If `reason` is set, all other fields are None.
    """

    sd_run: float | None = None
    sd_seed: float | None = None
    sd_image: float | None = None
    residual: float | None = None
    floor: float | None = None
    test_images: int | None = None
    runs: int | None = None
    simultaneous: int | None = None
    seeds: tuple[MoreSeeds, ...] | None = None
    images: tuple[MoreImages, ...] | None = None
    reason: str | None = None


def noise_budget(
    effects: Sequence[Effect],
    sigma: float | None,
    level: float,
    split: Sequence[Parts | None],
    found: Bits,
    scatter: Residual,
) -> NoiseBudget:
    """The budget of a table of effects. sigma: run-to-run sd; split: parts of each effect."""
    known = [x for x in split if x is not None]
    if not known:
        return NoiseBudget(reason="no effect has an interval")
    n = found.images
    square = float(np.average(scatter.square, weights=found.count))
    mean = found.accuracy.mean() / 100
    tests = max((e.simultaneous for e in effects), default=1)
    # Medians of each part: one collapsed arm must not dominate all effects.
    run, image, both = (
        float(np.median(part))
        for part in (
            [max(x.run - x.residual, 0.0) for x in known],
            [x.added for x in known],
            [min(x.residual, x.run) for x in known],
        )
    )
    df = float(np.median([x.df for x in known]))
    runs = int(np.median([e.runs for e in effects if e.estimate.se is not None]))

    def row(
        whole: int, seeds: float, images: float
    ) -> tuple[float | None, int | None, float | None, float | None]:
        here = run / seeds + both / seeds / images
        more = image / images
        free = df + (seeds - 1) * runs if np.isfinite(seeds) else np.inf
        variance = here + more
        general_df = np.inf
        if variance > 0:
            parts = here**2 / free + more**2 / (n * images - 1)
            general_df = variance**2 / parts if parts > 0 else np.inf
        times = seeds * images
        wide = half_width(variance**0.5, general_df, level, tests)
        narrow = half_width(here**0.5, free, level, tests)
        half_widths = finite(narrow), finite(max(wide or 0.0, narrow or 0.0))
        if not np.isfinite(times):
            return None, None, *half_widths
        return times, int(whole * times), *half_widths

    return NoiseBudget(
        sd_run=finite(sigma),
        sd_seed=None if sigma is None else float(max(sigma**2 - square / n, 0.0) ** 0.5),
        sd_image=float((image * n) ** 0.5),
        residual=square**0.5,
        floor=float(100 * (mean * (1 - mean) / n) ** 0.5),
        test_images=n,
        runs=runs,
        simultaneous=tests,
        seeds=tuple(MoreSeeds(*row(runs, x, 1.0)) for x in (*FACTORS, np.inf)),
        images=tuple(MoreImages(*row(n, 1.0, x)) for x in (*FACTORS, np.inf)),
    )
