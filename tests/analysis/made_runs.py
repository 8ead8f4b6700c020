"""Experiments made by hand: tables of runs whose effects are known."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd

from runner.analysis.data.experiment import Experiment


def experiment(columns, factors, grid="", **kwargs):
    return Experiment(pd.DataFrame(columns), factors, grid, **kwargs)


def two_level(names):
    return dict.fromkeys(names, ("off", "on"))


def grid(names, y, repeats=1, seed=0, sd=0.0):
    """A full factorial of two-level factors; y: function of a dict of 0/1."""
    rng = np.random.default_rng(seed)
    rows = []
    for bits in itertools.product((0, 1), repeat=len(names)):
        for r in range(repeats):
            on = dict(zip(names, bits, strict=True))
            value = y(on) + sd * rng.standard_normal()
            rows.append({**{n: ("off", "on")[b] for n, b in on.items()}, "seed": r,
                         "accuracy": value})  # fmt: skip
    return Experiment(pd.DataFrame(rows), two_level(names))


def by_label(analysis):
    return {effect.label: effect for effect in analysis.effects}


def collapsing_fraction(repeats=3):
    """Half a grid, e = abcd, in which b × c is lost where a is off; d's effect alone is +6."""
    rng = np.random.default_rng(1)
    rows = []
    for a, b, c, d in itertools.product((0, 1), repeat=4):
        on = dict(zip("abcde", (a, b, c, d, (a + b + c + d) % 2), strict=True))
        lost = b and c and not a
        for _ in range(repeats):
            y = 80 + 6 * c - 40 * a * b * (1 + c) + 5 * a * on["e"] + rng.standard_normal()
            rows.append({**{n: ("off", "on")[x] for n, x in on.items()},
                         "state": "diverged" if lost else "ok",
                         "accuracy": None if lost else y})  # fmt: skip
    return experiment(rows, two_level("abcde"), "fraction")
