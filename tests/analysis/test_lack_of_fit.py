"""Lack of fit: where what the model leaves out becomes the error term."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from runner.analysis.analyze import analyze
from runner.analysis.data.experiment import Experiment
from tests.analysis.made_runs import by_label, experiment, grid, two_level


def folded(beyond, seed=3):
    """Half of a grid of six factors, three times: 3 pp from a, and what `beyond` adds to an arm."""
    rng = np.random.default_rng(seed)
    rows = []
    for bits in itertools.product((0, 1), repeat=5):
        on = dict(zip("abcdef", (*bits, sum(bits) % 2), strict=True))
        here = 80 + 3 * on["a"] + beyond(on)
        row = {n: ("off", "on")[x] for n, x in on.items()}
        rows += [{**row, "accuracy": here + rng.standard_normal()} for _ in range(3)]
    return analyze(experiment(rows, two_level("abcdef"), "fraction"))


def test_lack_of_fit_widens_the_averages_of_a_fraction():
    """By interactions of three factors that are many and none larger than the rest."""
    rng = np.random.default_rng(0)
    sizes = {chosen: rng.standard_normal() for chosen in itertools.combinations("abcdef", 3)}
    answer = folded(
        lambda on: sum(v * np.prod([2 * on[x] - 1 for x in k]) for k, v in sizes.items())
    )
    lack = answer.lack_of_fit
    assert lack.used
    assert lack.df == 32 - 22
    # Its mean square is the spread of means about the model: 96 runs, two halves of 48.
    assert by_label(answer)["a"].estimate.se == pytest.approx(np.sqrt(lack.rest * 4 / 96))
    assert by_label(answer)["a"].estimate.df == lack.rest_df
    assert lack.rest > 10 * lack.pure
    assert answer.sigma == pytest.approx(1, abs=0.3)
    assert any("resolution IV" in note for note in answer.notes)


def test_one_large_interaction_stands_out_of_the_lack_of_fit():
    answer = folded(lambda on: 20 * on["b"] * on["c"] * on["d"])
    lack = answer.lack_of_fit
    assert lack.used
    assert lack.rest_df == 9
    assert lack.rest == pytest.approx(lack.pure, rel=1)
    # All of the deviations but a part of one direction's nine others: bcd = ±2.5 in all 96 runs.
    assert lack.mean_square * 10 - lack.rest * 9 == pytest.approx(2.5**2 * 96, rel=0.2)
    assert "three factors that stand out of it (1 df)" in answer.error_term
    assert any("a × e × f or b × c × d" in note for note in answer.notes)
    low, high = by_label(answer)["a"].estimate.interval()
    assert low < 3 < high < low + 2


def test_lack_of_fit_leaves_a_whole_grid_alone():
    found = grid("abcd", lambda on: 80 + 20 * on["b"] * on["c"] * on["d"], repeats=3, sd=1)
    answer = analyze(found)
    assert answer.lack_of_fit.p < 0.05
    assert not answer.lack_of_fit.used
    assert by_label(answer)["a"].estimate.se == pytest.approx(answer.sigma * np.sqrt(4 / 48))


def test_lost_replicates_mix_averages_with_interactions_of_three_factors():
    """2^4 three times with a large ABC: balanced it is nobody's matter, two arms short it is."""
    rng = np.random.default_rng(8)
    names = ["a", "b", "c", "d"]
    arms = np.repeat(list(itertools.product((0, 1), repeat=4)), 3, axis=0)
    signs = 2 * arms - 1
    frame = pd.DataFrame(np.where(arms, "on", "off"), columns=names)
    frame["accuracy"] = 80 + 5 * signs[:, :3].prod(axis=1) + rng.normal(0, 1, 48)

    def answer(runs):
        return analyze(Experiment(runs, dict.fromkeys(names, ("off", "on")), grid="full"))

    whole = answer(frame)
    assert whole.lack_of_fit.p < 1e-6
    assert not whole.lack_of_fit.used
    short = answer(frame.drop([0, 1, 9, 10]).reset_index(drop=True))
    assert short.lack_of_fit.used
    assert all(e.estimate.interval()[0] < 0 < e.estimate.interval()[1] for e in short.effects)
    assert "unequal numbers of runs" in " ".join(short.notes)
