"""Schedules against written-out curves and torch's schedulers."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tricks import BadInput, Recipe, TrickConflict, compose, parse
from tricks.learning_rate import curve, momenta
from tricks.optimizer.sgd import SGD
from tricks.schedule.cosine import Cosine
from tricks.schedule.linear import Linear
from tricks.schedule.one_cycle import OneCycle
from tricks.schedule.polynomial import Polynomial
from tricks.schedule.step_decay import StepDecay
from tricks.schedule.warm_restarts import WarmRestarts
from tricks.schedule.warmup import Warmup
from tricks.schedule.warmup_stable_decay import WarmupStableDecay


def test_warmup_and_cosine_follow_the_written_out_curve():
    total = 10
    warmup, cosine = Warmup(share=0.4, minimum=1), Cosine()
    steps = warmup.steps(total, epochs=2)
    found = [warmup.ramp(i, steps) * cosine.scale((i + 0.5) / total) for i in range(total)]
    # 1/2 (1 + cos) of 9, 27, 45 ... 171 degrees, times 1/4, 2/4, 3/4, 1, 1 ...
    written = [
        0.248461, 0.472752, 0.640165, 0.726995, 0.578217,
        0.421783, 0.273005, 0.146447, 0.054497, 0.006156,
    ]  # fmt: skip
    assert steps == 4
    assert found == pytest.approx(written, abs=1e-6)


@given(total=st.integers(1, 100_000), epochs=st.integers(1, 300), share=st.floats(0.001, 1))
def test_the_learning_rate_is_never_zero(total, epochs, share):
    warmup = Warmup(share=share)
    steps = warmup.steps(total, epochs)
    assert 1 <= steps <= total
    ramp = [warmup.ramp(i, steps) for i in (0, steps // 2, steps - 1, steps, total)]
    assert ramp[0] > 0
    assert ramp == sorted(ramp)
    assert ramp[2:] == [1, 1, 1]
    assert 0 < Cosine().scale((total - 0.5) / total) <= Cosine().scale(0.5 / total) <= 1


def test_the_length_of_a_warmup():
    assert Warmup().steps(1000, epochs=100) == 50
    assert Warmup(epochs=5).steps(1000, epochs=100) == 50
    assert Warmup(epochs=5, share=0.5).steps(1000, epochs=100) == 50  # epochs count
    assert Warmup(epochs=0.5).steps(1000, epochs=100) == 5
    assert Warmup().steps(20, epochs=1) == 5  # the minimum
    assert Warmup().steps(3, epochs=1) == 3  # never more than there are
    assert Warmup(epochs=5).steps(60, epochs=2) == 60
    assert Warmup(minimum=20).steps(100, epochs=10) == 20


def test_cosine_is_half_a_period():
    scale = Cosine().scale
    assert scale(1e-9) == pytest.approx(1)
    assert scale(0.5) == pytest.approx(0.5)
    assert scale(1 / 3) == pytest.approx(0.75)
    assert scale(0.25) + scale(0.75) == pytest.approx(1)
    assert scale(1 - 1e-4) > 0
    assert math.isclose(scale(0.9), (1 + math.cos(0.9 * math.pi)) / 2)


def test_step_decay_at_its_milestones():
    scale = StepDecay().scale
    assert [scale(p) for p in (0.1, 0.49, 0.5, 0.74, 0.75, 0.99)] == pytest.approx(
        [1, 1, 0.1, 0.1, 0.01, 0.01]
    )


def test_linear_and_polynomial_by_hand():
    at = (0.1, 0.5, 0.9)
    assert [Linear().scale(p) for p in at] == pytest.approx([0.9, 0.5, 0.1])
    assert [Polynomial().scale(p) for p in at] == pytest.approx([0.81, 0.25, 0.01])
    assert [Polynomial(power=0.5).scale(p) for p in (0.19, 0.96)] == pytest.approx([0.9, 0.2])


@pytest.mark.parametrize(("total", "first", "growth"), [(70, 10, 2), (30, 10, 1)])
def test_warm_restarts_are_torchs(total, first, growth):
    """At the middle of a step, which is at half a step later in torch's scheduler."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    torchs = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, first, growth)
    scale = WarmRestarts(cycles=3, growth=growth).scale
    for step in range(total):
        torchs.step(step + 0.5)
        assert scale((step + 0.5) / total) == pytest.approx(torchs.get_last_lr()[0], abs=1e-9)


def test_warm_restarts_by_hand():
    scale = WarmRestarts(cycles=2, growth=3.0).scale  # a quarter, and the rest
    assert [scale(p) for p in (0.0, 0.125, 0.25, 0.625)] == pytest.approx([1, 0.5, 1, 0.5])
    assert 0 < scale(0.2499) < 1e-4
    assert 0 <= scale(1.0) < 1e-9


def test_one_cycle_is_torchs():
    """torch's end points are on steps: in a long training the difference is small."""
    total = 10_000
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0, momentum=0.9)
    torchs = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=total)
    trick = OneCycle()
    for step in range(total):
        if step % 97 == 0 or step == total - 1:
            progress = (step + 0.5) / total
            assert trick.scale(progress) == pytest.approx(torchs.get_last_lr()[0], abs=6e-4)
            momentum = optimizer.param_groups[0]["momentum"]
            assert trick.momentum(progress) == pytest.approx(momentum, abs=6e-5)
        if step < total - 1:
            optimizer.step()
            torchs.step()


