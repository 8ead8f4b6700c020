"""Counts, balance, and what each design is for."""

import itertools
import time
from collections import Counter

import numpy as np
import pytest

from runner.designs import registry as designs
from runner.designs.design import reference_arm
from runner.designs.factor import (
    arm_levels,
    asked_names,
    compose_levels,
    field_factor,
    level_names,
    split,
    standard_bag,
    trick_factors,
)
from tricks import BadInput, Recipe, TrickConflict, parse

BASELINE = Recipe(optimizer=parse("sgd"), schedule=parse("step-decay"))
BAG = trick_factors(standard_bag(), BASELINE)


def parse_tricks(text):
    return tuple(parse(item) for item in split(text))


def make(grid, tricks="warmup,mixup,lars,adamw", **options):
    return designs.make(grid, trick_factors(parse_tricks(tricks), BASELINE), BASELINE, **options)


def test_the_standard_bag_is_eight_tricks_and_three_optimizers():
    sizes = {factor.name: len(factor.levels) for factor in BAG}
    assert sizes.pop("optimizer") == 3
    assert set(sizes) == {
        "warmup", "zero-gamma", "cosine", "label-smoothing", "mixup", "cutmix", "randaugment",
        "evonorm",
    }  # fmt: skip
    assert set(sizes.values()) == {2}


@pytest.mark.parametrize(
    ("grid", "arms"),
    [
        ("add-one", 11), ("leave-one-out", 10), ("cumulative", 10), ("pairs", 55), ("full", 768),
        ("screen", 24), ("fraction", 64),
    ],
)  # fmt: skip
def test_arms_of_the_standard_bag(grid, arms):
    design = designs.make(grid, BAG, BASELINE)
    listed = list(design)
    assert design.count == len(listed) == arms
    assert len(set(design.runs(1))) == arms, "no run stands twice"
    assert design.excluded == 0
    assert all(design.contains(arm) for arm in listed)


def test_add_one_is_the_baseline_and_each_level_alone():
    assert list(make("add-one")) == [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 2)]


def test_leave_one_out_takes_each_factor_back_to_the_baseline():
    design = make("leave-one-out", reference={"optimizer": "adamw"})
    assert [level.name for level in design.factors[2].levels] == ["sgd", "adamw"]
    assert list(design) == [(1, 1, 1), (0, 1, 1), (1, 0, 1), (1, 1, 0)]


def test_all_on_takes_the_first_alternative_unless_told():
    assert make("leave-one-out").factors[2].levels[1].name == "lars"


def test_cumulative_adds_in_the_order_given():
    design = make("cumulative", order=["optimizer", "warmup", "mixup"])
    assert list(design) == [(0, 0, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1)]
    assert list(make("cumulative")) == [(0, 0, 0), (1, 0, 0), (1, 1, 0), (1, 1, 1)]


def test_a_member_of_a_group_may_stand_for_it_in_the_order():
    assert list(make("cumulative", order=["lars", "mixup", "warmup"]))[1] == (0, 0, 1)


def test_pairs_has_at_most_two_factors_away_from_the_baseline():
    arms = list(make("pairs"))
    assert Counter(sum(map(bool, arm)) for arm in arms) == {0: 1, 1: 4, 2: 5}


def test_full_is_the_product_with_the_baseline_first():
    arms = list(make("full"))
    assert arms[0] == (0, 0, 0)
    assert sorted(arms) == list(itertools.product(range(2), range(2), range(3)))


def test_a_beginning_of_the_full_grid_is_nearly_balanced():
    design = designs.make("full", BAG, BASELINE)
    half = np.array(list(itertools.islice(design, 128)))
    for column, factor in zip(half.T, design.factors, strict=True):
        shares = np.bincount(column, minlength=len(factor.levels)) / len(half)
        assert np.allclose(shares, 1 / len(factor.levels), atol=0.06), factor.name


def test_a_million_arms_are_counted_and_begun_at_once():
    fields = {"batch_size": range(2, 42), "epochs": range(1, 41)}
    factors = [*BAG, *(field_factor(name, values, BASELINE) for name, values in fields.items())]
    start = time.perf_counter()
    design = designs.make("full", factors, BASELINE)
    assert design.count == 768 * 1600
    assert len(list(itertools.islice(design, 1000))) == 1000
    assert time.perf_counter() - start < 2


