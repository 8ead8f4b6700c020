"""More seeds for the arm that all others are compared with."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.designs import registry as designs
from runner.designs.design import AUTO
from runner.designs.factor import standard_bag, trick_factors
from runner.studies.asked import Asked
from runner.studies.study import build
from tricks import BadInput, Recipe, parse

BASELINE = Recipe(optimizer=parse("sgd"), schedule=parse("step-decay"))
BAG = trick_factors(standard_bag(), BASELINE)


@pytest.mark.parametrize("grid", ["add-one", "leave-one-out"])
@pytest.mark.parametrize("control", [None, AUTO, 9])
def test_the_control_gets_its_seeds_and_shares_the_first(grid, control):
    design = designs.make(grid, BAG, BASELINE, control=control)
    runs = list(design.runs(4))
    held = {arm: [seed for other, seed in runs if other == arm] for arm in design}
    expected = {None: 4, AUTO: math.ceil(math.sqrt(design.count - 1) * 4), 9: 9}[control]
    assert held.pop(design.control_arm) == list(range(expected))
    assert all(seeds == [0, 1, 2, 3] for seeds in held.values())
    assert len(runs) == len(set(runs)) == design.total(4)
    assert set(runs) == {(arm, seed) for arm in design for seed in design.seeds(arm, 4)}


@given(st.sampled_from([None, AUTO, 30]), st.integers(1, 12), st.integers(1, 12))
def test_more_seeds_only_add_runs(control, fewer, more):
    design = designs.make("add-one", BAG[:5], BASELINE, control=control)
    assert set(design.runs(fewer)) <= set(design.runs(fewer + more))
    assert design.control_seeds(fewer) <= design.control_seeds(fewer + more)


def test_a_beginning_has_some_of_them():
    design = designs.make("add-one", BAG, BASELINE, control=AUTO)
    first = list(design.runs(3))[: design.total(3) // 3]
    assert 2 < sum(arm == design.control_arm for arm, _ in first) < 5


def test_a_study_counts_and_keeps_them():
    study = build(Asked(control_seeds="auto"))
    assert study.runs == 10 * 3 + 10 == len(list(study.planned()))
    assert study.as_stored().control_seeds == "auto"
    assert "the baseline gets 10 seeds, each other arm 3" in study.notes
    assert build(Asked(control_seeds=7, seeds=5)).as_stored().control_seeds == 7
    assert build(Asked()).as_stored().control_seeds is None


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Asked(grid="full", control_seeds="auto"), "leave it out for --grid full"),
        (Asked(grid="cumulative", control_seeds=9), "leave it out for --grid cumulative"),
        (Asked(control_seeds=2), "at least --seeds, 3, not 2"),
        (Asked(control_seeds="many"), "give a number, or auto"),
        (Asked(control_seeds=-4), "give a number, or auto"),
        (Asked(runs=24), "--runs is for --grid fraction"),
        (Asked(grid="fraction", runs=7), "use at least 11"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(asked, said):
    with pytest.raises(BadInput, match=said) as caught:
        build(asked)
    assert "\n" not in str(caught.value)
