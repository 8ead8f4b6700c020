"""Arms that are one, on tables small enough to see."""

from __future__ import annotations

import pandas as pd
import pytest

from runner.analysis.analyze import analyze
from runner.analysis.data.equal_arms import EqualArms, equal_arms
from runner.analysis.data.experiment import Experiment
from runner.analysis.to_json import to_json

FACTORS = {"a": ("off", "on"), "b": ("off", "on")}


def runs(rows):
    """(a, b, seed, accuracy, loss, state) -> an experiment."""
    frame = pd.DataFrame(rows, columns=["a", "b", "seed", "accuracy", "loss", "state"])
    return Experiment(frame, FACTORS, grid="add-one")


SAME = [
    ("off", "off", 0, 80.0, 0.5, "ok"), ("off", "off", 1, 82.0, 0.4, "ok"),
    ("on", "off", 0, 80.0, 0.5, "ok"), ("on", "off", 1, 82.0, 0.4, "ok"),
    ("off", "on", 0, 80.0, 0.6, "ok"), ("off", "on", 1, 83.0, 0.3, "ok"),
]  # fmt: skip


def test_a_trick_that_changes_nothing_is_found_and_told():
    assert equal_arms(runs(SAME)) == (EqualArms(("baseline", "a"), 2),)
    analysis = analyze(runs(SAME))
    (note,) = (note for note in analysis.notes if "same network" in note)
    assert note.startswith("The arms `baseline`, `a` gave the same network with each of 2 shared")
    assert to_json(analysis)["equal_arms"] == [{"arms": ["baseline", "a"], "seeds": 2}]


@pytest.mark.parametrize(
    ("row", "changed"),
    [
        (3, ("on", "off", 1, 82.0, 0.41, "ok")),  # with one seed another loss
        (3, ("on", "off", 2, 82.0, 0.4, "ok")),  # of another seed: the other one agrees
        (3, ("on", "off", 1, None, None, "diverged")),
    ],
)
def test_every_seed_that_two_arms_share_has_to_agree(row, changed):
    found = equal_arms(runs([*SAME[:row], changed, *SAME[row + 1 :]]))
    assert found == (() if changed[4] == 0.41 else (EqualArms(("baseline", "a"), 1),))


def test_equal_accuracies_are_not_equal_networks():
    assert all("b" not in one.arms for one in equal_arms(runs(SAME)))
    table = runs(SAME).runs.drop(columns="loss")
    assert equal_arms(Experiment(table, FACTORS)) == ()


def test_arms_without_a_common_seed_cannot_be_compared():
    rows = [("off", "off", 0, 80.0, 0.5, "ok"), ("on", "off", 1, 80.0, 0.5, "ok")]
    assert equal_arms(runs(rows)) == ()


def test_three_arms_are_one():
    third = [("off", "on", seed, *row[3:]) for row in SAME[:2] for seed in [row[2]]]
    assert equal_arms(runs([*SAME[:4], *third])) == (EqualArms(("baseline", "b", "a"), 2),)
