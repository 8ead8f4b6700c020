"""Drop-block in half precision, and dropout in front of several heads or none."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.tricks.test_network_surgery import operated
from tricks import BadInput, parse


@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16])
def test_drop_block_counts_in_full_precision(half):
    """A map of 64 × 256 × 8 × 8 has more kept pixels than float16 can count."""
    trick = parse("drop-block(rate=0.2)")
    model = operated(trick)
    trick.hold(model, 0.5)
    layer = model.layer4[0].drop_block.train()
    x = torch.randn(64, 256, 8, 8)
    torch.manual_seed(0)
    full = layer(x)
    torch.manual_seed(0)
    found = layer(x.to(half))
    assert found.dtype == half
    assert torch.equal(found == 0, full == 0)
    torch.testing.assert_close(found.float(), full, rtol=0.02, atol=1e-3)


def test_dropout_takes_every_head_and_says_where_there_is_none():
    class Heads(nn.Module):
        def __init__(self, *heads):
            super().__init__()
            self.heads = nn.ModuleList(heads)

        def get_classifier(self):
            return tuple(self.heads)

    model = Heads(nn.Linear(40, 40, bias=False), nn.Linear(40, 40, bias=False)).train()
    parse("dropout(rate=0.5)").operate(model)
    x = torch.ones(50, 40)
    for top in model.heads:
        nn.init.eye_(top.weight)
        assert 0.3 < (top(x) == 0).float().mean() < 0.7
    for none in (Heads(), Heads(nn.Identity()), nn.Linear(2, 2)):
        with pytest.raises(BadInput, match="dropout found no classifier"):
            parse("dropout").operate(none)
