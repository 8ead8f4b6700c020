"""P(best), worst ranks and log-odds, against numbers worked out by hand."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmarks.simulation import layout
from runner.analysis.analyze import analyze
from runner.analysis.comparisons.worst_rank import worst_rank
from runner.analysis.data.experiment import Experiment
from runner.analysis.to_json import to_json
from tricks.errors import BadInput


def one_at_a_time(means, spread=(-1.0, 0.0, 1.0), **kwargs):
    names = [f"t{i}" for i in range(1, len(means))]
    rows = [{**{n: "on" if i == j + 1 else "off" for j, n in enumerate(names)}, "accuracy": m + d}
            for i, m in enumerate(means) for d in spread]  # fmt: skip
    return Experiment(pd.DataFrame(rows), dict.fromkeys(names, ("off", "on")), "add-one", **kwargs)


def chances(analysis):
    return {arm.label: arm.probability for arm in analysis.best.arms}


@pytest.mark.parametrize("noise", ["own", "equal"])
def test_two_identical_arms_win_half_of_the_time(noise):
    found = chances(analyze(one_at_a_time([90.0, 90.0], noise=noise)))
    assert found["baseline"] == pytest.approx(0.5, abs=0.02)
    assert sum(found.values()) == pytest.approx(1)


def test_a_factor_without_effect_shares_the_win_in_a_grid():
    rows = [{"a": x, "b": y, "c": z, "accuracy": 90 + 5 * (x == "on") + d}
            for x, y, z in itertools.product(("off", "on"), repeat=3)
            for d in (-0.5, 0.0, 0.5)]  # fmt: skip
    runs = Experiment(pd.DataFrame(rows), dict.fromkeys("abc", ("off", "on")))
    analysis = analyze(runs)
    found = chances(analysis)
    for label in ("a", "a + b", "a + c", "a + b + c"):
        assert found[label] == pytest.approx(0.25, abs=0.03)
    assert analysis.best.combination.mean == pytest.approx(95)
    assert "run --confirm" not in analysis.best.note, "a table made elsewhere"
    assert "run --confirm" in analyze(replace(runs, grid="full")).best.note


def test_the_smallest_loss_is_the_best():
    found = one_at_a_time([1.0, 0.0], (-0.1, 0.0, 0.1))
    found.runs["loss"] = found.runs.pop("accuracy")
    assert chances(analyze(found, "loss"))["t1"] > 0.95


def test_a_fraction_predicts_an_arm_that_it_did_not_run():
    rng = np.random.default_rng(0)
    rows = []
    for bits in itertools.product((0, 1), repeat=4):
        five = (*bits, sum(bits) % 2)  # half of the grid: not the arm with all five on
        row = dict(zip("abcde", (("off", "on")[x] for x in five), strict=True))
        rows += [{**row, "accuracy": 90 + sum(five) + 0.1 * rng.standard_normal()} for _ in "12"]
    analysis = analyze(Experiment(pd.DataFrame(rows), dict.fromkeys("abcde", ("off", "on"))))
    top = analysis.best.combination
    assert "these runs cannot test" in top.assumes, "no arm shows interactions of three"
    assert top.label == "a + b + c + d + e"
    assert not top.in_design
    assert top.mean == pytest.approx(95, abs=0.3)


def test_without_noise_to_draw_from_nothing_is_best():
    answer = to_json(analyze(one_at_a_time([90.0, 91.0], (0.0,))))
    assert answer["best"] is None
    assert "one run in each arm" in answer["best_reason"]


@pytest.mark.parametrize("triple", [0.0, 9.0])
def test_an_arm_with_a_placebo_is_no_rival_of_the_same_without(triple):
    """By the model where it fits; by the arms' means where three factors interact."""
    runs = layout("full", (2,) * 4, 2, placebo=True).levels
    names = [*"abcd", "placebo"]
    frame = pd.DataFrame(np.where(runs, "on", "off"), columns=names)
    y = 80 + 2 * runs[:, :4].sum(axis=1) + triple * runs[:, :3].prod(axis=1)
    frame["accuracy"] = y + np.random.default_rng(0).normal(0, 0.5, len(runs))
    held, without = (
        analyze(Experiment(frame, dict.fromkeys(bag, ("off", "on")), "full")).best
        for bag in (names, names[:4])
    )
    first, *_ = held.arms
    assert (first.label, first.probability) == ("a + b + c + d", pytest.approx(1, abs=0.01))
    assert first.mean == pytest.approx(without.arms[0].mean)
    assert (held.combination is None) == bool(triple)
    if not triple:
        assert held.combination.label == "a + b + c + d"
        assert held.combination.in_design


