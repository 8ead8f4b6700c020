"""How a user can write a trick, and the messages for text that cannot be read."""

from __future__ import annotations

import pytest

from tricks import BadInput, parse
from tricks.mix.mixup import MixUp
from tricks.optimizer.adamw import AdamW
from tricks.schedule.warmup import Warmup


@pytest.mark.parametrize(
    ("text", "trick"),
    [
        ("mixup", MixUp()),
        (" mixup ( alpha = 0.4 ) ", MixUp(alpha=0.4)),
        ("mixup()", MixUp()),
        ("mixup(alpha=1)", MixUp(alpha=1.0)),
        ("warmup(epochs=None, minimum=3)", Warmup(minimum=3)),
        ("warmup(epochs=2)", Warmup(epochs=2.0)),
        ("adamw(betas=[0.8, 0.9])", AdamW(betas=(0.8, 0.9))),
        ("adamw(lr=1e-3)", AdamW(lr=0.001)),
    ],
)
def test_a_text_becomes_a_trick(text, trick):
    assert parse(text) == trick
    assert type(parse(text)) is type(trick)


def test_whole_numbers_become_floats_where_floats_are_meant():
    assert isinstance(parse("mixup(alpha=1)").alpha, float)
    assert str(parse("mixup(alpha=1)")) == "mixup(alpha=1.0)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mixpu", "unknown trick 'mixpu': did you mean mixup"),
        ("zero_gamma", "did you mean zero-gamma"),
        ("Label_Smoothing", "did you mean label-smoothing"),
        ("quantum", "unknown trick 'quantum': known: adam, adamuon, adamw"),
        ("mixup(alhpa=0.4)", "unknown parameter of mixup 'alhpa': did you mean alpha"),
        ("mixup(alpha='x')", r"mixup\(alpha\) must be a finite number, not 'x'"),
        ("mixup(alpha=True)", r"mixup\(alpha\) must be a finite number, not True"),
        ("mixup(alpha=1e999)", "must be a finite number"),
        ("mixup(alpha=None)", "must be a finite number"),
        ("mixup(alpha=-1)", "mixup: alpha must be above 0, not -1"),
        ("warmup(epochs='x')", r"must be a finite number or None, not 'x'"),
        ("warmup(minimum=2.5)", r"warmup\(minimum\) must be a whole number, not 2.5"),
        ("adamw(betas=0.9)", r"adamw\(betas\) must be"),
        ("evonorm(kind='S0')", r"evonorm\(kind\) must be one of s0, b0, not 'S0'"),
        ("zero-gamma(lr=1)", "zero-gamma has no parameters, so no 'lr'"),
        ("mixup(0.4)", r"cannot read 'mixup\(0.4\)': write it as mixup\(alpha=0.2\)"),
        ("mixup(alpha=0.4", "cannot read"),
        ("mixup(alpha=0.4))", "cannot read"),
        ("mixup(alpha=0.4, alpha=0.5)", "cannot read"),
        ("mixup(", "cannot read"),
        ("mixup(alpha=print(1))", "cannot read"),
        ("mixup(**{'alpha': 1})", "cannot read"),
        ("mixup(alpha=0.4)+cosine", "cannot read"),
        ("", "unknown trick ''"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(text, message):
    with pytest.raises(BadInput, match=message) as caught:
        parse(text)
    assert "\n" not in str(caught.value)
