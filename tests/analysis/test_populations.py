"""Populations of runs from recorded grids."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.populations import without_noise


def test_means_without_noise_vary_as_the_truth_does():
    """Main effects and one interaction of all factors, read twice with noise as large as they."""
    sizes, rng = [2] * 7 + [3], np.random.default_rng(0)
    levels = np.indices(sizes).reshape(8, -1).T
    truth = 80 + (levels @ rng.normal(0, 5, 8)) + rng.normal(0, 2, 384) * (levels[:, 0] == 1)
    once, again = (truth + rng.normal(0, 4, 384) for _ in range(2))
    found = without_noise(once, again, sizes)
    assert ((found - truth) ** 2).mean() < 0.75 * (((once + again) / 2 - truth) ** 2).mean()
    # What interactions add to the truth's variance is there, and what noise adds is not.
    assert found.var() == pytest.approx(truth.var(), rel=0.05)
    assert found.mean() == pytest.approx(((once + again) / 2).mean())


def test_means_read_twice_alike_stay_as_they_are():
    y = np.random.default_rng(0).normal(80, 5, 96)
    assert without_noise(y, y, [2] * 5 + [3]) == pytest.approx(y)
