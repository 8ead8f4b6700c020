"""Drop-block in half precision, and dropout in front of several heads or none."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch._dynamo.testing import CompileCounter
from torchvision.ops import drop_block2d

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


@pytest.mark.parametrize("progress", [0.0, 0.4, 1.0])
def test_drop_block_is_torchvision_s_for_the_same_centres(progress, monkeypatch):
    """torchvision draws by another kernel, so both are given the same draws."""
    trick = parse("drop-block(rate=0.3)")
    model = operated(trick)
    trick.hold(model, progress)
    layer = model.layer4[0].drop_block.train()
    x, draws = torch.randn(8, 16, 9, 9), torch.rand(8, 16, 3, 3)
    monkeypatch.setattr(torch, "rand", lambda *shape, **kind: draws)
    monkeypatch.setattr(
        torch.Tensor, "bernoulli_", lambda noise, centres: noise.copy_((draws < centres).float())
    )
    torch.testing.assert_close(layer(x), drop_block2d(x, 0.3 * progress, 7))


def test_a_compiled_network_is_not_compiled_anew_as_the_rate_rises(monkeypatch):
    monkeypatch.delenv("TORCHDYNAMO_DISABLE", raising=False)  # conftest.py sets it
    trick = parse("drop-block(rate=0.5)")
    model = operated(trick)
    layer = model.layer4[0].drop_block.train()
    torch.compiler.reset()
    counter = CompileCounter()
    compiled = torch.compile(layer, backend=counter)
    shares = []
    for step in range(12):
        trick.hold(model, step / 11)
        shares.append((compiled(torch.ones(20, 8, 7, 7)) == 0).float().mean().item())
    assert counter.frame_count == 1
    assert shares[0] == 0
    assert 0.4 < shares[-1] < 0.65


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
