"""Impossible arms: found from pairs, counted without listing, equal to brute force."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.designs import registry as designs
from runner.designs.conflicts import Conflicts, find_conflicts, linked
from runner.designs.factor import (
    Factor,
    Level,
    arm_levels,
    compose_levels,
    field_factor,
    split,
    trick_factors,
)
from runner.designs.full import Full
from runner.designs.pairs import Pairs
from tricks import BadInput, Recipe, TrickConflict, parse

BASELINE = Recipe(optimizer=parse("sgd"), schedule=parse("step-decay"))
TRICKS = (
    "warmup", "warmup(share=0.1)", "zero-gamma", "cosine", "step-decay(gamma=0.5)", "mixup",
    "mixup(alpha=0.4)", "cutmix", "label-smoothing", "lars", "adamw", "evonorm",
)  # fmt: skip
FIELDS = (
    ("smoothing", ("0", "0.2")), ("schedule", ("step-decay", "cosine")),
    ("mixers", ("none", "mixup")), ("start", ("scratch", "pretrained")), ("lr_scale", ("1", "2")),
)  # fmt: skip


def parse_tricks(text):
    return tuple(parse(item) for item in split(text))


def factor(name, levels):
    return Factor(name, tuple(Level(str(i)) for i in range(levels)), "field")


@st.composite
def factors_with_conflicts(draw):
    sizes = draw(st.lists(st.integers(2, 3), min_size=1, max_size=6))
    places = [(i, a) for i, size in enumerate(sizes) for a in range(size)]
    # References go together: the baseline is always possible.
    pairs = [
        (i, a, j, b) for (i, a), (j, b) in itertools.combinations(places, 2) if i != j and (a or b)
    ]
    chosen = draw(st.sets(st.sampled_from(pairs), max_size=8)) if pairs else set()
    factors = [factor(f"f{i}", size) for i, size in enumerate(sizes)]
    return factors, Conflicts(dict.fromkeys(chosen, "because"))


@given(factors_with_conflicts(), st.sampled_from([Full, Pairs]))
def test_counts_are_those_of_brute_force(both, cls):
    factors, conflicts = both
    design = cls(factors, conflicts)
    everything = itertools.product(*(range(len(f.levels)) for f in factors))
    if cls is Pairs:
        everything = (arm for arm in everything if sum(map(bool, arm)) <= 2)
    everything = list(everything)
    allowed = {
        arm
        for arm in everything
        if not any(arm[i] == a and arm[j] == b for i, a, j, b in conflicts.reasons)
    }
    listed = list(design)
    assert len(listed) == len(set(listed))
    assert set(listed) == allowed
    assert (design.count, design.excluded) == (len(allowed), len(everything) - len(allowed))
    assert listed[0] == (0,) * len(factors)


@given(st.lists(st.sampled_from(TRICKS), min_size=1, max_size=5, unique=True),
       st.lists(st.sampled_from(FIELDS), max_size=2, unique=True))  # fmt: skip
def test_pairs_decide_which_arms_can_be_composed(names, fields):
    factors = trick_factors(parse_tricks(",".join(names)), BASELINE)
    factors += [field_factor(name, values, BASELINE) for name, values in fields]
    conflicts = find_conflicts(factors, BASELINE)
    for arm in itertools.product(*(range(len(f.levels)) for f in factors)):
        try:
            compose_levels(BASELINE, arm_levels(factors, arm))
        except TrickConflict:
            assert not conflicts.allows(arm)
        else:
            assert conflicts.allows(arm)


def test_two_schedules_are_never_on_together():
    factors = trick_factors(parse_tricks("cosine,step-decay(gamma=0.5),warmup"), BASELINE)
    design = designs.make("full", factors, BASELINE)
    assert (design.count, design.excluded) == (6, 2)
    assert "both set schedule" in next(iter(design.conflicts.reasons.values()))


def test_a_trick_that_the_baseline_has_changes_nothing():
    factors = trick_factors(parse_tricks("step-decay"), BASELINE)
    with pytest.raises(BadInput, match="changes nothing"):
        find_conflicts(factors, BASELINE)


def test_a_level_may_make_possible_what_the_baseline_forbids():
    pretrained = Recipe(start="pretrained", optimizer=parse("sgd"), schedule=parse("step-decay"))
    factors = trick_factors(parse_tricks("zero-gamma,warmup"), pretrained)
    with pytest.raises(BadInput, match="zero-gamma needs start=scratch"):
        find_conflicts(factors, pretrained)
    factors.append(field_factor("start", ["pretrained", "scratch"], pretrained))
    design = designs.make("full", factors, pretrained)
    assert (design.count, design.excluded) == (6, 2)
    assert all(arm[2] == 1 for arm in design if arm[0])


def test_many_conflicts_are_counted_without_listing_everything():
    pairs = {(i, 1, j, 1): "no" for i, j in itertools.combinations(range(40), 2)}
    design = Full([factor(f"f{i}", 2) for i in range(60)], Conflicts(pairs))
    assert design.count == 41 * 2**20
    assert len(list(itertools.islice(design, 100))) == 100


def test_components_are_those_of_the_graph():
    assert linked(5, [(0, 3), (3, 4)]) == [[0, 3, 4], [1], [2]]
