"""Half precision goes where fp32 goes, and skips gradients that overflow."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.tricks.two_pixels import agree, batches, stepped
from tricks import Recipe, TrickConflict, compose, parse
from tricks.optimizer.adamw import AdamW
from tricks.optimizer.clip_norm import ClipNorm
from tricks.optimizer.lookahead import Lookahead
from tricks.optimizer.sgd import SGD


def roughly(found, expected):
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0.02, atol=0.01)


@pytest.mark.parametrize("around", [(), (Lookahead(), ClipNorm(max_norm=0.2))])
def test_fp16_goes_where_fp32_goes(around):
    full = compose(Recipe(optimizer=SGD(lr=0.3)), around)
    data = batches(30)
    _, after, take = stepped(compose(full, [parse("fp16")]), data)
    roughly(after[-1], stepped(full, data)[1][-1])
    assert take.scaler.get_scale() == 2.0**16


@pytest.mark.parametrize("optimizer", [SGD(lr=0.1), AdamW(lr=0.1)])
def test_a_first_gradient_that_overflows_leaves_no_trace(optimizer):
    recipe = Recipe(optimizer=optimizer, precision="fp16")
    first, *rest = batches(4)
    huge = (first[0] * 1e5, first[1])  # its product with the scaled error is beyond 65,504
    start, after, take = stepped(recipe, [huge, *rest])
    agree(after[0], start)
    assert take.scaler.get_scale() < 2.0**16
    assert all(np.isfinite(p).all() for p in after[-1])
    expected = stepped(dataclasses.replace(recipe, precision="fp32"), rest)[1][-1]
    roughly(after[-1], expected)


def test_sam_takes_no_half_precision():
    with pytest.raises(TrickConflict, match="sam cannot stand with precision=fp16: the loss of"):
        compose(Recipe(), [parse("sam"), parse("fp16")])
    assert compose(Recipe(), [parse("sam"), parse("bf16")]).precision == "bf16"