def test_one_cycle_by_hand():
    trick = OneCycle(rise=0.4, start=10.0, end=100.0, high=0.9, low=0.5)
    # Half of the way up, the top, half of the way down, the end.
    at = (0.0, 0.2, 0.4, 0.7, 1.0)
    assert [trick.scale(p) for p in at] == pytest.approx([0.1, 0.55, 1, 0.5005, 0.001])
    assert [trick.momentum(p) for p in at] == pytest.approx([0.9, 0.7, 0.5, 0.7, 0.9])


def test_warmup_stable_decay_by_hand():
    at = (0.01, 0.5, 0.799, 0.85, 0.992)
    root = WarmupStableDecay()
    assert [root.scale(p) for p in at] == pytest.approx([1, 1, 1, 0.5, 1 - math.sqrt(0.96)])
    line = WarmupStableDecay(shape="linear", decay=0.4)
    assert [line.scale(p) for p in (0.6, 0.7, 0.9)] == pytest.approx([1, 0.75, 0.25])


@pytest.mark.parametrize("total", [1, 2, 7, 130, 5000])
@pytest.mark.parametrize(
    "trick",
    [
        Linear(), Polynomial(), Polynomial(power=5.0), OneCycle(), WarmRestarts(),
        WarmRestarts(cycles=7, growth=1.0), WarmupStableDecay(), WarmupStableDecay(decay=1.0),
    ],
    ids=str,
)  # fmt: skip
def test_no_step_has_a_learning_rate_of_zero(trick, total):
    recipe = compose(Recipe(optimizer=SGD(lr=0.1)), [trick])
    assert all(0 < lr <= 0.1 + 1e-12 for lr in curve(recipe, total))


def test_the_curves_of_a_recipe():
    base = Recipe(optimizer=SGD(lr=2.0), epochs=10)
    rates = curve(compose(base, [WarmupStableDecay(warmup=0.1)]), 100)
    assert rates[:10] == pytest.approx([0.2 * i for i in range(1, 11)])
    assert rates[10:80] == [2.0] * 70
    assert rates[99] == pytest.approx(2 * (1 - math.sqrt(0.975)))
    both = compose(base, [OneCycle()])
    assert len(curve(both, 100)) == len(momenta(both, 100)) == 100
    assert momenta(base, 100) is None
    assert momenta(compose(base, [Linear()]), 100) is None


def test_one_warmup_is_enough():
    with pytest.raises(TrickConflict, match="one-cycle needs warmup=None: it rises"):
        compose(Recipe(), [OneCycle(), Warmup()])
    with pytest.raises(TrickConflict, match="both set warmup"):
        compose(Recipe(), [WarmupStableDecay(), Warmup()])


@pytest.mark.parametrize(
    "text",
    [
        "warmup(share=0)", "warmup(share=1.5)", "warmup(epochs=0)", "warmup(minimum=0)",
        "warmup(minimum=2.5)", "step-decay(milestones=(0.5, 1.0))", "step-decay(gamma=0)",
        "one-cycle(rise=1)", "one-cycle(start=0.5)", "one-cycle(low=0.96)", "one-cycle(high=1)",
        "polynomial(power=0)", "warm-restarts(cycles=1)", "warm-restarts(growth=0.5)",
        "warmup-stable-decay(decay=0)", "warmup-stable-decay(warmup=0)",
        "warmup-stable-decay(shape='cosine')",
    ],
)  # fmt: skip
def test_a_value_out_of_range_is_bad_input(text):
    with pytest.raises(BadInput, match=text.split("(")[0]):
        parse(text)


@given(start=st.floats(0, 0.99), steps=st.integers(1, 500))
def test_a_warmup_from_a_start_is_torchs(start, steps):
    """torch's LinearLR, whose step 0 is one before ours: none of our steps has `start` itself."""
    from torch.optim.lr_scheduler import LinearLR

    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    scheduler = LinearLR(optimizer, start_factor=max(start, 1e-9), total_iters=steps)
    warmup = Warmup(start=start)
    for step in range(min(steps, 20)):
        optimizer.step()
        scheduler.step()
        assert warmup.ramp(step, steps) == pytest.approx(scheduler.get_last_lr()[0], abs=1e-6)
    assert warmup.ramp(steps - 1, steps) == 1


@given(floor=st.floats(0, 0.99), progress=st.floats(0, 1))
def test_a_cosine_with_a_floor(floor, progress):
    scale = Cosine(floor=floor).scale(progress)
    assert floor - 1e-12 <= scale <= 1
    # The formula of torch's CosineAnnealingLR.
    eta = floor + (1 - floor) * (1 + math.cos(math.pi * progress)) / 2
    assert scale == pytest.approx(eta)
    assert Cosine(floor=0.0).scale(progress) == Cosine().scale(progress)


@pytest.mark.parametrize("text", ["warmup(start=1.0)", "cosine(floor=1.0)", "cosine(floor=-0.1)"])
def test_ends_out_of_range(text):
    with pytest.raises(BadInput, match="must be at least 0 and below 1"):
        parse(text)
