"""Clipping by norm, by value and by unit, by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from tests.tricks.two_pixels import Linear
from tricks.optimizer.adaptive_clip import AdaptiveClip
from tricks.optimizer.clip_norm import ClipNorm
from tricks.optimizer.clip_value import ClipValue


def test_clipping_by_norm_and_by_value_by_hand():
    model = Linear()

    def after(trick):
        model.fc.weight.grad = torch.tensor([[3.0, 0.0], [0.0, 0.0], [0.0, -0.5]])
        model.fc.bias.grad = torch.tensor([0.0, 4.0, 0.0])
        trick.clip(model)
        return [p.grad.tolist() for p in model.parameters()]

    norm = np.sqrt(9 + 0.25 + 16)
    weight, bias = after(ClipNorm(max_norm=2.0))
    assert weight[0][0] == pytest.approx(6 / norm)
    assert weight[2][1] == pytest.approx(-1 / norm)
    assert bias == pytest.approx([0, 8 / norm, 0])
    assert after(ClipNorm(max_norm=6.0))[1] == [0, 4, 0]
    assert after(ClipValue(limit=1.0)) == [[[1, 0], [0, 0], [0, -0.5]], [0, 1, 0]]


def test_adaptive_clipping_by_hand():
    model = nn.Sequential(nn.Conv2d(1, 2, 2), nn.Flatten(), nn.Linear(2, 2))
    model.get_classifier = lambda: model[2]
    conv, head = model[0], model[2]
    with torch.no_grad():
        conv.weight.copy_(torch.tensor([[[[3.0, 4], [0, 0]]], [[[0, 0], [0, 0]]]]))
        conv.bias.copy_(torch.tensor([6.0, 8.0]))
    for p in model.parameters():
        p.grad = torch.full_like(p, 2.0)
    AdaptiveClip(share=0.1, least=0.5).clip(model)
    # The first filter: norm 5, gradient 4, limit 0.5. The second is 0: it counts as 0.5.
    assert conv.weight.grad[0].unique().tolist() == pytest.approx([0.25])
    assert conv.weight.grad[1].unique().tolist() == pytest.approx([0.025])
    # The bias as a whole: norm 10, gradient 2 √2, limit 1.
    assert conv.bias.grad.tolist() == pytest.approx([np.sqrt(0.5)] * 2)
    assert head.weight.grad.unique().tolist() == [2.0]
    assert head.bias.grad.unique().tolist() == [2.0]
