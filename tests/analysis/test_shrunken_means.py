"""Posteriors of arms' means, with and without a model, against simulated and integrated truth."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import integrate

from benchmarks.simulation import Layout, layout, prepared, tables
from runner.analysis.best import wins
from runner.analysis.data.arm_statistics import Cells
from runner.analysis.data.shrunken_means import WIDEST, drawn_means
from runner.analysis.model.model_means import ModelMeans


def cells_of(mean, sd, runs):
    """Cells whose arms have exactly these means and sds."""
    mean, count = np.asarray(mean, dtype=float), np.full(len(mean), runs)
    return Cells(np.arange(len(mean))[:, None], count, mean, (count - 1.0) * np.asarray(sd) ** 2)


def drawn_cells(rng, true, noise, runs):
    y = true[:, None] + noise * rng.standard_normal((len(true), runs))
    return cells_of(y.mean(axis=1), y.std(axis=1, ddof=1), runs)


def test_means_are_drawn_together_as_the_integral_over_their_spread_says():
    """With noise all but known (400 runs an arm), by quadrature over the sd between arms."""
    mean, runs = np.array([90.0, 90.4, 91.5, 89.8]), 400
    cells = cells_of(mean, np.full(4, 10.0), runs)
    own = 10.0**2 / runs

    def of(between, power):
        total = own + between**2
        likelihood = total ** (-(len(mean) - 1) / 2) * np.exp(
            -((mean - mean.mean()) ** 2).sum() / 2 / total
        )
        return likelihood * (between**2 / total) ** power

    widest = WIDEST * mean.std(ddof=1)
    known, shrunk = (integrate.quad(of, 0, widest, args=(power,))[0] for power in (0, 1))
    expected = mean.mean() + shrunk / known * (mean - mean.mean())
    drawn = drawn_means(cells, equal=True)
    assert drawn.mean(axis=0) == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize("equal", [True, False])
def test_far_apart_means_stay_where_they_are(equal):
    cells = cells_of([10.0, 90.0, 95.0, 50.0], [0.5, 0.4, 0.6, 0.5], 5)
    drawn = drawn_means(cells, equal)
    assert drawn.mean(axis=0) == pytest.approx(cells.mean, abs=0.05)
    assert drawn.std(axis=0).max() < 0.5


def test_an_arm_far_from_the_others_is_not_thereby_noisy():
    mean = [95.0, 30.0, *np.linspace(89, 91, 20)]
    drawn = drawn_means(cells_of(mean, np.r_[0.5, 5.0, np.full(20, 1.0)], 2), equal=False)
    assert wins(drawn)[0] > 0.8


def test_one_run_of_each_arm_tells_nothing():
    assert drawn_means(cells_of([1.0, 2.0], [0.0, 0.0], 1), equal=False) is None


def test_the_probability_of_being_best_is_right_as_often_as_it_says():
    """Eleven arms that differ by half their noise, three runs each, as a normal prior has them."""
    rng = np.random.default_rng(0)
    said, right, alone = [], [], []
    for _ in range(300):
        true = 90 + 0.5 * rng.standard_normal(11)
        cells = drawn_cells(rng, true, 1.0, 3)
        share = wins(drawn_means(cells, equal=True))
        said.append(share.max())
        right.append(share.argmax() == true.argmax())
        z = rng.standard_normal((1000, 11)) * cells.pooled_sd / np.sqrt(3)
        alone.append(wins(cells.mean + z).max())
    assert np.mean(said) == pytest.approx(np.mean(right), abs=0.06)
    assert np.mean(alone) > np.mean(right) + 0.08, "each mean by itself is too sure"


def model_of(y, sizes=(2, 2, 2, 2), seeds=4):
    """The model of a full grid, from values of its runs."""
    of = layout("full", sizes, seeds)
    cells = next(iter(tables(of.levels, y[None])))
    return ModelMeans(prepared(of).fitted(cells), cells)


def test_deviations_from_a_model_that_fits_are_drawn_too():
    """An arm's own deviation has half the sd of a run: as much as the noise of its mean.

    The last arm is not run: the model tells it, but for its deviation.
    """
    grid = np.array(list(itertools.product((0, 1), repeat=4)))
    of = Layout("a full grid without its last arm, × 4", np.tile(grid[:-1], (4, 1)), (2,) * 4)
    rng, known = np.random.default_rng(0), prepared(of)
    held, without = [], []
    for _ in range(200):
        true = 90 + grid @ rng.standard_normal(4) + 0.5 * rng.standard_normal(16)
        y = true[of.places()] + rng.standard_normal(len(of.levels))
        cells = next(iter(tables(of.levels, y[None])))
        model = ModelMeans(known.fitted(cells), cells)
        mean, drawn = model.drawn(grid)
        assert np.abs(mean - drawn[:4000].mean(axis=0)).max() < 0.2
        low, high = np.quantile(drawn[:4000], (0.05, 0.95), axis=0)
        held.append((low <= true) & (true <= high))
        half = 1.68 * np.linalg.norm(model.rows(grid) @ model.root, axis=1)
        without.append(np.abs(true - model.rows(grid) @ model.fit.beta) < half)
    assert 0.86 < np.mean(held) < 0.95
    assert 0.83 < np.mean(held, axis=0)[-1] < 0.97
    assert np.mean(without) < 0.8, "the model alone is too sure"


def test_without_replicates_the_model_is_taken_to_hold():
    rng = np.random.default_rng(0)
    of = layout("full", (2, 2, 2, 2))
    model = model_of(90 + of.levels @ [1.0, 2.0, 0.0, 3.0] + rng.standard_normal(16), seeds=1)
    mean, drawn = model.drawn(of.levels)
    assert mean == pytest.approx(model.rows(of.levels) @ model.fit.beta)
    left = drawn - drawn @ np.linalg.pinv(model.rows(of.levels)).T @ model.rows(of.levels).T
    assert np.abs(left).max() < 1e-9, "every draw is of the model"
    assert "these runs cannot test" in model.assumes()