def test_seeds_are_shared_one_at_a_time_and_own_in_a_factorial():
    one, full = make("add-one"), make("full")
    assert one.seeds((0, 0, 0), 3) == one.seeds((1, 0, 0), 3) == [0, 1, 2]
    seeds = [seed for arm in full for seed in full.seeds(arm, 3)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert full.seeds((1, 0, 2), 5)[:3] == full.seeds((1, 0, 2), 3)


def test_an_arm_has_the_same_seeds_in_every_factorial():
    full, fraction = (designs.make(grid, BAG, BASELINE) for grid in ("full", "fraction"))
    arm = list(fraction)[17]
    assert fraction.seed(arm, 0) == full.seed(arm, 0)
    smaller = make("full", "mixup,warmup")
    assert smaller.seed((1, 0), 0) == make("full", "warmup,mixup,cosine").seed((0, 1, 0), 0)


def test_levels_of_an_arm_and_the_recipe_they_make():
    design = make("full")
    assert level_names(design.factors, (1, 0, 2)) == {
        "warmup": "on", "mixup": "off", "optimizer": "adamw",
    }  # fmt: skip
    assert asked_names(design.factors, (1, 0, 2)) == ("warmup", "adamw")
    recipe = compose_levels(BASELINE, arm_levels(design.factors, (1, 0, 2)))
    assert (recipe.warmup, recipe.optimizer, recipe.mixers) == (
        parse("warmup"), parse("adamw"), (),
    )  # fmt: skip


def test_a_trick_with_parameters_is_named_by_its_text():
    factors = trick_factors(parse_tricks("mixup(alpha=0.4),adamw(lr=0.01),adamw"), BASELINE)
    assert factors[0].name == "mixup(alpha=0.4)"
    assert [level.name for level in factors[1].levels] == ["sgd", "adamw(lr=0.01)", "adamw"]


def test_the_baselines_own_optimizer_may_be_named():
    factors = trick_factors(parse_tricks("lars,sgd"), BASELINE)
    assert [level.name for level in factors[0].levels] == ["sgd", "lars"]
    with pytest.raises(BadInput, match="changes nothing"):
        trick_factors(parse_tricks("sgd"), BASELINE)


def test_another_sgd_is_told_from_the_baselines():
    factors = trick_factors(parse_tricks("sgd(momentum=0.5)"), BASELINE)
    assert [level.name for level in factors[0].levels] == ["sgd", "sgd(momentum=0.5)"]


def test_the_reference_of_a_field_is_the_baselines_value():
    factor = field_factor("lr_scale", ["0.5", "1.0", "2"], BASELINE)
    assert [level.name for level in factor.levels] == ["1", "0.5", "2"]
    assert [level.fields for level in factor.levels][1] == (("lr_scale", 0.5),)
    assert field_factor("lr_scale", [2, 4], BASELINE).levels[0].name == "2"


def test_a_field_may_hold_tricks():
    factor = field_factor("schedule", ["cosine", "step-decay"], BASELINE)
    assert [level.name for level in factor.levels] == ["step-decay", "cosine"]
    mixers = field_factor("mixers", ["none", "mixup+cutmix"], BASELINE)
    assert [level.name for level in mixers.levels] == ["none", "cutmix+mixup"]
    recipe = compose_levels(BASELINE, [factor.levels[1], mixers.levels[1]])
    assert (recipe.schedule, len(recipe.mixers)) == (parse("cosine"), 2)


def test_a_trick_does_not_overwrite_a_field_factor():
    factor = field_factor("smoothing", ["0", "0.2"], BASELINE)
    on = trick_factors([parse("label-smoothing")], BASELINE)[0].levels[1]
    assert compose_levels(BASELINE, [factor.levels[0], on]).smoothing > 0
    with pytest.raises(TrickConflict, match="both set smoothing"):
        compose_levels(BASELINE, [factor.levels[1], on])


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: designs.find("ful"), "did you mean full"),
        (lambda: make("add-one", runs=24), "--runs is for --grid fraction"),
        (lambda: make("screen", runs=24), "--runs is for --grid fraction"),
        (lambda: make("fraction", runs=0), "--runs must be at least 1"),
        (lambda: make("fraction", runs=4), "use at least 5"),
        (lambda: make("fraction", runs=12), "use --grid full"),
        (lambda: make("add-one", "warmup,warmup"), "named twice"),
        (lambda: make("add-one", reference={"optimizer": "lars"}), "--reference"),
        (lambda: make("full", order=["warmup"]), "--order"),
        (lambda: make("leave-one-out", reference={"optimiser": "lars"}), "did you mean optimizer"),
        (lambda: make("leave-one-out", reference={"optimizer": "sgd"}), "choose from lars, adamw"),
        (lambda: make("leave-one-out", reference={"optimizer": "sam"}), "no level 'sam'"),
        (lambda: make("cumulative", order=["warmup"]), "mixup, optimizer is missing"),
        (lambda: make("cumulative", order=["warmup", "warmup"]), "warmup twice"),
        (lambda: make("cumulative", order=["warmpu"]), "did you mean warmup"),
        (lambda: make("fraction"), "use --grid full"),
        (lambda: designs.make("full", [], BASELINE), "nothing to vary"),
        (lambda: make("leave-one-out", "cosine,step-decay(gamma=0.5)"), "both set schedule"),
        (lambda: field_factor("lr_scales", ["1", "2"], BASELINE), "did you mean lr_scale"),
        (lambda: field_factor("lr_scale", ["1", "-2"], BASELINE), "above 0"),
        (lambda: field_factor("lr_scale", ["1", "x"], BASELINE), "finite number"),
        (lambda: field_factor("lr_scale", ["1"], BASELINE), "at least two"),
        (lambda: field_factor("lr_scale", ["1", "1.0"], BASELINE), "named twice"),
        (
            lambda: field_factor("schedule", ["cosine", "mixup"], BASELINE),
            "mixup cannot be the value of schedule",
        ),
        (lambda: field_factor("flip", ["true", "maybe"], BASELINE), "True or False"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(build, said):
    with pytest.raises(BadInput, match=said.replace("(", r"\(")) as caught:
        build()
    assert "\n" not in str(caught.value)


def test_reserved_columns_are_no_factors():
    class Seed(type(parse("warmup"))):
        name = "seed"

    try:
        with pytest.raises(BadInput, match="column of the results table"):
            trick_factors([Seed()], BASELINE)
    finally:
        from tricks import trick

        del trick.REGISTERED["seed"]


def test_no_recipe_field_is_reserved():
    from runner.designs.reserved import is_bookkeeping
    from tricks.recipe import FIELDS

    assert not [name for name in FIELDS if is_bookkeeping(name)]


def test_split_leaves_brackets_and_quotes_alone():
    assert split("a, b(x=(1,2),y='p,q') ,c") == ["a", "b(x=(1,2),y='p,q')", "c"]
    assert split("") == []


def test_the_reference_arm_is_all_zero():
    assert reference_arm(BAG) == (0,) * 9
