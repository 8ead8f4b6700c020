"""The placebo: it needs no extra runs where possible, and only changes random numbers."""

import itertools
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from runner.designs import registry as designs
from runner.designs.factor import Factor, Level, split, standard_bag, trick_factors
from runner.designs.placebo import COLUMN, DRAWN
from runner.records.export import read_export
from runner.studies.asked import Asked, from_stored
from runner.studies.study import build
from tests.designs.effects_matrix import strength, worst_alias
from tricks import BadInput, Recipe, compose, parse
from tricks.recipe import differences

BASELINE = Recipe(optimizer=parse("sgd"), schedule=parse("step-decay"))
BAG = trick_factors(standard_bag(), BASELINE)
PLACEBO = Factor("placebo", (Level("off"), Level("on", (parse("placebo"),))), "trick")


def chosen(text):
    return trick_factors([parse(item) for item in split(text)], BASELINE)


@pytest.mark.parametrize(
    ("grid", "with_it", "without"),
    [("full", 768, 768), ("fraction", 64, 64), ("screen", 24, 24), ("add-one", 12, 11),
     ("leave-one-out", 11, 10), ("cumulative", 11, 10), ("pairs", 66, 55)],
)  # fmt: skip
def test_arms_with_and_without(grid, with_it, without):
    assert designs.make(grid, [*BAG, PLACEBO], BASELINE).count == with_it
    assert designs.make(grid, BAG, BASELINE).count == without


def test_a_full_grid_carries_it_clear_of_everything_small():
    design = designs.make("full", [*BAG[:2], PLACEBO, *BAG[2:]], BASELINE)
    arms = list(design)
    assert [arm[:2] + arm[3:] for arm in arms] == list(designs.make("full", BAG, BASELINE))
    assert strength(arms, design.sizes) == 3
    assert worst_alias(arms, design.sizes) < 1e-12
    every = itertools.product(*map(range, design.sizes))
    assert sum(map(design.contains, every)) == 2 * len(arms) == 2 * len(set(arms))
    assert all(map(design.contains, arms))
    assert "needs no extra runs" in design.notes()[0]


def test_with_few_factors_it_is_crossed():
    design = designs.make("full", [*chosen("warmup,mixup,cutmix"), PLACEBO], BASELINE)
    assert (design.count, design.notes()) == (16, [])


def test_factors_that_exclude_each_other_carry_nothing():
    tricks = "warmup,mixup,cosine,step-decay(gamma=0.5),zero-gamma"
    design = designs.make("full", [*chosen(tricks), PLACEBO], BASELINE)
    assert (design.count, design.excluded) == (48, 16)
    more = [*chosen(f"{tricks},cutmix,label-smoothing"), PLACEBO]
    carried = designs.make("full", more, BASELINE)
    assert (carried.count, carried.excluded) == (96, 32)
    column = more.index(PLACEBO)
    assert sum(arm[column] for arm in carried) == 48
    free = {"warmup", "mixup", "zero-gamma", "cutmix", "label-smoothing"}
    others = [i for i, factor in enumerate(more) if factor.name in free]
    once = replace(designs.make("full", more, BASELINE), placebo_level=COLUMN)
    assert all(arm[column] == sum(arm[i] for i in others) % 2 for arm in once)


@pytest.mark.parametrize("asked", [("full", None), ("fraction", 32), ("fraction", 64),
                                   ("fraction", 48), ("screen", None)])  # fmt: skip
