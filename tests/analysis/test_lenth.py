"""Half-normal contrasts of unreplicated grids, against known truth and a published example."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pandas as pd
import pytest
from scipy import linalg, stats

from runner.analysis.analyze import analyze
from runner.analysis.data.arm_statistics import group
from runner.analysis.data.experiment import Experiment
from runner.analysis.model.half_normal_plot import half_normal_plot
from runner.analysis.model.lenth import (
    HalfNormal,
    half_normal,
    largest_of_none,
    pseudo_standard_error,
)
from runner.analysis.to_json import to_json
from runner.designs import registry as designs
from runner.designs.factor import Factor, Level
from tricks.recipe import Recipe


def grid(factors):
    return np.array(list(itertools.product((0, 1), repeat=factors)))


def two_level(count):
    return dict.fromkeys("abcdefgh"[:count], ("off", "on"))


def found(levels, y):
    result = half_normal(group(levels, y), two_level(levels.shape[1]), 0.05)
    assert isinstance(result, HalfNormal)
    return result


def test_contrasts_of_a_full_grid_are_the_effects():
    levels = grid(4)
    a, b, c, d = levels.T
    noise = 0.01 * np.random.default_rng(0).standard_normal(16)
    answer = half_normal_plot(found(levels, 90 + 3 * a - 2 * b * c + d * 0 + noise))
    by = {x.label: x for x in answer.contrasts}
    assert len(by) == 15
    expected = {"a": 3, "b": -1, "c": -1, "b × c": -1, "d": 0, "a × b × c × d": 0}
    for label, value in expected.items():
        assert by[label].effect == pytest.approx(value, abs=0.02)
        assert by[label].above == (value != 0)
    quantiles = [x.quantile for x in answer.contrasts]
    assert quantiles == sorted(quantiles)
    assert quantiles[-1] == pytest.approx(stats.norm.ppf(0.5 + 0.5 * 14.5 / 15))


def test_aliased_contrasts_are_one_and_name_their_members():
    levels = np.column_stack([grid(3), grid(3).sum(axis=1) % 2])
    labels = found(levels, np.random.default_rng(1).standard_normal(8)).labels
    assert labels == ["a", "b", "c", "d", "a × b + c × d", "a × c + b × d", "a × d + b × c"]


def test_no_member_of_a_mixture_is_named_alone():
    """In a fold-over of 24 runs most interactions are in a contrast in part."""
    names = "abcdefgh"
    factors = [Factor(name, (Level("off"), Level("on")), "field") for name in names]
    levels = np.array(list(designs.make("screen", factors, Recipe())))
    labels = found(levels, np.random.default_rng(2).standard_normal(len(levels))).labels
    assert labels[:8] == list(names), "main effects are clear of interactions"
    signs = 2 * levels - 1
    products = {f"{a} × {b}": signs[:, names.index(a)] * signs[:, names.index(b)]
                for a, b in itertools.combinations(names, 2)}  # fmt: skip
    for label in labels[8:]:
        first = label.split(" ~ ")[0]
        if first in products:
            others = sum(abs(column @ products[first]) > 0 for column in products.values()) - 1
            listed = label.count(" ~ ") + int(([0, *re.findall(r"and (\d+) more", label)])[-1])
            assert listed == others


def test_error_rates_of_both_margins_without_effects():
    rng = np.random.default_rng(5)
    for m in (7, 15, 31):
        contrasts = rng.standard_normal((20_000, m))
        size = np.abs(contrasts).max(axis=1) / pseudo_standard_error(contrasts)
        together = (size > np.quantile(largest_of_none(m), 0.95)).mean()
        assert together == pytest.approx(0.05, abs=0.006)
        found = HalfNormal([], contrasts[0], {0: 0}, 1.0, 0.05)
        single = np.abs(contrasts) / pseudo_standard_error(contrasts)[:, None]
        assert (single > found.margin(0.05)).mean() == pytest.approx(0.05, abs=0.004)
        assert found.main_effect(0).interval()[1] - contrasts[0, 0] == pytest.approx(
            found.margin(0.05)
        )
        assert (size > found.margin(0.05)).mean() > 0.2


def test_a_saturated_grid_has_lenths_margin_and_a_verdict():
    codes = (linalg.hadamard(8)[:, 1:] < 0).astype(int)
    rng = np.random.default_rng(2)
    rows = pd.DataFrame(np.where(codes, "on", "off"), columns=list("abcdefg"))
    rows["accuracy"] = 90 + 6 * codes[:, 0] + 0.3 * rng.standard_normal(8)
    analysis = analyze(Experiment(rows, two_level(7), "screen"))
    answer = to_json(analysis)
    assert "Lenth's pseudo standard error" in answer["error_term"]
    pse, limit = (answer["half_normal"][x] for x in ("pse", "simultaneous_margin"))
    verdicts = {e["label"]: e["verdict"] for e in answer["effects"]}
    assert verdicts.pop("a") == "helps"
    assert not {"helps", "hurts"} & set(verdicts.values())
    for e in answer["effects"]:
        assert e["ci_high"] - e["effect"] == pytest.approx(2.295 * pse, rel=0.02)
        assert e["ci_together"][1] - e["effect"] == pytest.approx(limit)
        assert (e["p_adjusted"] < 0.05) == (abs(e["effect"]) > limit)


@pytest.mark.parametrize(
    ("levels", "y", "said"),
    [
        (np.array(list(itertools.product((0, 1), (0, 1, 2)))), np.arange(6.0), "two levels"),
        (np.vstack([grid(3), grid(3)[:1]]), np.arange(9.0), "unequal numbers"),
        (grid(2), np.arange(4.0), "too few"),
        (grid(3)[1:], np.arange(7.0), "not orthogonal"),
        (grid(4), np.full(16, 90.0), "noise cannot be estimated"),
        (grid(4)[:1], np.ones(1), "do not differ in any factor"),
    ],
)
def test_what_has_no_half_normal_plot(levels, y, said):
    factors = dict.fromkeys("abcd"[: levels.shape[1]], ("x", "y", "z"))
    assert said in half_normal(group(levels, y), factors, 0.05)
