from __future__ import annotations

import dataclasses

import pytest
import timm
import torch
from torch import nn

from runner.training.model import SmallImageResNet50, build
from tricks import BadInput, Recipe, compose, parse


def test_at_full_width_it_is_resnet50_but_for_the_stem():
    ours = SmallImageResNet50(1000, 3, 1.0)
    theirs = timm.create_model("resnet50")
    count = {
        name: sum(p.numel() for key, p in model.named_parameters() if not key.startswith("conv1"))
        for name, model in (("ours", ours), ("theirs", theirs))
    }
    assert count["ours"] == count["theirs"]
    assert ours.conv1.weight.shape == (64, 3, 3, 3)


def test_it_computes_what_timms_resnet50_computes_after_the_stem():
    torch.manual_seed(0)
    ours = SmallImageResNet50(10, 3, 1.0).eval()
    theirs = timm.create_model("resnet50", num_classes=10).eval()
    theirs.conv1, theirs.maxpool = nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.Identity()
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(2, 3, 16, 16)
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x))


def test_with_the_usual_stem_it_computes_what_timms_resnet50_computes():
    torch.manual_seed(0)
    ours = SmallImageResNet50(10, 3, 1.0, stem=4).eval()
    theirs = timm.create_model("resnet50", num_classes=10).eval()
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x))


@pytest.mark.parametrize("stem", [1, 2, 4])
def test_the_stem_divides_the_side_and_scales_with_the_width(stem):
    model = build(Recipe(width=0.125, stem=stem), 10, 1).eval()
    assert model.conv1.out_channels == 8
    # The last three stages halve the side: 32 pixels -> 32 / stem -> 4 / stem.
    assert model.forward_features(torch.zeros(1, 1, 32, 32)).shape[-1] == 4 // stem


def test_a_stem_other_than_those_is_refused():
    with pytest.raises(BadInput, match="stem must be 1, 2 or 4, not 3"):
        Recipe(stem=3)


@pytest.mark.parametrize("name", ["small-image-resnet50", "resnet18"])
def test_the_baseline_has_no_zero_gamma(name):
    model = build(Recipe(model=name, width=0.125), 10, 1)
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    assert norms
    assert all((norm.weight == 1).all() for norm in norms)


def test_a_model_without_that_option_builds_too():
    assert build(Recipe(model="mobilenetv3_small_050"), 5, 3)(torch.zeros(2, 3, 64, 64)).shape == (
        2,
        5,
    )


def test_an_unknown_model_shows_close_names():
    with pytest.raises(BadInput, match="resnet50"):
        build(Recipe(model="resnet5O"), 10, 3)


def test_weights_that_cannot_be_had_say_how_to_go_on(monkeypatch):
    def offline(name, **options):
        if options.get("pretrained"):
            raise OSError("no connection\nand more lines")
        raise AssertionError

    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(BadInput, match="start=scratch") as caught:
        build(Recipe(model="resnet18", start="pretrained"), 10, 3)
    assert "\n" not in str(caught.value)


def test_the_small_resnet_has_no_pretrained_weights():
    with pytest.raises(BadInput, match="start=scratch"):
        build(Recipe(start="pretrained"), 10, 3)


def test_the_conv_net_has_five_blocks_of_two_convolutions():
    model = build(Recipe(model="conv-net-5", width=0.25), 7, 3)
    convolutions = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    assert len(convolutions) == 10
    assert sum(isinstance(m, nn.BatchNorm2d) for m in model.modules()) == 10
    assert sum(isinstance(m, nn.LeakyReLU) for m in model.modules()) == 10
    assert model.forward_features(torch.zeros(2, 3, 32, 32)).shape == (2, 128, 2, 2)
    assert model(torch.zeros(2, 3, 8, 8)).shape == (2, 7)  # maps of one pixel
    full = build(Recipe(model="conv-net-5"), 7, 1)
    # VGG's plan: 3×3 filters between 1, 64, 128, 256, 512, 512 channels, two norms a block.
    sizes = [(1, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256), (256, 512)]
    sizes += [(512, 512)] * 3
    expected = sum(9 * a * b + 2 * b for a, b in sizes) + 512 * 7 + 7
    assert sum(p.numel() for p in full.parameters()) == expected
    with pytest.raises(BadInput, match="start=scratch"):
        build(Recipe(model="conv-net-5", start="pretrained"), 7, 3)


def test_the_conv_net_takes_dropout_and_drop_block():
    recipe = compose(Recipe(model="conv-net-5", width=0.1), [parse("dropout"), parse("drop-block")])
    model = build(recipe, 4, 3).train()
    x = torch.rand(2, 3, 32, 32)
    next(item for item in recipe.surgery if item.name == "drop-block").hold(model, 1.0)
    assert not torch.equal(model(x), model(x))
    model.eval()
    assert torch.equal(model(x), model(x))


def test_a_model_of_one_size_is_built_for_the_images():
    recipe = Recipe(model="vit_tiny_patch16_224", resolution=64)
    assert build(recipe, 3, 3).eval()(torch.zeros(1, 3, 64, 64)).shape == (1, 3)
    usual = build(dataclasses.replace(recipe, resolution=224), 3, 3)
    assert usual.patch_embed.img_size == (224, 224)
