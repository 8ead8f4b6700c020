"""Classes: recalls by hand, Welch's interval by SciPy, and what cannot be compared."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from runner.analysis.test_set.class_change import compared
from runner.analysis.test_set.classification import confusions

TRUTH = np.array([0, 0, 0, 0, 1, 1, 1, 1, 2, 2])


def run(predicted, truth=TRUTH):
    return confusions(truth, np.array(predicted), 4)


BEFORE = [run([0, 0, 0, 1, 1, 1, 0, 0, 2, 2]), run([0, 0, 1, 1, 1, 0, 0, 0, 2, 2])]
AFTER = [run([0, 0, 0, 0, 1, 1, 1, 0, 2, 1]), run([0, 0, 0, 1, 1, 1, 1, 1, 2, 1])]


def test_the_change_of_each_class_that_has_images():
    found = compared("mixup", ("a", "b", "c", "d"), BEFORE, AFTER)
    assert [c.name for c in found.changes] == ["a", "b", "c"], "d has no image"
    assert [(c.before, c.after) for c in found.changes] == [(62.5, 87.5), (37.5, 87.5), (100, 50)]
    first = found.changes[0]
    welch = stats.ttest_ind([100.0, 75.0], [75.0, 50.0], equal_var=False).confidence_interval()
    assert (first.low, first.high) == pytest.approx((welch.low, welch.high), rel=0.35)
    assert first.low < first.change == 25 < first.high
    assert found.changes[2].low is None, "all runs are equal"
    assert found.before.sum(axis=(1, 2)).tolist() == [10, 10]
    assert found.after[0].tolist()[1] == [1, 3, 0, 0]


def test_one_run_of_an_arm_gives_no_interval():
    found = compared("mixup", (), BEFORE[:1], AFTER)
    assert found.names == ("0", "1", "2", "3")
    assert all(c.low is None for c in found.changes)


def test_runs_on_other_images_are_not_compared():
    other = run([0] * 10, np.minimum(TRUTH + 1, 2))
    assert compared("mixup", (), BEFORE, [other]) is None
    assert compared("mixup", (), [], AFTER) is None
