"""Edits of the architecture against NumPy and torch's plain operations."""

from __future__ import annotations

import numpy as np
import pytest
import timm
import torch
from torch import nn
from torch.nn import functional as F

from runner.training.model import SmallImageResNet50
from tricks import BadInput, parse


def small():
    torch.manual_seed(0)
    return SmallImageResNet50(10, 1, 0.125)


def operated(trick, model=None):
    """`model` (or the small one) after `trick`, which may be a text."""
    model = model or small()
    trick = parse(trick) if isinstance(trick, str) else trick
    (trick.operate if hasattr(trick, "operate") else trick.surgery)(model)
    return model


@pytest.mark.parametrize(("name", "stride", "channels"), [("small", 1, 8), ("resnet18", 2, 64)])
def test_the_stem_of_resnet_c(name, stride, channels):
    model = small() if name == "small" else timm.create_model(name, in_chans=1)
    operated("resnet-c", model)
    convolutions = [m for m in model.conv1 if isinstance(m, nn.Conv2d)]
    assert [m.kernel_size for m in convolutions] == [(3, 3)] * 3
    assert [m.stride[0] for m in convolutions] == [stride, 1, 1]
    assert [m.out_channels for m in convolutions] == [channels // 2, channels // 2, channels]
    # By hand: convolution, norm, ReLU, twice, then the last convolution.
    model.eval()
    x = expected = torch.randn(2, 1, 16, 16)
    for place, convolution in enumerate(convolutions):
        expected = F.conv2d(expected, convolution.weight, None, convolution.stride, 1)
        if place < 2:
            expected = (expected / np.sqrt(1 + 1e-5)).relu()
    torch.testing.assert_close(model.conv1(x), expected)
    with pytest.raises(BadInput, match="deep stem already"):
        operated("resnet-c", model)


def test_resnet_d_averages_before_the_shortcut():
    before, model = small(), operated("resnet-d")
    for index in (2, 3, 4):
        path = getattr(model, f"layer{index}")[0].downsample
        kept = getattr(before, f"layer{index}")[0].downsample[0].weight
        assert torch.equal(path[1].weight, kept)
        x = torch.randn(2, kept.shape[1], 4, 6)
        means = x.numpy().reshape(2, -1, 2, 2, 3, 2).mean((3, 5))
        expected = np.einsum("oi,bihw->bohw", kept.detach().numpy()[:, :, 0, 0], means)
        np.testing.assert_allclose(path[1](path[0](x)).detach(), expected, rtol=1e-4, atol=1e-5)
    # An odd side keeps its last pixels, in step with the branch.
    assert model.eval()(torch.randn(2, 1, 5, 7)).isfinite().all()
    assert model.layer1[0].downsample[0].kernel_size == (1, 1)  # stride 1 there: left alone
    with pytest.raises(BadInput, match="resnet-d found no shortcut"):
        operated("resnet-d", model)


def test_squeeze_excite_is_its_equation():
    model = operated("squeeze-excite(reduction=4)")
    gates = [block.se for layer in (model.layer1, model.layer4) for block in layer]
    widths = [tuple(gate.fc1.weight.shape[:2]) for gate in gates]
    assert widths == [(8, 32)] * 3 + [(64, 256)] * 3  # a quarter
    assert operated("squeeze-excite").layer4[0].se.fc1.weight.shape[0] == 256 // 16
    gate, x = gates[0], np.random.default_rng(0).normal(size=(2, 32, 3, 4))
    one, two = (m.weight.detach().numpy()[:, :, 0, 0] for m in (gate.fc1, gate.fc2))
    inner = np.maximum(x.mean((2, 3)) @ one.T + gate.fc1.bias.detach().numpy(), 0)
    share = 1 / (1 + np.exp(-(inner @ two.T + gate.fc2.bias.detach().numpy())))
    found = gate(torch.tensor(x, dtype=torch.float32)).detach()
    np.testing.assert_allclose(found, x * share[:, :, None, None], rtol=1e-4, atol=1e-5)
    # The block uses it: a gate shut for all channels leaves the shortcut alone.
    block = model.layer1[1].eval()
    nn.init.constant_(block.se.fc2.bias, -100)
    image = torch.rand(2, 32, 4, 4)
    torch.testing.assert_close(block(image), image)


def test_blur_pool_on_a_known_signal():
    blur = parse("blur-pool").layer(1, 2)
    stripes = torch.tensor([0.0, 1.0]).repeat(4).expand(1, 1, 8, 8)
    # 1/4, 1/2, 1/4 of 0 1 0 1 ... is a half everywhere but at the replicated left edge.
    expected = torch.tensor([0.25, 0.5, 0.5, 0.5]).expand(1, 1, 4, 4)
    torch.testing.assert_close(blur(stripes), expected)
    impulse = torch.zeros(1, 1, 7, 7)
    impulse[0, 0, 2, 2] = 16
    torch.testing.assert_close(blur(impulse)[0, 0, :3, :3], torch.diag(torch.tensor([0.0, 4, 0])))
    impulse = torch.zeros(1, 1, 9, 9)
    impulse[0, 0, 4, 4] = 256
    row = torch.tensor([0.0, 1, 6, 1, 0])
    found = parse("blur-pool(size=5)").layer(1, 2)(impulse)[0, 0]
    torch.testing.assert_close(found, row.outer(row))


@pytest.mark.parametrize("name", ["small", "resnet18"])
def test_blur_pool_leaves_no_stride_but_the_stems(name):
    model = small() if name == "small" else timm.create_model(name, in_chans=1)
    operated("blur-pool", model)
    strided = [
        n for n, m in model.named_modules() if isinstance(m, nn.Conv2d) and max(m.stride) > 1
    ]
    assert strided == ([] if name == "small" else ["conv1"])
    blurs = [n for n, m in model.named_modules() if type(m).__name__ == "BlurPool2d"]
    stages = [f"layer{i}.0.{part}" for i in (2, 3, 4) for part in ("aa", "downsample.0")]
    assert blurs == ([] if name == "small" else ["maxpool.1"]) + stages
    assert model.eval()(torch.randn(2, 1, 33, 33)).isfinite().all()
    with pytest.raises(BadInput, match="blur-pool found no residual block"):
        operated("blur-pool", model)


def test_resnet_d_keeps_its_shortcuts_from_blur_pool():
    model = operated("blur-pool", operated("resnet-d"))
    kinds = [type(m).__name__ for m in model.layer2[0].downsample]
    assert kinds == ["AvgPool2d", "Conv2d", "BatchNorm2d"]
    assert type(model.layer2[0].aa).__name__ == "BlurPool2d"


def test_drop_path_rises_with_depth_and_keeps_the_mean():
    model = operated("drop-path(rate=0.4)")
    blocks = [b for i in (1, 2, 3, 4) for b in getattr(model, f"layer{i}")]
    assert [b.drop_path.drop_prob for b in blocks] == pytest.approx(
        [0.4 * (i + 1) / 16 for i in range(16)]
    )
    layer = blocks[-1].drop_path.train()
    found = layer(torch.ones(20_000, 1, 1, 2))
    dropped = found[:, 0, 0, 0] == 0
    assert dropped.float().mean() == pytest.approx(0.4, abs=0.02)
    torch.testing.assert_close(found[~dropped], torch.full_like(found[~dropped], 1 / 0.6))
    assert found.mean() == pytest.approx(1, abs=0.03)
    assert torch.equal(layer.eval()(found), found)


def test_drop_path_replaces_a_transformers_own_rates():
    model = operated("drop-path", timm.create_model("test_vit", num_classes=5))
    rates = [(b.drop_path1.drop_prob, b.drop_path2.drop_prob) for b in model.blocks]
    depth = len(rates)
    assert rates == [(0.2 * (i + 1) / depth,) * 2 for i in range(depth)]


def covering(side, block):
    """How many squares of side `block` inside a side × side map cover each pixel."""
    places = range(side - block + 1)
    one = np.array([sum(p <= x < p + block for p in places) for x in range(side)])
    return np.outer(one, one)


@pytest.mark.parametrize(("side", "block"), [(14, 7), (7, 7), (4, 7), (2, 7), (1, 7), (9, 3)])
def test_drop_block_drops_the_share_it_says(side, block):
    trick = parse(f"drop-block(rate=0.2, block_size={block})")
    model = operated(trick)
    trick.hold(model, 0.5)
    layer = model.layer4[0].drop_block.train()
    torch.manual_seed(0)
    found = layer(torch.ones(400, 64, side, side))
    fits = {14: 7, 7: 7, 4: 3, 2: 1, 1: 1, 9: 3}[side]
    # The paper's rate of centres: share · side² / block² / (side - block + 1)².
    centre = 0.1 * side**2 / fits**2 / (side - fits + 1) ** 2
    expected = (1 - (1 - centre) ** covering(side, fits)).mean()
    assert (found == 0).float().mean() == pytest.approx(expected, abs=0.01)
    assert expected == pytest.approx(0.1, abs=0.02)
    assert found.mean() == pytest.approx(1, abs=0.01)


def test_drop_block_is_ramped_and_acts_late_and_in_training_alone():
    trick = parse("drop-block")
    model = operated(trick)
    layers = [m for m in model.modules() if type(m).__name__ == "DropBlock2d"]
    assert len(layers) == 6 + 3
    assert isinstance(model.layer2[0].drop_block, nn.Identity)
    for progress in (0.0, 0.25, 0.9):
        trick.hold(model, progress)
        assert [layer.rate.item() for layer in layers] == pytest.approx([0.1 * progress] * 9)
    x = torch.randn(2, 64, 8, 8)
    assert torch.equal(layers[0].eval()(x), x)


def test_dropout_zeroes_features_of_the_classifier():
    model = operated("dropout(rate=0.25)")
    nn.init.eye_(model.fc.weight), nn.init.zeros_(model.fc.bias)
    features = torch.ones(5000, 256)
    found = model.fc.train()(features)
    assert (found == 0).float().mean() == pytest.approx(0.25, abs=0.01)
    torch.testing.assert_close(found[found != 0], torch.full_like(found[found != 0], 4 / 3))
    assert torch.equal(model.fc.eval()(features), features[:, :10])
    assert [n for n, _ in model.named_parameters()] == [n for n, _ in small().named_parameters()]


def test_weight_standardisation_against_numpy():
    model = operated("weight-standardisation(group_size=8)")
    convolution = model.layer1[0].conv2
    weight = convolution.weight.detach().numpy().astype(np.float64)
    flat = weight.reshape(len(weight), -1)
    flat = (flat - flat.mean(1, keepdims=True)) / np.sqrt(flat.var(1, keepdims=True) + 1e-6)
    np.testing.assert_allclose(flat.mean(1), 0, atol=1e-12)
    np.testing.assert_allclose(flat.std(1), 1, rtol=1e-3)
    x = torch.randn(2, 8, 5, 5)
    patches = F.unfold(x, 3, padding=1).numpy()
    expected = np.einsum("of,bfp->bop", flat, patches).reshape(2, 8, 5, 5)
    found = convolution(x)
    np.testing.assert_allclose(found.detach(), expected, rtol=1e-3, atol=1e-3)
    # The norm behind it: groups of eight channels to zero mean and unit variance.
    wide = model.layer1[0].bn3(3 + 2 * torch.randn(2, 32, 4, 4)).detach().reshape(2, 4, -1)
    np.testing.assert_allclose(wide.mean(2), 0, atol=1e-5)
    np.testing.assert_allclose(wide.std(2, unbiased=False), 1, rtol=1e-3)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in model.modules())


