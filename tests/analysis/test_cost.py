"""The cost of an arm beside another's, run for run."""

import numpy as np
import pandas as pd
import pytest

from runner.analysis.cost import paired_ratio
from runner.analysis.data.experiment import Experiment
from runner.studies.equal_time import equal_epochs, left_out

FACTORS = {"sam": ("off", "on")}


def experiment(off, on, seeds=None, **columns):
    """One run a number of seconds; seeds: of the runs with `on`."""
    levels = ["off"] * len(off) + ["on"] * len(on)
    own = [*range(len(off)), *(seeds or range(len(on)))]
    runs = pd.DataFrame({"sam": levels, "seed": own, "cpu_seconds": [*off, *on]})
    return Experiment(runs.assign(**columns), FACTORS, grid="add-one")


def test_runs_are_paired_by_seed():
    # The machine was twice as slow for seed 1: the ratio does not see it.
    found = paired_ratio(experiment([10, 20, 10], [16, 30, 15]), (1,), (0,))
    assert found.ratio == pytest.approx(1.5)
    logs = np.log([1.6, 1.5, 1.5])
    half = 4.302653 * logs.std(ddof=1) / np.sqrt(3)
    assert found.low == pytest.approx(np.exp(logs.mean() - half))
    assert found.high == pytest.approx(np.exp(logs.mean() + half))
    assert (found.column, found.runs, found.differs) == ("cpu_seconds", 3, True)


def test_a_cost_within_noise_is_not_told_from_the_baselines():
    assert not paired_ratio(experiment([10, 10, 10], [12, 9, 11]), (1,), (0,)).differs
    base = paired_ratio(experiment([10, 12], [12, 9]), (0,), (0,))
    assert (base.ratio, base.differs) == (1, False)


def test_without_common_seeds_medians_are_compared():
    found = paired_ratio(experiment([10, 10, 30], [20, 20.2], seeds=[7, 8]), (1,), (0,))
    assert found.ratio == pytest.approx(2.01, rel=1e-3)
    assert found.low < 2 < found.high


def test_only_runs_that_ended_well_count():
    state = ["ok", "ok", "diverged", "ok"]
    found = paired_ratio(experiment([10, 10], [1, 20], state=state), (1,), (0,))
    assert (found.ratio, found.low, found.runs) == (2, None, 1)
    assert paired_ratio(experiment([10], [9], state=["ok", "failed"]), (1,), (0,)) is None


def test_wall_seconds_count_on_a_gpu():
    found = experiment([10], [10], train_seconds=[4.0, 6.0], device="cuda:0")
    assert paired_ratio(found, (1,), (0,)).ratio == pytest.approx(1.5)


@pytest.mark.parametrize("epochs", [1, 2, 5, 40, 300])
@pytest.mark.parametrize("ratio", [0.1, 0.7, 1.0, 1.3, 2.0, 17.0])
def test_whole_epochs_come_as_near_as_they_can(epochs, ratio):
    found = equal_epochs(epochs, ratio)
    assert found >= 1
    spent = found * ratio
    assert abs(spent - epochs) <= ratio / 2 + 1e-9 or found == 1


def test_an_arm_is_left_out_where_every_run_diverged():
    states = [("a", "diverged"), ("a", "diverged"), ("b", "diverged"), ("b", "ok"), ("c", None)]
    assert left_out(states) == {"a"}
