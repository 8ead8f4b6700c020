"""Diagnostics of a design before it is run, against closed forms and simulated studies."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.analysis.analyze import analyze
from runner.analysis.comparisons.welch import welch
from runner.analysis.data.arm_statistics import Cells, group
from runner.analysis.data.estimates import critical
from runner.analysis.data.experiment import Experiment
from runner.analysis.model.factorial import factorial
from runner.analysis.power import family
from runner.designs import registry as designs
from runner.designs.conflicts import Conflicts
from runner.designs.design import Design
from runner.designs.factor import Factor, Level, level_names, standard_bag, trick_factors
from runner.planning import precision
from runner.planning.diagnostics import d_efficiency, diagnose
from runner.planning.needed import Goal, needed
from runner.planning.precision import Errors
from runner.tasks import registry as tasks

BASELINE = tasks.find("digits").baseline
BAG = trick_factors(standard_bag(), BASELINE)


def factors(*sizes):
    return [
        Factor(f"f{i}", tuple(Level(str(a)) for a in range(size)), "trick")
        for i, size in enumerate(sizes)
    ]


def design(name, *sizes, conflicts=()):
    cls, chosen = designs.grids()[name], factors(*sizes)
    order = tuple(range(len(sizes))) if cls.needs_order else ()
    on = (1,) * len(sizes) if cls.needs_on else ()
    return cls(chosen, Conflicts(dict.fromkeys(conflicts, "no")), on, order)


@pytest.fixture(scope="module")
def fraction():
    return designs.make("fraction", BAG, BASELINE)


def test_the_standard_fraction(fraction):
    found = diagnose(fraction, 1)
    two_level = [e.grid.se for e in found.effects if len(fraction.factors[e.factor].levels) == 2]
    assert two_level == pytest.approx([0.25] * 8)
    assert {e.grid.df for e in found.effects} == {30}
    assert (found.runs, found.error_df, found.clear) == (64, 30, True)
    assert all(alias.estimable == 1 for alias in found.aliases)
    assert all("×" in term for alias in found.aliases for term in alias.terms)
    # Which effects at the baseline it tells, and why not the others.
    assert {e.baseline.se is None for e in found.effects} == {True, False}
    assert all(e.baseline.reason for e in found.effects if e.baseline.se is None)


@pytest.mark.parametrize("k", [9, 10, 11, 12])
def test_one_at_a_time_at_sixty_four_runs(k):
    (effect, *_), runs = Errors(design("add-one", *[2] * k)).precisions(5), 5 * (k + 1)
    assert effect.baseline.se == pytest.approx(math.sqrt(2 / 5))
    assert effect.baseline.df == pytest.approx(8)
    assert 0.555 < effect.baseline.se * math.sqrt(runs / 64) < 0.64
    assert effect.grid.se is None
    assert effect.grid.reason


def test_one_seed_has_a_standard_error_in_sigma_but_no_degrees_of_freedom():
    for name in ("add-one", "pairs", "leave-one-out", "cumulative"):
        for effect in Errors(design(name, 2, 2, 2)).precisions(1):
            assert effect.own.se == pytest.approx(math.sqrt(2))
            assert effect.own.df is None
            assert "more seeds" in effect.own.reason


def test_a_screen_is_clear_and_says_how_interactions_hang_together():
    found = diagnose(design("screen", *[2] * 12), 1)
    assert (found.runs, found.clear) == (24, True)
    assert found.d_efficiency == pytest.approx(1)
    assert [e.grid.se for e in found.effects] == pytest.approx([2 / math.sqrt(24)] * 12)
    (tangle,) = found.aliases
    assert (len(tangle.terms), tangle.estimable) == (66, 11)


def test_main_effects_of_resolution_three_are_not_clear():
    """Half of 2^3 by C = AB: each main effect is the other two's interaction."""

    class Half(Design):
        name = "half"

        def candidates(self):
            return iter([(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)])

    found = diagnose(Half(factors(2, 2, 2)), 2)
    assert found.clear is False
    assert {str(alias) for alias in found.aliases} == {
        "f0 = f1 × f2",
        "f1 = f0 × f2",
        "f2 = f0 × f1",
    }
    assert all(alias.estimable == 1 for alias in found.aliases)


