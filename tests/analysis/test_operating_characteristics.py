"""Coverage and error rates of every procedure in every design, with constant noise.

The cases are those of `benchmarks.coverage`, whose table stands in docs/coverage.md; with the cell
means and sds of recorded grids they are in test_real_grid.py.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmarks import operating_characteristics as oc
from benchmarks import procedures
from benchmarks.comparisons import compared, runs_of
from benchmarks.looks import looks
from benchmarks.populations import constant, fixed, without_effects
from benchmarks.simulation import layout, nameless, prepared, tables
from runner.analysis.analyze import analyze
from runner.analysis.data.arm_statistics import group
from runner.analysis.data.experiment import Experiment
from runner.analysis.model.baseline_effect import ARMS, baseline_effect
from runner.analysis.model.factorial import factorial
from runner.analysis.verdicts import Rules
from runner.designs.fraction import Fraction
from tests.analysis.error_rates import bound

NOISES = ("constant", "constant, interactions")


@pytest.mark.parametrize("design", ["full 2^5 × 2", "screen 24 of 5", "fraction 16 of 2^5"])
def test_averages_over_the_grid(design):
    row = oc.average_row(design, "constant, interactions", 300)
    assert 0.93 <= row.coverage <= 0.97
    assert row.placebo <= bound(300)


# Main effects of an exchange are mixed with interactions, less than its residual is: one run of
# each arm does not tell these from noise.
WIDE = {("exchange 32, forbidden arms", NOISES[1])}


@pytest.mark.slow
@pytest.mark.parametrize("noise", NOISES[1:])
@pytest.mark.parametrize("design", [d for d in oc.FACTORIALS if "8 × 3" not in d])
def test_averages_over_the_grid_in_two_thousand_studies(design, noise):
    row = oc.average_row(design, noise, 2000)
    assert row.coverage >= 0.93
    assert row.coverage <= 0.97 or (design, noise) in WIDE
    assert row.placebo <= bound(2000)


@pytest.mark.parametrize("design", ["screen 24 of 5", "fraction 16 of 2^5, × 4"])
def test_errors_of_factorials(design):
    row = oc.error_row(design, "constant", 200)
    assert row.family <= bound(200)
    assert row.negligible <= bound(200) + 0.02  # the worst of five effects


@pytest.mark.slow
@pytest.mark.parametrize(
    "design", ["full 2^5 × 8", "fraction 64", "screen 24 of 9", "exchange 32, forbidden arms"]
)
def test_errors_of_factorials_in_two_thousand_studies(design):
    row = oc.error_row(design, "constant", 2000)
    assert row.family <= bound(2000)
    assert row.negligible <= bound(2000) + 0.005


@pytest.mark.slow
@pytest.mark.parametrize("noise", NOISES[1:])
@pytest.mark.parametrize("design", ["full 2^5", "fraction 64", "fraction 48, × 2"])
def test_interactions_in_two_thousand_studies(design, noise):
    assert 0.93 <= oc.interaction_row(design, noise, 2000).coverage <= 0.97


def test_effects_at_the_baseline():
    row = oc.baseline_row("full 2^5 × 2", "constant", 80)
    assert 0.93 <= row.coverage <= 0.975


@pytest.mark.slow
@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("design", ["full 2^5", "full 2^5 × 2", "full 2^5 × 8"])
def test_effects_at_the_baseline_in_two_thousand_studies(design, noise):
    """Two runs against two have at most 2 df where their sds are alike: wider than need be."""
    row = oc.baseline_row(design, noise, 2000)
    assert 0.93 <= row.coverage <= 0.975 + 0.005 * ("× 2" in design)


def test_two_arms_of_two_seeds_give_way_to_a_model_that_fits():
    """And to nothing where it does not fit, whatever the widths that came out."""
    runs = layout("full", (2,) * 5, 2)
    known = prepared(runs)
    rng = np.random.default_rng(0)
    ways, halves = [], []
    triple = 2.0 * runs.levels[:, :3].prod(axis=1)
    for shift in (0.0, triple):
        y = shift + 0.3 * rng.standard_normal((40, len(runs.levels)))
        found = [
            baseline_effect(known.fitted(cells), cells, [2] * 5, 4, 1, Rules(None))
            for cells in tables(runs.levels, y)
        ]
        ways.append(np.mean([x.way == ARMS for x in found]))
        ends = [x.estimate.interval() for x in found if x.way != ARMS]
        halves.append(np.median([(high - low) / 2 for low, high in ends]) if ends else np.nan)
    assert ways[0] < 0.5
    assert halves[0] < 0.3 * 2, "the two arms alone: 4.3 sd and more"
    assert ways[1] > 0.9


@pytest.mark.parametrize("grid", oc.ONE_AT_A_TIME)
def test_comparisons_of_arms(grid):
    row = oc.compared_row(grid, "constant, interactions", 5, 150)
    assert 0.93 <= row.coverage <= 0.98
    if grid != "pairs":
        assert row.together >= 0.93
        assert row.family <= bound(150)
        assert row.placebo <= bound(150)


@pytest.mark.slow
@pytest.mark.parametrize(("grid", "noise"), [(grid, NOISES[1]) for grid in oc.ONE_AT_A_TIME])
def test_comparisons_of_arms_in_two_thousand_studies(grid, noise):
    row = oc.compared_row(grid, noise, 5, 2000)
    assert 0.93 <= row.coverage <= 0.97
    if grid != "pairs":
        assert row.together >= 0.94
        assert row.family <= bound(2000)
        assert row.negligible <= bound(2000)
        assert row.placebo <= bound(2000)


@pytest.mark.slow
def test_saturated_grids_in_two_thousand_studies():
    """Two of seven contrasts are large; one alone, and all together, share 5 %."""
    row = oc.lenth_row("constant", 2000)
    assert 0.93 <= row.coverage <= 0.97
    assert row.family <= bound(2000)


@pytest.mark.parametrize("grid", ["add-one", "leave-one-out", "cumulative", "pairs", "full"])
def test_the_simulated_path_is_that_of_analyze(grid):
    """One study of each layout through the whole analysis, and through what is simulated."""
    of = constant((2,) * 4, interacting=True)
    if grid == "full":
        found = procedures.averages(layout(grid, of.sizes, 3), of, 1, seed=5)
        levels = layout(grid, of.sizes, 3).levels
    else:
        found = compared(grid, of, 3, 1, seed=5)
        levels = runs_of(grid, of, 3)[0].levels
    rng = np.random.default_rng(5)
    places = np.ravel_multi_index(tuple(levels.T), of.sizes)
    _, y = of.studies(rng, 1, places)
    names = list("abcd")
    rows = pd.DataFrame(np.where(levels, "on", "off"), columns=names).assign(accuracy=y[0])
    reference = dict.fromkeys(names, "on") if grid == "leave-one-out" else {}
    order = tuple("dcba") if grid == "cumulative" else ()
    factors = dict.fromkeys(names, ("off", "on"))
    answer = analyze(Experiment(rows, factors, grid, order=order, reference=reference))
    listed = answer.interactions if grid == "pairs" else answer.effects
    whole = sorted((e.estimate.value, e.estimate.se, e.estimate.df) for e in listed)
    e = found.estimates
    lean = sorted(zip(e.value[0], e.se[0], e.df[0], strict=True))
    assert np.array(whole) == pytest.approx(np.array(lean))


def test_where_interactions_are_real_lack_of_fit_is_the_error_term():
    """Its test of three factors' interactions has 2 or 3 df; that of two factors' says more."""
    for design, interacting in (("fraction 48, × 2", True), ("fraction 48, × 2", False)):
        noise = "constant, interactions" if interacting else "constant"
        runs, of = oc.FACTORIALS[design][1](), oc.populations("bag")[noise]
        if not interacting:
            of = without_effects(of)
        known = prepared(runs)
        _, y = of.studies(np.random.default_rng(4), 60, runs.places())
        lack = [known.fitted(cells).fit.lack for cells in tables(runs.levels, y)]
        assert all(x.used for x in lack) if interacting else np.mean([x.used for x in lack]) < 0.25


def test_a_lack_of_fit_of_few_df_is_no_comfort():
    """48 runs twice leave 2 df for it: the analysis says that it may miss what biases averages."""
    runs = layout("fraction", (2,) * 8 + (3,), 2, 48)
    rng = np.random.default_rng(1)
    y = 90 + rng.standard_normal(96)
    names = [f"x{j}" for j in range(9)]
    rows = pd.DataFrame(runs.levels.astype(str), columns=names).assign(accuracy=y)
    factors = {n: tuple(map(str, range(s))) for n, s in zip(names, runs.sizes, strict=True)}
    answer = analyze(Experiment(rows, factors, "fraction"))
    assert answer.lack_of_fit.df == 2
    assert answer.lack_of_fit.p >= 0.05
    assert any("Lack of fit has only 2 df" in note for note in answer.notes)


@pytest.mark.parametrize("runs", [16, 24, 32, 40, 48])
def test_a_folded_fraction_estimates_main_effects_whatever_the_interactions(runs):
    """The alias check by the analysis: no bias without noise, with all interactions large."""
    sizes = [2] * (runs // 2 if runs < 32 else 12)
    design = Fraction(nameless(sizes), asked_runs=runs)
    levels = np.array(design.array)
    rng = np.random.default_rng(runs)
    codes = 2.0 * levels - 1
    truth = rng.normal(size=len(sizes))
    pairs = [codes[:, a] * codes[:, b] for a, b in itertools.combinations(range(len(sizes)), 2)]
    y = 90 + codes @ truth + rng.normal(0, 3, len(pairs)) @ np.array(pairs)
    found = factorial(group(levels, y), sizes)
    value = [found.fit.estimate(found.coding.main_effect(i)).value for i in range(len(sizes))]
    assert value == pytest.approx(2 * truth)


def test_shuffling_keeps_the_arms():
    of = replace(constant((2, 2, 3), True), shuffled=True)
    where = of._relabelled(np.random.default_rng(3))
    assert sorted(where) == list(range(12))
    # Two arms that differ in the factor of three levels alone still do.
    grid = of.grid[where]
    assert len({tuple(row[:2]) for row in grid[:3]}) == 1


def test_the_simulated_looks_are_those_of_analyze():
    """add-one at the last of two looks: Dunnett's p and simultaneous intervals, at its level."""
    of = fixed("effects", (2,) * 3, 90 + 0.9 * np.arange(8.0), np.full(8, 1.0))
    layouts = [layout("add-one", of.sizes, n) for n in (5, 12)]
    found = looks("add-one", layouts, of, 20, margin=1.5)
    _, y = of.studies(np.random.default_rng(0), 20, layouts[1].places())
    names, said = list("abc"), []
    for one in y:
        for look in layouts:
            levels = look.levels
            rows = pd.DataFrame(np.where(levels, "on", "off"), columns=names)
            runs = Experiment(
                rows.assign(accuracy=one[: len(levels)]), dict.fromkeys(names, ("off", "on")),
                "add-one", level=found.said["level"],
            )  # fmt: skip
            said.append([e.verdict for e in analyze(runs, negligible=1.5).effects])
    first, last = np.array(said).reshape(20, 2, 3).transpose(1, 0, 2)
    expected = np.where(first == "undecided", last, first)
    assert len(np.unique(expected)) >= 3
    assert (found.verdicts == expected).all()
