"""EvoNorm against NumPy over several steps, and surgery on real networks."""

from __future__ import annotations

import numpy as np
import pytest
import timm
import torch
from timm.layers import EvoNorm2dB0, EvoNorm2dS0
from torch import nn

from runner.training.model import SmallImageResNet50
from tricks import BadInput, parse
from tricks.model.evonorm import EvoNorm, channels_per_group
from tricks.start.zero_gamma import ZeroGamma

GROUP = 8


def s0(x, gamma, beta, v, running, training):
    """x · σ(v·x) / √(variance of 8 neighbouring channels + eps) · γ + β."""
    b, c, h, w = x.shape
    grouped = x.reshape(b, c // GROUP, GROUP * h * w)
    variance = ((grouped - grouped.mean(2, keepdims=True)) ** 2).mean(2)
    deviation = np.sqrt(variance + 1e-5).repeat(GROUP, axis=1)[:, :, None, None]
    sigmoid = 1 / (1 + np.exp(-v[:, None, None] * x))
    return x * sigmoid / deviation * gamma[:, None, None] + beta[:, None, None]


def b0(x, gamma, beta, v, running, training):
    """x / max(√(batch variance + eps), v·x + √(instance variance + eps)) · γ + β."""
    if training:
        variance = ((x - x.mean((0, 2, 3), keepdims=True)) ** 2).mean((0, 2, 3))
        n = x.size / x.shape[1]
        running[:] = 0.9 * running + 0.1 * variance * n / (n - 1)
    else:
        variance = running
    instance = ((x - x.mean((2, 3), keepdims=True)) ** 2).mean((2, 3))
    right = v[:, None, None] * x + np.sqrt(instance + 1e-3)[:, :, None, None]
    divisor = np.maximum(np.sqrt(variance + 1e-3)[:, None, None], right)
    return x / divisor * gamma[:, None, None] + beta[:, None, None]


def slope(function, values):
    """Central differences of a scalar function, entry by entry."""
    found = np.zeros_like(values)
    for i in np.ndindex(*values.shape):
        kept = values[i]
        values[i] = kept + 1e-5
        above = function()
        values[i] = kept - 1e-5
        found[i] = (above - function()) / 2e-5
        values[i] = kept
    return found


@pytest.mark.parametrize(("kind", "reference"), [("s0", s0), ("b0", b0)])
def test_evonorm_follows_its_equations_over_several_steps(kind, reference):
    rng = np.random.default_rng(0)
    channels = 16
    layer = EvoNorm(kind=kind).layer(channels, activation=True)
    gamma, v = 1 + 0.3 * rng.normal(size=(2, channels))
    beta, running = 0.3 * rng.normal(size=channels), np.ones(channels)
    values = {"weight": gamma, "bias": beta, "v": v}
    with torch.no_grad():
        for name, value in values.items():
            getattr(layer, name).copy_(torch.from_numpy(value))
    wanted = rng.normal(size=(3, channels, 2, 3))
    for step in range(4):
        x = (1 + step) * rng.normal(size=wanted.shape) + 0.5
        image = torch.tensor(x, dtype=torch.float32, requires_grad=True)

        def loss(x=x):
            return (wanted * reference(x, gamma, beta, v, running.copy(), True)).sum()

        output = layer.train()(image)
        (output * torch.tensor(wanted, dtype=torch.float32)).sum().backward()
        expected = reference(x, gamma, beta, v, running, True)
        np.testing.assert_allclose(output.detach(), expected, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(image.grad, slope(loss, x), rtol=2e-3, atol=2e-3)
        # A step of gradient descent by each, from its own gradient.
        slopes = {name: slope(loss, value) for name, value in values.items()}
        for name, value in values.items():
            ours, downhill = getattr(layer, name), slopes[name]
            np.testing.assert_allclose(ours.grad, downhill, rtol=2e-3, atol=2e-3)
            value -= 0.01 * downhill
            with torch.no_grad():
                ours -= 0.01 * ours.grad
            ours.grad = None
        quiet = layer.eval()(image)
        expected = reference(x, gamma, beta, v, running, False)
        np.testing.assert_allclose(quiet.detach(), expected, rtol=1e-3, atol=1e-3)
    if kind == "b0":
        np.testing.assert_allclose(layer.running_var, running, rtol=1e-4)


@pytest.mark.parametrize("kind", ["s0", "b0"])
def test_without_an_activation_only_gamma_and_beta_remain(kind):
    layer = EvoNorm(kind=kind).layer(8, activation=False)
    nn.init.constant_(layer.weight, 3)
    nn.init.constant_(layer.bias, 1)
    x = torch.randn(2, 8, 4, 4)
    torch.testing.assert_close(layer(x), 3 * x + 1)


@pytest.mark.parametrize(("kind", "reference"), [("s0", s0), ("b0", b0)])
def test_variance_is_taken_in_fp32_under_autocast(kind, reference):
    # A spread of 1 around 100: in bfloat16 the mean alone would be off by up to 0.25.
    layer = EvoNorm(kind=kind).layer(8, activation=True)
    nn.init.constant_(layer.v, 0.0)  # leaves the deviations to decide
    x = (100 + torch.randn(2, 8, 6, 6)).bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = layer(x).float()
    numbers = x.double().numpy()
    one, nought = np.ones(8), np.zeros(8)
    expected = reference(numbers, one, nought, nought, np.ones(8), True)
    np.testing.assert_allclose(found.detach(), expected, rtol=0.02)


def test_a_group_has_at_least_eight_channels_and_divides_evenly():
    assert [channels_per_group(c, 8) for c in (8, 12, 16, 20, 24, 7, 64)] == [8, 12, 8, 10, 8, 7, 8]
    assert channels_per_group(64, 16) == 16
    for channels in (4, 8, 12, 20, 22):
        layer = EvoNorm().layer(channels, activation=True)
        assert channels // layer.groups >= min(8, channels)
        assert layer(torch.randn(2, channels, 4, 4)).isfinite().all()


def kinds(model):
    return [type(module).__name__ for module in model.modules()]


NETWORKS = {
    # network: (norms, of which with an activation, activations left behind sums)
    "small": (lambda: SmallImageResNet50(10, 1, 0.125), 53, 33, 16),
    "resnet18": (lambda: timm.create_model("resnet18", num_classes=10), 20, 9, 8),
    "resnet26d": (lambda: timm.create_model("resnet26d", num_classes=10), 31, 19, 8),
}


@pytest.mark.parametrize("kind", ["s0", "b0"])
@pytest.mark.parametrize("network", ["small", "resnet18", "resnet26d"])
def test_no_batch_norm_and_no_relu_after_a_norm_is_left(network, kind):
    build, norms, active, behind_sums = NETWORKS[network]
    model = build()
    assert EvoNorm(kind=kind).surgery(model) == norms
    evonorms = [m for m in model.modules() if isinstance(m, (EvoNorm2dS0, EvoNorm2dB0))]
    assert len(evonorms) == norms
    assert sum(m.apply_act for m in evonorms) == active
    assert kinds(model).count("ReLU") == behind_sums
    assert not any("BatchNorm" in kind for kind in kinds(model))
    first = model.layer1[0]
    # The block by hand: one activation behind the sum, none behind a norm.
    if network == "small":
        names = [type(getattr(first, name)).__name__ for name in ("act1", "act2", "act3")]
        assert names == ["Identity", "Identity", "ReLU"]
        assert [first.bn1.apply_act, first.bn2.apply_act, first.bn3.apply_act] == [
            True, True, False,
        ]  # fmt: skip
        assert not first.downsample[1].apply_act
        assert type(model.act1).__name__ == "Identity"
    channels = model.conv1.in_channels if isinstance(model.conv1, nn.Conv2d) else 3
    model.train()(torch.randn(4, channels, 32, 32)).sum().backward()
    assert all(p.grad is not None for p in model.parameters())


def test_a_block_computes_what_its_equations_say():
    torch.manual_seed(0)
    model = SmallImageResNet50(10, 1, 0.125)
    EvoNorm().surgery(model)
    block = model.layer1[1].eval()
    x = torch.randn(2, 32, 4, 4)

    def evonorm(image):
        one = np.ones(image.shape[1])
        return torch.from_numpy(s0(image.detach().double().numpy(), one, 0 * one, one, None, True))

    inner = evonorm(block.conv2(evonorm(block.conv1(x)).float()))
    expected = torch.relu(block.conv3(inner.float()) + x)
    torch.testing.assert_close(block(x), expected, rtol=1e-3, atol=1e-3)


def test_norm_and_activation_in_one():
    model = timm.create_model("resnetv2_50", num_classes=10)
    before = sum("BatchNorm" in kind for kind in kinds(model))
    assert EvoNorm().surgery(model) == before
    assert not {"BatchNormAct2d", "ReLU"} & set(kinds(model))
    assert sum(m.apply_act for m in model.modules() if isinstance(m, EvoNorm2dS0)) == before


def test_convolutions_are_kept_and_norms_start_afresh():
    model = timm.create_model("resnet18", num_classes=10)
    kept = {n: p.clone() for n, p in model.named_parameters() if "conv" in n or n.startswith("fc")}
    nn.init.constant_(model.layer1[0].bn1.weight, 7)
    model.train()
    EvoNorm().surgery(model)
    assert all(torch.equal(model.get_parameter(n), p) for n, p in kept.items())
    assert model.layer1[0].bn1.weight.unique().tolist() == [1]
    assert all(module.training for module in model.modules())


def test_surgery_draws_nothing_and_leaves_no_hooks():
    model = SmallImageResNet50(10, 3, 0.125).eval()
    state = torch.get_rng_state()
    EvoNorm().surgery(model)
    assert torch.equal(torch.get_rng_state(), state)
    assert not model.training
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


def test_surgery_that_matches_nothing_is_bad_input():
    class Plain(nn.Sequential):
        pass

    with pytest.raises(BadInput, match="no batch norm with an activation in Plain"):
        EvoNorm().surgery(Plain(nn.Conv2d(1, 8, 3), nn.ReLU()))
    with pytest.raises(BadInput, match="no batch norm with an activation in Plain"):
        EvoNorm().surgery(Plain(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.Flatten()))
    model = SmallImageResNet50(10, 1, 0.125)
    EvoNorm().surgery(model)
    with pytest.raises(BadInput, match="evonorm found no batch norm"):
        EvoNorm().surgery(model)


def test_a_network_that_cannot_be_followed_is_bad_input():
    model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Linear(5, 5))
    with pytest.raises(BadInput, match="64×64 pixels through Sequential") as caught:
        EvoNorm().surgery(model)
    assert "\n" not in str(caught.value)
    assert "BatchNorm2d" in kinds(model)


def test_an_activation_used_twice_is_bad_input():
    class Shared(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm, self.relu = nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU()

        def forward(self, x):
            return self.relu(self.relu(self.norm(self.conv(x))) + 1)

    with pytest.raises(BadInput, match=r"activation relu of Shared: .* in several places"):
        EvoNorm().surgery(Shared())


@pytest.mark.parametrize("norm", [None, EvoNorm(), EvoNorm(kind="b0")])
def test_zero_gamma_silences_every_residual_branch(norm):
    model = SmallImageResNet50(10, 1, 0.125)
    if norm is not None:
        norm.surgery(model)
    assert ZeroGamma().edit(model) == 16
    x = torch.rand(2, 32, 4, 4)
    block = model.layer1[1]
    torch.testing.assert_close(block(x), x)
    for layer in (model.layer1, model.layer2, model.layer3, model.layer4):
        for block in layer:
            assert not block.bn3.weight.any()
            assert block.bn1.weight.all()
            assert block.bn2.weight.all()
    assert model.bn1.weight.all()


def test_zero_gamma_for_two_layer_blocks():
    model = timm.create_model("resnet18", num_classes=10, zero_init_last=False)
    assert ZeroGamma().edit(model) == 8
    assert not model.layer1[0].bn2.weight.any()
    assert model.layer1[0].bn1.weight.all()


def test_zero_gamma_that_changes_nothing_is_bad_input():
    with pytest.raises(BadInput, match="zero-gamma changes nothing in Sequential"):
        ZeroGamma().edit(nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8)))
    # timm's own default zeroes already.
    with pytest.raises(BadInput, match="start at zero already"):
        ZeroGamma().edit(timm.create_model("resnet18", num_classes=10))


@pytest.mark.parametrize(
    "text", ["evonorm(group_size=4)", "evonorm(kind='s1')", "evonorm(group_size=8.5)"]
)
def test_a_value_out_of_range_is_bad_input(text):
    with pytest.raises(BadInput, match="evonorm"):
        parse(text)
