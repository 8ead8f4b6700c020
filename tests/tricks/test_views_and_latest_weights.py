"""LAWA, 3-Augment and AugMix with its loss: by hand, and against Pillow, torchvision and timm."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from timm.loss import JsdCrossEntropy
from torch import nn

from runner.training.augmentation import views
from tests.bag import on_ground, tiny_splits, train_two_steps
from tests.tricks.test_bag_of_2026 import Line
from tricks import TrickConflict, parse
from tricks.augment.three_augment import three
from tricks.target.aug_mix_jsd import AugMixJSD, jensen_shannon


def test_lawa_is_the_mean_of_the_latest_at_intervals():
    trick, model = parse("lawa(kept=3, share=0.6)"), Line()
    steps = 20  # an interval of 4 steps: after steps 3, 7, 11, 15 and 19
    averaged = trick.begin(model, steps)
    kept = []
    for place in range(steps):
        nn.init.constant_(model.fc.bias, float(place**2))
        trick.update(averaged, model, place, steps)
        if place % 4 == 3:
            kept.append(place**2)
            assert averaged.fc.bias[0].item() == pytest.approx(np.mean(kept[-3:]))
        if not kept:  # not the weights before the first step
            assert averaged.fc.bias[0].item() == place**2
        assert trick.own_statistics(place, steps) == (len(kept) > 1)
    assert kept[-1] == 19**2


def test_three_augment_does_one_of_three_as_pillow_does():
    images = torch.randint(0, 256, (6, 3, 16, 16), generator=torch.Generator().manual_seed(0))
    images = images.to(torch.uint8)
    found = three(images, torch.tensor([0, 1, 2, 1, 0, 2]), torch.full((6,), 1.0))
    for place in (0, 4):
        grey = Image.fromarray(images[place].permute(1, 2, 0).numpy()).convert("L")
        expected = np.asarray(grey).astype(int)
        for channel in found[place]:
            assert abs(channel.numpy().astype(int) - expected).max() <= 1  # Pillow rounds, not cuts
    for place in (1, 3):
        solar = ImageOps.solarize(Image.fromarray(images[place].permute(1, 2, 0).numpy()), 128)
        assert np.array_equal(found[place].permute(1, 2, 0), np.asarray(solar))
    from torchvision.transforms.v2 import functional as F

    for place in (2, 5):
        expected = F.gaussian_blur(images[place], [3, 3], [1.0, 1.0])
        assert (found[place].int() - expected.int()).abs().max() <= 1


def test_three_augment_draws_each_of_the_three_as_often():
    images = torch.full((3000, 3, 4, 4), 200, dtype=torch.uint8)
    images[:, 0] = 20
    trick = parse("three-augment(jitter=0)")
    after = trick.apply(images, torch.Generator().manual_seed(0))
    solar = (after[:, 1, 0, 0] == 55).float().mean().item()
    grey = (after[:, 0, 0, 0] == after[:, 1, 0, 0]).float().mean().item()
    assert solar == pytest.approx(1 / 3, abs=0.03)
    assert grey == pytest.approx(1 / 3, abs=0.03)


def test_the_loss_of_aug_mix_is_timms():
    logits = torch.randn(12, 5, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 3, 1, 4])
    soft = nn.functional.one_hot(labels, 5).float()
    found = AugMixJSD().loss(lambda x: logits, torch.zeros(12), soft)
    expected = JsdCrossEntropy(num_splits=3, alpha=12, smoothing=0)(logits, labels)
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)


def test_the_divergence_by_hand():
    p = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8], [0.3, 0.3, 0.4]])
    middle = p.mean(0)
    expected = (p * np.log(p / middle)).sum() / 3
    assert jensen_shannon(torch.tensor(np.log(p)).unsqueeze(1)).item() == pytest.approx(expected)


def test_three_views_go_through_the_network():
    recipe = on_ground(parse("aug-mix-jsd"))
    images = tiny_splits().train.images
    shown = views(images, recipe, 0, 0, 0)
    assert shown.shape == (48, 1, 8, 8)
    assert torch.equal(shown[:16], images)
    assert not torch.equal(shown[16:32], shown[32:])
    assert torch.equal(shown, views(images, recipe, 0, 0, 0))
    assert train_two_steps(parse("aug-mix-jsd")).steps == 2
    for other in ("mixup", "cutmix", "aug-mix", "gradient-accumulation", "bce"):
        with pytest.raises(TrickConflict):
            on_ground(parse("aug-mix-jsd"), parse(other))