def test_a_forbidden_pair_is_no_alias():
    found = diagnose(design("full", 2, 2, 2, conflicts=[(0, 1, 1, 1)]), 2)
    assert found.excluded == 2
    assert found.clear is True
    assert found.aliases == []
    assert found.d_efficiency < 1


@pytest.mark.parametrize("seeds", [1, 2, 3])
def test_closed_forms_of_a_full_grid(monkeypatch, seeds):
    sizes = (2, 3, 2, 2, 2)
    listed = Errors(design("full", *sizes))
    worked_out, error = listed.precisions(seeds), listed.error(seeds)
    monkeypatch.setattr(precision, "MOST_ARMS", 0)
    closed = Errors(design("full", *sizes))
    assert closed.closed
    assert closed.error(seeds) == error
    for a, b in zip(worked_out, closed.precisions(seeds), strict=True):
        assert (a.grid.se, a.baseline.se) == pytest.approx((b.grid.se, b.baseline.se))
        assert (a.grid.df, a.baseline.df) == pytest.approx((b.grid.df, b.baseline.df), rel=0.25)


def test_a_full_grid_too_large_to_list_is_told_by_closed_forms_or_refused():
    found = diagnose(design("full", *[2] * 20), 1)
    assert found.effects[0].grid.se == pytest.approx(2 / math.sqrt(2**20))
    assert found.clear is True
    barred = diagnose(design("full", *[2] * 20, conflicts=[(0, 1, 1, 1)]), 1)
    assert barred.effects[0].grid.se is None
    assert barred.reasons["aliases"]


def test_standard_errors_are_those_of_simulated_studies(fraction):
    """By plain least squares on 0/1 columns, whose coefficients are the effects."""
    arms = np.array(list(fraction))
    effects = Errors(fraction).precisions(1)
    columns = [arms[:, e.factor] == e.level for e in effects]
    X = np.column_stack([np.ones(64), *columns]).astype(float)
    noise = np.random.default_rng(1).standard_normal((64, 4000))
    drawn = np.linalg.lstsq(X, noise, rcond=None)[0][1:]
    assert drawn.std(axis=1) == pytest.approx([e.grid.se for e in effects], rel=0.05)


@given(st.lists(st.integers(2, 4), min_size=2, max_size=4), st.integers(1, 6))
@settings(max_examples=25, deadline=None)
def test_more_seeds_never_tell_less_about_averages(sizes, seeds):
    for name in ("full", "add-one"):
        errors = Errors(design(name, *sizes))
        for less, more in zip(errors.precisions(seeds), errors.precisions(seeds + 1), strict=True):
            assert more.own.se < less.own.se
            assert less.own.df is None or more.own.df >= less.own.df or seeds == 1


def test_d_efficiency_of_known_arrays():
    def cells(rows):
        levels = np.array(rows)
        return Cells(levels, np.ones(len(rows), int), np.zeros(len(rows)), np.zeros(len(rows)))

    assert d_efficiency(cells([(0, 0), (0, 1), (1, 0), (1, 1)]), [2, 2]) == pytest.approx(1)
    assert d_efficiency(cells([(0, 0), (1, 1)]), [2, 2]) == 0
    # Add-one with two factors: X'X/3 of columns 1, a, b has the determinant 16/27.
    add_one = d_efficiency(cells([(0, 0), (1, 0), (0, 1)]), [2, 2])
    assert add_one == pytest.approx((16 / 27) ** (1 / 3))
    # Two factors that always change together: X'X is singular, if not to the last bit.
    drawn = np.random.default_rng(27).integers(0, 2, (64, 40))
    drawn[:, 1] = drawn[:, 0]
    assert d_efficiency(cells(drawn), [2] * 40) == 0


# --- seeds needed ---


def test_the_plan_for_twelve_tricks_to_a_fifth_of_a_point():
    goal = Goal("half-width", 0.2)
    one = needed(Errors(design("add-one", *[2] * 12)), goal, 0.3, lambda e: e.baseline, tests=1)
    screen = needed(Errors(design("screen", *[2] * 12)), goal, 0.3, lambda e: e.grid, tests=1)
    # 234 with the sd pooled over all arms; each arm's own sd (Welch) costs one seed more: 13 × 19.
    assert one.runs == 247
    # 39 for any orthogonal number of runs: a screen comes in multiples of 24.
    assert screen.runs == 48
    assert max(one.reaches, screen.reaches) <= 0.2