def test_worst_ranks_by_hand_and_by_scipy():
    on, off = np.array([3.0, 5.0, np.nan, 6.0, 9.0]), np.array([1.0, 2.0, 3.0, np.nan])
    found = worst_rank(on, off, True, 0.05)
    # 3 beats 1, 2, the diverged one and ties 3: 3.5; 5, 6, 9: 4 each; diverged ties diverged: 0.5.
    assert found.probability == pytest.approx((3.5 + 4 + 0.5 + 4 + 4) / 20)
    reference = stats.brunnermunzel(np.nan_to_num(off), np.nan_to_num(on))
    assert found.p == pytest.approx(reference.pvalue)
    assert 0 < found.low < found.probability < found.high < 1


def test_a_rank_test_that_cannot_reach_its_level_is_refused():
    found = worst_rank(np.array([4.0, 5.0, 6.0]), np.array([1.0, 2.0, np.nan]), True, 0.05)
    assert found.probability == 1
    assert found.p is None
    assert "smallest p of a rank test of 3 against 3 runs is 0.1" in found.reason


@pytest.mark.filterwarnings("error")
def test_one_run_against_many_has_a_rank_but_no_spread():
    found = worst_rank(np.array([1.5]), np.append(np.arange(39.0), np.nan), True, 0.05)
    assert found.probability == pytest.approx(3 / 40)  # of 40 runs it beats 0, 1 and NaN
    assert found.p is None
    assert found.reason == "one side has only one run: its spread is not known"


def test_a_trick_that_makes_runs_diverge_is_worse_by_rank_though_not_by_mean():
    rng = np.random.default_rng(1)
    rows = [{"a": "off", "state": "ok", "accuracy": 90 + rng.standard_normal()} for _ in range(20)]
    rows += [{"a": "on", "state": "ok", "accuracy": 90 + rng.standard_normal()} for _ in range(8)]
    rows += [{"a": "on", "state": "diverged", "accuracy": None}] * 12
    effect = to_json(analyze(Experiment(pd.DataFrame(rows), {"a": ("off", "on")})))["effects"][0]
    assert effect["verdict"] == "undecided"
    assert effect["worst_rank"]["high"] < 0.5
    assert effect["worst_rank"]["runs"] == [20, 20]


def test_log_odds_by_hand():
    rows = [{"a": x, "accuracy": y, "test_images": 200.0} for x, ys in
            (("off", (90.0, 92.0, 94.0)), ("on", (96.0, 98.0, 100.0))) for y in ys]  # fmt: skip
    data = Experiment(pd.DataFrame(rows), {"a": ("off", "on")}, scale="logit")
    logit = [np.log((c + 0.5) / (200 - c + 0.5)) for c in (180, 184, 188, 192, 196, 200)]
    expected = np.mean(logit[3:]) - np.mean(logit[:3])
    answer = to_json(analyze(data))
    effect = answer["effects"][0]
    assert effect["effect"] == pytest.approx(expected)
    assert effect["odds_ratio"]["ratio"] == pytest.approx(np.exp(expected))
    assert effect["odds_ratio"]["low"] == pytest.approx(np.exp(effect["ci_low"]))
    assert (answer["unit"], answer["negligible"]) == ("logit", None)
    assert answer["arms"][0]["mean"] == pytest.approx(92)  # arms stay in per cent


def test_log_odds_of_what_is_no_share():
    data = Experiment(pd.DataFrame({"a": ["x", "y"], "loss": [1.0, 2.0]}), {"a": ("x", "y")},
                      scale="logit")  # fmt: skip
    with pytest.raises(BadInput, match="percentages"):
        analyze(data, "loss")


@pytest.mark.parametrize(("runs", "reachable"), [(3, False), (4, True)])
def test_a_test_of_divergence_that_cannot_reach_its_level_is_refused(runs, reachable):
    rows = [{"a": x, "state": state, "accuracy": 90.0 + i if state == "ok" else None}
            for x, state in (("off", "ok"), ("on", "diverged")) for i in range(runs)]  # fmt: skip
    found = analyze(Experiment(pd.DataFrame(rows), {"a": ("off", "on")})).divergence[1]
    assert (found.p is not None) == reachable  # 3 against 3: p = 0.1, 4 against 4: 0.029
    assert reachable or "the smallest p of a test of so few runs is 0.1" in found.reason


