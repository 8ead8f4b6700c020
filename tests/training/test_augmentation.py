from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional as TF

from runner.training import augmentation as aug
from runner.training.randomness import generator
from tricks.learning_rate import curve, warmup_steps


def images(count=6, channels=3, side=8) -> torch.Tensor:
    return torch.randint(
        256, (count, channels, side, side), dtype=torch.uint8, generator=generator(0, "test")
    )


def test_normalise_against_numpy():
    x = images()
    mean, std = (0.1, 0.2, 0.3), (0.5, 0.6, 0.7)
    expected = (x.numpy() / 255 - np.reshape(mean, (3, 1, 1))) / np.reshape(std, (3, 1, 1))
    np.testing.assert_allclose(aug.normalise(x, mean, std).numpy(), expected, atol=1e-5)


def test_smoothing_spreads_over_all_classes():
    soft = aug.targets(torch.tensor([2]), classes=4, smoothing=0.2)
    torch.testing.assert_close(soft, torch.tensor([[0.05, 0.05, 0.85, 0.05]]))


def test_pad_crop_is_torchvisions_pad_and_crop_image_by_image():
    x = images()
    rows, columns = torch.tensor([0, 1, 2, 3, 4, 2]), torch.tensor([4, 0, 2, 1, 3, 0])
    expected = [
        TF.crop(TF.pad(image, [2]), int(r), int(c), 8, 8)
        for image, r, c in zip(x, rows, columns, strict=True)
    ]
    assert torch.equal(aug.pad_crop(x, rows, columns, 2), torch.stack(expected))


@pytest.mark.parametrize("side", [8, 160])  # of a batch at once, and image by image
def test_crop_and_flip_in_one_are_the_one_after_the_other(side):
    x = images(side=side)
    rows, columns = torch.tensor([0, 1, 2, 3, 4, 2]), torch.tensor([4, 0, 2, 1, 3, 0])
    flipped = torch.tensor([True, False, True, True, False, True])
    cropped = aug.pad_crop(x, rows, columns, 2)
    expected = torch.where(flipped.view(-1, 1, 1, 1), cropped.flip(-1), cropped)
    assert torch.equal(aug.pad_crop(x, rows, columns, 2, flipped), expected)
    expected = torch.where(flipped.view(-1, 1, 1, 1), x.flip(-1), x)
    assert torch.equal(aug.flip(x, flipped), expected)


def test_flips_are_drawn_for_each_image_and_about_half(recipe):
    x = images(count=400)
    flipped = aug.augment(x, recipe(flip=True), 0, 0, 0)
    turned = (flipped == x.flip(-1)).flatten(1).all(1)
    kept = (flipped == x).flatten(1).all(1)
    assert (turned ^ kept).all()
    assert 150 < turned.sum() < 250


def test_turning_flips_on_leaves_the_draws_of_transforms(recipe):
    x = images(count=16, channels=1)
    plain = aug.augment(x, recipe("randaugment"), 0, 1, 2)
    again = aug.augment(x, recipe("randaugment"), 0, 1, 2)
    symmetric = torch.maximum(x, x.flip(-1))  # a flip does not change it
    assert torch.equal(plain, again)
    assert torch.equal(
        aug.augment(symmetric, recipe("randaugment"), 0, 1, 2),
        aug.augment(symmetric, recipe("randaugment", flip=True), 0, 1, 2),
    )


def test_each_batch_draws_one_of_the_mixers_evenly(recipe, monkeypatch):
    from tricks.mix.cutmix import CutMix
    from tricks.mix.mixup import MixUp

    for cls in (CutMix, MixUp):
        monkeypatch.setattr(cls, "mix", lambda self, x, y, draws: (self.name, y))
    both = recipe("mixup", "cutmix")
    drawn = [aug.mix(None, None, both, 0, 0, step)[0] for step in range(400)]
    assert set(drawn) == {"mixup", "cutmix"}
    assert 150 < drawn.count("mixup") < 250


def test_the_baselines_lr_falls_tenfold_at_half_and_three_quarters(recipe):
    base = recipe().optimizer.lr
    expected = [base] * 4 + [base / 10] * 2 + [base / 100] * 2
    assert curve(recipe(), 8) == pytest.approx(expected)


def test_warmup_and_cosine_multiply(recipe):
    import math

    chosen = recipe("cosine", "warmup(share=0.4, minimum=1)")
    base = chosen.optimizer.lr
    lrs = curve(chosen, 10)
    assert warmup_steps(chosen, 10) == 4
    ramp = [0.25, 0.5, 0.75, 1.0, 1, 1, 1, 1, 1, 1]
    half = [0.5 * (1 + math.cos(math.pi * (step + 0.5) / 10)) for step in range(10)]
    assert lrs == pytest.approx([base * r * h for r, h in zip(ramp, half, strict=True)])
    assert min(lrs) > 0