def test_one_seed_less_would_not_do():
    for name, pick in (("add-one", "baseline"), ("screen", "grid"), ("full", "grid")):
        errors, goal = Errors(design(name, *[2] * 5)), Goal("effect", 0.3)
        found = needed(errors, goal, 0.4, lambda e, pick=pick: getattr(e, pick))
        assert found.seeds > 1
        less = [getattr(e, pick) for e in errors.precisions(found.seeds - 1)]
        reached = [goal.reached(p, 0.4, 5) for p in less]
        assert max(math.inf if r is None else r for r in reached) > 0.3


def test_an_estimand_that_the_design_cannot_tell_has_a_reason(fraction):
    found = needed(Errors(fraction), Goal("effect", 0.3), 0.3, lambda e: e.baseline)
    assert found.runs is None
    assert "2 of 10 effects only" in found.reason


def test_the_planned_seeds_of_add_one_see_the_effect():
    """All effects are real and as large as planned; the analysis judges them."""
    errors = Errors(design("add-one", 2, 2, 2, 2))
    for sigma in (0.25, 0.6):
        n = needed(errors, Goal("effect", 0.5), sigma, lambda e: e.baseline).seeds
        rng = np.random.default_rng(3)
        seen = []
        levels = np.repeat(errors.cells(1).levels, n, axis=0)
        for _ in range(300):
            cells = group(levels, 0.5 * levels.sum(axis=1) + rng.normal(0, sigma, len(levels)))
            base = cells.find(np.zeros(4, int))
            arms = [arm for arm in range(5) if arm != base]
            seen += [welch(cells, arm, base).p() < family(0.05, 4) for arm in arms]
        assert 0.77 < np.mean(seen) < 0.95, (n, np.mean(seen))


def test_the_planned_seeds_of_a_screen_see_the_effect():
    errors = Errors(design("screen", *[2] * 8))
    found = needed(errors, Goal("effect", 0.3), 0.35, lambda e: e.grid)
    cells = errors.cells(found.seeds)
    runs = np.repeat(cells.levels, cells.count, axis=0)
    rng = np.random.default_rng(5)
    seen = []
    for _ in range(60):
        y = 0.3 * runs.sum(axis=1) + rng.normal(0, 0.35, len(runs))
        fitted = factorial(group(runs, y), errors.sizes)
        for i in range(8):
            estimate = fitted.fit.estimate(fitted.coding.main_effect(i))
            seen.append(abs(estimate.value) > critical(estimate.df, family(0.05, 8)) * estimate.se)
    assert found.seeds > 1
    assert 0.75 < np.mean(seen) < 0.95


@pytest.mark.parametrize(("grid", "seeds"), [("full", 2), ("full", 4), ("fraction", 2)])
def test_the_plan_is_what_the_analysis_finds_where_noise_is_equal(grid, seeds):
    """Standard errors in σ and df, also of a placebo, which is estimated within arms."""
    placebo = Factor("placebo", (Level("off"), Level("on")), "trick")
    chosen = [*factors(2, 2, 2, 2, 2), placebo]
    drawn = designs.make(grid, chosen, BASELINE, runs=16 if grid == "fraction" else None)
    runs = pd.DataFrame([level_names(chosen, arm) for arm, _ in drawn.runs(seeds)])
    runs["accuracy"] = np.random.default_rng(1).normal(90, 1, len(runs))
    levels = {f.name: tuple(level.name for level in f.levels) for f in chosen}
    found = analyze(Experiment(runs, levels, grid, noise="equal"))
    for plan, effect in zip(Errors(drawn).precisions(seeds), found.effects, strict=True):
        square, own = (plan.own.se * found.sigma) ** 2, effect.estimate
        if effect.factor == "placebo":  # its own square, with one df, is in σ but not in its error
            square = (found.df * square - own.value**2) / (found.df - 1)
        assert (own.se**2, own.df) == pytest.approx((square, plan.own.df))
