from __future__ import annotations

import pytest
import timm
import torch
from torch import nn

from runner.training.model import SmallImageResNet50, build
from tricks import BadInput, Recipe


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


def test_the_stem_scales_with_the_width():
    assert SmallImageResNet50(10, 1, 0.125).conv1.out_channels == 8


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