def test_weight_standardisation_leaves_the_gates_and_the_weights():
    before = small()
    model = operated("weight-standardisation", operated("squeeze-excite"))
    assert type(model.layer1[0].se.fc1) is nn.Conv2d
    kept = dict(model.named_parameters())
    for name, parameter in before.named_parameters():
        assert torch.equal(kept[name], parameter)


def test_ghost_batch_norm_is_batch_norm_on_each_part():
    model = operated("ghost-batch-norm(part=4)")
    ghost = model.layer1[0].bn1.train()
    x = 2 * np.random.default_rng(0).normal(size=(13, 8, 3, 3)) + 1
    mean, variance, parts = np.zeros(8), np.ones(8), []
    for part in (x[:5], x[5:9], x[9:]):  # 13 images: three parts of at least four
        m, v = part.mean((0, 2, 3)), part.var((0, 2, 3))
        count = part.size / 8
        parts.append((part - m[:, None, None]) / np.sqrt(v + 1e-5)[:, None, None])
        mean, variance = 0.9 * mean + 0.1 * m, 0.9 * variance + 0.1 * v * count / (count - 1)
    image = torch.tensor(x, dtype=torch.float32)
    np.testing.assert_allclose(ghost(image).detach(), np.concatenate(parts), atol=1e-5)
    np.testing.assert_allclose(ghost.running_mean, mean, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(ghost.running_var, variance, rtol=1e-4)
    expected = (x - mean[:, None, None]) / np.sqrt(variance + 1e-5)[:, None, None]
    np.testing.assert_allclose(ghost.eval()(image).detach(), expected, rtol=1e-4, atol=1e-5)


def test_ghost_batch_norm_needs_two_parts_and_keeps_what_was_learnt():
    from tests.bag import BASELINE
    from tricks import TrickConflict, compose

    with pytest.raises(TrickConflict, match=r"batch_size=8: two parts of 5 images need .* of 10"):
        compose(BASELINE, [parse("ghost-batch-norm(part=5)")])
    model = timm.create_model("test_efficientnet", num_classes=5).eval()  # norm and act in one
    for norm in (m for m in model.modules() if isinstance(m, nn.BatchNorm2d)):
        nn.init.uniform_(norm.running_var, 0.5, 2), nn.init.normal_(norm.weight)
    x = torch.randn(2, 3, 64, 64)
    before = model(x)
    torch.testing.assert_close(operated("ghost-batch-norm", model)(x), before)


def test_evonorm_b0_is_evonorm_of_that_kind():
    from tests.bag import on_ground

    assert on_ground(parse("evonorm-b0")) == on_ground(parse("evonorm(kind='b0')"))


NAMES = (
    "resnet-c", "resnet-d", "squeeze-excite", "blur-pool", "drop-path", "drop-block", "dropout",
    "weight-standardisation", "ghost-batch-norm",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_what_matches_nothing_is_bad_input(name):
    with pytest.raises(BadInput, match=f"{name} found no .* in Sequential") as caught:
        operated(name, nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU()))
    assert "\n" not in str(caught.value)


def test_all_of_it_together_trains_timms_resnet50():
    model = timm.create_model("resnet50", num_classes=3, zero_init_last=False)
    for name in (*NAMES[:7], NAMES[7]):
        operated(name, model)
    parse("drop-block").hold(model, 0.5)
    parse("zero-gamma").edit(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(2):
        loss = F.cross_entropy(model.train()(torch.randn(2, 3, 64, 64)), torch.tensor([0, 2]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.isfinite()
    assert all(p.isfinite().all() for p in model.parameters())