def test_every_second_replicate_has_the_other_level(asked):
    grid, runs = asked
    design = designs.make(grid, [*BAG[:2], PLACEBO, *BAG[2:]], BASELINE, runs=runs)
    again = designs.make(grid, [*BAG[:2], PLACEBO, *BAG[2:]], BASELINE, runs=runs)
    without = designs.make(grid, BAG, BASELINE, runs=runs)
    planned = [list(design.runs(n)) for n in (1, 2, 3)]
    assert [list(again.runs(n)) for n in (1, 2, 3)] == planned, "the same column each time"
    for n, listed in enumerate(planned, 1):
        assert len(listed) == len(set(listed)) == n * without.count
        assert set(planned[n - 2]) <= set(listed) or n == 1, "more replicates extend it"
        rest = Counter(arm[:2] + arm[3:] for arm, _ in listed)
        assert rest == Counter(arm for arm, _ in without.runs(n))
        for arm in {arm for arm, _ in listed}:
            assert design.contains(arm)
            assert sorted(design.seeds(arm, n)) == sorted(s for a, s in listed if a == arm)
    on = Counter(arm[:2] + arm[3:] for arm, _ in planned[1] if arm[2])
    assert all(2 * on[arm] == n for arm, n in Counter(a for a, _ in without.runs(2)).items())


def test_other_names_draw_another_column():
    found = set()
    for k in range(8):
        factors = [Factor(f"x{i}{k}", (Level("a"), Level("b")), "field") for i in range(5)]
        design = designs.make("full", [*factors, PLACEBO], BASELINE)
        found.add(tuple(arm[-1] for arm in design))
    assert len(found) > 3


def without_ids(rows):
    """Levels and seed of each planned run: its id also tells the versions of its tricks."""
    return {frozenset((key, value) for key, value in row.items() if key != "id") for row in rows}


def rows_of(study):
    return [study.row(arm, spec) for arm, spec in study.planned()]


def test_a_recorded_study_goes_on_as_it_was():
    """Old placebos are one product of other factors in every replicate: see results/ten-epochs."""
    for name in ("digits-screen", "digits-bag"):
        stored = read_export(Path("results/ten-epochs") / name).study
        recorded = without_ids(stored.runs)
        asked = from_stored(stored.asked, Path("study.toml"))
        asked.set["crop"] = "none"  # as the baseline was: pad-crop is one of the tricks
        assert asked.placebo_level == COLUMN
        assert without_ids(rows_of(build(asked))) == recorded
        asked.seeds += 1
        assert without_ids(rows_of(build(asked))) > recorded
    new = build(Asked(grid="screen", placebo=True, seeds=2))
    assert from_stored(new.as_stored(), Path("study.toml")).placebo_level == DRAWN
    assert from_stored(build(Asked()).as_stored(), Path("study.toml")).placebo_level == ""


def test_it_changes_the_streams_alone():
    recipe = compose(BASELINE, [parse("placebo")])
    assert set(differences(recipe, BASELINE)) == {"stream"}
    assert not parse("placebo").standard
    assert Recipe().stream == 0


def test_asking_for_it_is_naming_it():
    asked = build(Asked(tricks=["warmup"], placebo=True))
    named = build(Asked(tricks=["warmup", "placebo"]))
    both = build(Asked(tricks=["warmup", "placebo"], placebo=True))
    assert asked.as_stored() == named.as_stored() == both.as_stored()
    assert [spec.id for _, spec in asked.planned()] == [spec.id for _, spec in named.planned()]


def test_an_a_a_study():
    study = build(Asked(tricks=[], placebo=True))
    assert [factor.name for factor in study.factors] == ["placebo"]
    assert study.runs == len({spec.id for _, spec in study.planned()}) == 6
    with pytest.raises(BadInput, match="nothing to vary"):
        build(Asked(tricks=[]))


def test_every_stream_is_another_and_nothing_else():
    """Two steps of training give other weights; the seed's own streams do not change."""
    import torch

    from runner.training.randomness import derive, in_stream
    from tests.tricks.test_registry import train_two_steps

    assert in_stream(5, 0) == 5
    assert len({in_stream(seed, stream) for seed in range(20) for stream in range(3)}) == 60
    assert derive(in_stream(5, 1), "order", 0) != derive(5, "order", 0)
    plain, placebo = train_two_steps(), train_two_steps(parse("placebo"))
    assert (plain.steps, plain.images) == (placebo.steps, placebo.images)
    assert [e["lr"] for e in plain.epochs] == [e["lr"] for e in placebo.epochs]
    one, two = (next(iter(t.model.parameters())) for t in (plain, placebo))
    assert one.shape == two.shape
    assert not torch.equal(one, two)
