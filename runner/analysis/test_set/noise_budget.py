"""The noise budget: what comes from runs, from test images and from both together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from runner.analysis.effects import Analysis, finite
from runner.analysis.power import half_width
from runner.analysis.test_set.bits import Bits
from runner.analysis.test_set.image_noise import Parts, Residual

FACTORS = (1, 2, 4, 8, 16, 32)  # times the present runs, or test images


def noise_budget(
    analysis: Analysis, split: Sequence[Parts | None], found: Bits, scatter: Residual
) -> dict[str, Any]:
    """Variance components as sds in pp, and what more runs or test images would buy.

    sd_run: run-to-run sd of an accuracy; sd_seed: the part of it that all test images share;
    residual: one run on one image; sd_image: of an effect from image to image (the middle one of
    the effects). floor: the sampling sd of one run's accuracy on so many images, √(p (1 - p) / n).
    seeds, images: for each multiple of the present runs or images the expected half-width of the
    middle effect's interval on these test images ("here") and in general; the last row, with
    times null, is what no number of them gets below.
    """
    known = [x for x in split if x is not None]
    if not known:
        return {"reason": "no effect has an interval"}
    n = found.images
    square = float(np.average(scatter.square, weights=found.count))
    mean = found.accuracy.mean() / 100
    tests = max((e.simultaneous for e in analysis.effects), default=1)
    # Medians of each part: one collapsed arm must not stand for all effects.
    run, image, both = (
        float(np.median(part))
        for part in (
            [max(x.run - x.residual, 0.0) for x in known],
            [x.added for x in known],
            [min(x.residual, x.run) for x in known],
        )
    )
    df = float(np.median([x.df for x in known]))
    runs = int(np.median([e.runs for e in analysis.effects if e.estimate.se is not None]))

    def row(name: str, whole: int, seeds: float, images: float) -> dict[str, Any]:
        here = run / seeds + both / seeds / images
        more = image / images
        free = df + (seeds - 1) * runs if np.isfinite(seeds) else np.inf
        variance = here + more
        general_df = np.inf
        if variance > 0:
            parts = here**2 / free + more**2 / (n * images - 1)
            general_df = variance**2 / parts if parts > 0 else np.inf
        times = seeds * images
        wide = half_width(variance**0.5, general_df, analysis.level, tests)
        narrow = half_width(here**0.5, free, analysis.level, tests)
        finite_times = np.isfinite(times)
        return {
            "times": times if finite_times else None,
            name: int(whole * times) if finite_times else None,
            "here": finite(narrow),
            "general": finite(max(wide or 0.0, narrow or 0.0)),
        }

    sigma = analysis.sigma
    return {
        "sd_run": finite(sigma),
        "sd_seed": None if sigma is None else float(max(sigma**2 - square / n, 0.0) ** 0.5),
        "sd_image": float((image * n) ** 0.5),
        "residual": square**0.5,
        "floor": float(100 * (mean * (1 - mean) / n) ** 0.5),
        "test_images": n,
        "runs": runs,
        "simultaneous": tests,
        "seeds": [row("runs", runs, x, 1.0) for x in (*FACTORS, np.inf)],
        "images": [row("images", n, 1.0, x) for x in (*FACTORS, np.inf)],
        "reason": None,
    }