def test_moderated_variances_follow_the_arms_where_they_differ_and_the_pool_where_not():
    from runner.analysis.data.arm_statistics import Cells
    from runner.analysis.data.variance_shrinkage import moderated

    rng = np.random.default_rng(0)
    arms, runs = 400, 4

    def cells_of(sd):
        y = sd[:, None] * rng.standard_normal((arms, runs))
        squares = ((y - y.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
        return Cells(np.arange(arms)[:, None], np.full(arms, runs), y.mean(axis=1), squares)

    even = cells_of(np.full(arms, 2.0))
    squares, free = moderated(even)
    alike = np.sqrt(squares / free)
    assert alike.mean() == pytest.approx(2.0, rel=0.1)
    assert alike.std() < 0.25 * even.sd().std()
    assert free.min() > 12
    few = Cells(np.arange(4)[:, None], np.full(4, 2), np.zeros(4), np.array([1.0, 1.1, 0.9, 1.0]))
    assert moderated(few)[1].max() == few.replicate_df == 4, "known by no more than all runs"
    # Variances from a scaled inverse chi-square of 6 df: the known prior is found again.
    true = np.sqrt(6 * 4 / rng.chisquare(6, arms))
    own = cells_of(true)
    squares, free = moderated(own)
    found = np.sqrt(squares / free)
    assert free == pytest.approx(6 + runs - 1, rel=0.5)
    assert np.log(found / true).std() < 0.8 * np.log(own.sd() / true).std()


def test_two_noisy_runs_do_not_make_a_candidate():
    rng = np.random.default_rng(1)
    rows = [("a", 95 + y) for y in rng.normal(0, 1, 2)]
    rows += [("b", y) for y in (25.0, 35.0)]
    rows += [(f"c{i}", 90 + y) for i in range(20) for y in rng.normal(0, 1.5, 2)]
    runs = pd.DataFrame(rows, columns=["arm", "accuracy"])
    found = to_json(analyze(Experiment(runs, {"arm": tuple(dict.fromkeys(runs["arm"]))})))
    assert all(
        arm["levels"]["arm"] != "b" or arm["probability"] < 0.02 for arm in found["best"]["arms"]
    )


def test_the_report_says_what_is_taken_to_be_so():
    rng = np.random.default_rng(0)

    def found(seeds, lost=(), twice=False):
        """P(best) of 2^4, with `lost` arms that are not run, or the baseline's runs twice."""
        rows = [dict(zip("abcd", arm, strict=True))
                for arm in itertools.product(("off", "on"), repeat=4) for _ in range(seeds)
                if arm not in lost]  # fmt: skip
        rows += [dict.fromkeys("abcd", "off")] * twice
        frame = pd.DataFrame(rows)
        frame["accuracy"] = 90 + 3.0 * (frame == "on").sum(axis=1) + rng.standard_normal(len(rows))
        analysis = analyze(Experiment(frame, dict.fromkeys("abcd", ("off", "on"))))
        return analysis.best

    assert "three or more factors, which these runs cannot test" in found(1).assumes
    assert "these runs cannot test" in found(1, twice=True).assumes, "a second run of one arm"
    assert found(3).assumes is None
    best_arm = ("on",) * 4
    unseen = found(3, lost=(best_arm,)).combination
    assert not unseen.in_design
    assert unseen.assumes is None, "its deviation is drawn as the arms' own"
    half = [a for a in itertools.product(("off", "on"), repeat=4) if a.count("on") % 2]
    assert found(3, lost=half).assumes is None, "of eight arms' own means"


def test_equal_runs_are_no_noise_to_draw_from():
    analysis = analyze(one_at_a_time([90.0, 91.0, 92.0], (0.0, 0.0, 0.0)))
    assert "the runs of each arm are equal" in analysis.best_reason


def test_a_placebo_makes_no_rival_of_a_recipe():
    """Arms and combinations come out as they do where nobody knows of its column."""
    of = layout("fraction", (2,) * 5, 1, 24, placebo=True)
    rng = np.random.default_rng(0)
    names = [*"abcde", "placebo"]
    frame = pd.DataFrame(np.where(of.levels == 1, "on", "off"), columns=names)
    frame["accuracy"] = 90 + of.levels[:, :5] @ [1, 2, 1, 3, 2] + rng.standard_normal(24)
    found = {}
    for known in (names[:5], names):
        runs = Experiment(frame[[*known, "accuracy"]], dict.fromkeys(known, ("off", "on")))
        found[len(known)] = analyze(runs).best.combination
    assert found[6].of == found[5].of == 32
    assert found[6].mean == pytest.approx(found[5].mean)
    assert found[6].probability == pytest.approx(found[5].probability, abs=0.03)
