"""Warmup and cosine against a written-out curve; step decay at its milestones."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tricks import BadInput, parse
from tricks.schedule.cosine import Cosine
from tricks.schedule.step_decay import StepDecay
from tricks.schedule.warmup import Warmup


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


@pytest.mark.parametrize(
    "text",
    [
        "warmup(share=0)", "warmup(share=1.5)", "warmup(epochs=0)", "warmup(minimum=0)",
        "warmup(minimum=2.5)", "step-decay(milestones=(0.5, 1.0))", "step-decay(gamma=0)",
    ],
)  # fmt: skip
def test_a_value_out_of_range_is_bad_input(text):
    with pytest.raises(BadInput, match=text.split("(")[0]):
        parse(text)
