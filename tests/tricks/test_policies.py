"""TrivialAugment, AutoAugment and AugMix against torchvision, image by image, and their draws."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from torchvision.transforms import InterpolationMode, v2

from tests.tricks.pictures import draws, off_by, pictures
from tricks.augment import aug_mix, auto_augment, trivial_augment
from tricks.augment.in_batches import operate_each
from tricks.augment.lookup import warp_table
from tricks.augment.operations import OPERATIONS, SIGNED, Scale, item_of

SHAPES = [(1, 8, 8), (1, 28, 28), (3, 32, 32), (3, 17, 23)]
REFERENCES = {
    "trivial": (trivial_augment.WIDE, v2.TrivialAugmentWide(), "nearest"),
    "auto": (auto_augment.SCALE, v2.AutoAugment(), "nearest"),
    "mix": (aug_mix.SCALE, v2.AugMix(), "bilinear"),
}


def by_torchvision(reference, image, name, strength, negative, bins, interpolation):
    strengths, signed = reference._AUGMENTATION_SPACE[name]
    found = strengths(bins, *image.shape[1:])
    amount = 0.0 if found is None else float(found[strength])
    return reference._apply_image_or_video_transform(
        image, name, -amount if signed and negative else amount,
        interpolation=InterpolationMode(interpolation), fill=reference._fill,
    )  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("policy", REFERENCES)
def test_every_operation_of_every_strength_is_torchvisions(policy, shape):
    scale, reference, interpolation = REFERENCES[policy]
    names = [name for name in reference._AUGMENTATION_SPACE if name != "Identity"]
    every = [
        (name, strength, negative)
        for name in names
        for strength in range(0, scale.bins, 1 + scale.bins // 10)
        for negative in (False, True)
    ]
    images = pictures(len(every), *shape)
    items = [item_of(scale, *one, *shape[1:]) for one in every]
    found = operate_each(images, items, interpolation)
    for image, one, seen in zip(images, every, found, strict=True):
        expected = by_torchvision(reference, image, *one, scale.bins, interpolation)
        assert torch.equal(seen, expected), one


def test_large_images_have_no_table_of_warps_and_the_same_result():
    images = pictures(4, 1, 260, 260)
    items = [("Rotate", -11.0), ("ShearX", 0.1), ("TranslateY", 7.0), ("Rotate", 30.0)]
    before = warp_table.cache_info().currsize
    found = operate_each(images, items)
    assert warp_table.cache_info().currsize == before
    expected = warp_table("Rotate", -11.0, 260, 260, images.device).long()
    assert torch.equal(
        found[0].flatten(), torch.cat([images[0].flatten(), torch.zeros(1)])[expected]
    )


def test_amounts_by_hand():
    wide, rand = trivial_augment.WIDE, Scale()
    assert item_of(wide, "Rotate", 30, True, 8, 8) == ("Rotate", -135.0)
    assert item_of(wide, "TranslateX", 30, False, 32, 32) == ("TranslateX", 32.0)
    assert item_of(wide, "Posterize", 30, True, 8, 8) == ("Posterize", 2.0)
    assert item_of(wide, "Solarize", 30, True, 8, 8) == ("Solarize", 0.0)
    assert item_of(rand, "TranslateX", 30, False, 8, 331) == ("TranslateX", 150.0)
    assert item_of(rand, "Contrast", 0, True, 8, 8) == ("Identity", 0.0)
    assert item_of(aug_mix.SCALE, "Posterize", 9, False, 8, 8) == ("Posterize", 0.0)


def test_trivial_augment_draws_operations_strengths_and_signs_evenly():
    count = 28_000
    drawn = Counter(trivial_augment.draw(count, 331, 331, draws()))
    operations = Counter()
    for (name, _), times in drawn.items():
        operations[name] += times
    # Strength 0 (1 in 31) of the nine signed operations does nothing.
    even = np.array([count / len(OPERATIONS) * (30 / 31 if n in SIGNED else 1) for n in OPERATIONS])
    even[0] += count - even.sum()
    seen = np.array([operations[name] for name in OPERATIONS])
    assert ((seen - even) ** 2 / even).sum() < 32  # 13 degrees of freedom: p < 0.003
    rotations = np.array([drawn["Rotate", s * 4.5] for s in range(-30, 31) if s])
    assert len(rotations) == 60
    even = rotations.mean()
    assert even == pytest.approx(count / 14 / 62, rel=0.1)
    assert ((rotations - even) ** 2 / even).sum() < 95  # 59 degrees of freedom: p < 0.002


def test_the_policies_are_the_papers():
    """The first and last pairs, and one amid them, of tables 7 to 9 of the paper."""
    imagenet, cifar, svhn = map(auto_augment.pairs, ("imagenet", "cifar10", "svhn"))
    assert [len(p) for p in (imagenet, cifar, svhn)] == [25, 25, 25]
    assert imagenet[0] == (("Posterize", 0.4, 8), ("Rotate", 0.6, 9))
    assert imagenet[14] == (("Color", 0.6, 4), ("Contrast", 1.0, 8))
    assert imagenet[24] == (("Equalize", 0.8, 0), ("Equalize", 0.6, 0))
    assert cifar[0] == (("Invert", 0.1, 0), ("Contrast", 0.2, 6))
    assert cifar[24] == (("TranslateY", 0.7, 9), ("AutoContrast", 0.9, 0))
    assert svhn[0] == (("ShearX", 0.9, 4), ("Invert", 0.2, 0))
    assert svhn[24] == (("ShearX", 0.7, 2), ("Invert", 0.1, 0))


def test_auto_augment_draws_pairs_evenly_and_operations_by_their_probability():
    count = 25_000
    first, second = auto_augment.draw("cifar10", count, 32, 32, draws())
    # Pairs 20: Brightness(0.1, 3) then Color(0.7, 0); 2: Rotate(0.7, 2) then TranslateX(0.3, 9).
    turned = [abs(amount) == pytest.approx(30 * 2 / 9, rel=1e-5) for name, amount in first
              if name == "Rotate"]  # fmt: skip
    assert all(turned)
    assert len(turned) == pytest.approx(0.7 * count / 25, abs=4 * 25)
    both = Counter(zip((n for n, _ in first), (n for n, _ in second), strict=True))
    assert both["Rotate", "TranslateX"] == pytest.approx(0.7 * 0.3 * count / 25, abs=4 * 14)
    assert both["Rotate", "Identity"] == pytest.approx(0.7 * 0.7 * count / 25, abs=4 * 21)
    negative = np.mean([amount < 0 for name, amount in first if name == "Rotate"])
    assert negative == pytest.approx(0.5, abs=0.08)


def test_auto_augment_applies_what_it_draws_in_order():
    images = pictures(80, 3, 16, 16)
    found = auto_augment.AutoAugment().apply(images, draws(5))
    reference = v2.AutoAugment()
    for slot in zip(*auto_augment.draw("imagenet", 80, 16, 16, draws(5)), strict=True):
        image, images = images[0], images[1:]
        for name, amount in slot:
            if name != "Identity":
                image = reference._apply_image_or_video_transform(
                    image, name, amount,
                    interpolation=InterpolationMode.NEAREST, fill=reference._fill,
                )  # fmt: skip
        assert torch.equal(found[80 - len(images) - 1], image)


def test_aug_mix_is_torchvisions_given_the_same_draws(monkeypatch):
    images = pictures(12, 3, 20, 20)
    trick = aug_mix.AugMix()
    found = trick.apply(images, draws(3))
    source = draws(3)
    weights = aug_mix.draw_weights(1.0, 12, 3, source)
    lists = aug_mix.draw_operations(3, 36, 20, 20, source)
    for i, image in enumerate(images):
        chains = iter([[items[3 * i + chain] for items in lists] for chain in range(3)])
        reference = v2.AugMix(chain_depth=1)
        shares = weights[i, 1:].sum()
        mixing = iter([torch.stack([1 - shares, shares])[None], (weights[i, 1:] / shares)[None]])
        monkeypatch.setattr(reference, "_sample_dirichlet", lambda p, m=mixing: next(m))
        apply = reference._apply_image_or_video_transform

        def chain(image, *_, interpolation, fill, apply=apply, chains=chains):
            for name, amount in next(chains):
                if name != "Identity":
                    image = apply(image, name, amount, interpolation=interpolation, fill=fill)
            return image

        monkeypatch.setattr(reference, "_apply_image_or_video_transform", chain)
        greatest, share = off_by(found[i], reference(image))
        assert greatest <= 1  # shares were divided and multiplied again
        assert share < 0.02


def test_aug_mix_draws_shares_depths_and_strengths_as_torchvision():
    count = 20_000
    weights = aug_mix.draw_weights(1.0, count, 3, draws()).numpy()
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-6)
    assert weights.min() >= 0
    # Beta(1, 1): mean 1/2, variance 1/12. Times Dirichlet(1, 1, 1): mean 1/6, second moment 1/18.
    assert weights[:, 0].mean() == pytest.approx(1 / 2, abs=0.01)
    assert weights[:, 0].var() == pytest.approx(1 / 12, abs=0.003)
    for chain in (1, 2, 3):
        assert weights[:, chain].mean() == pytest.approx(1 / 6, abs=0.005)
        assert (weights[:, chain] ** 2).mean() == pytest.approx(1 / 3 / 6, abs=0.003)
    lists = aug_mix.draw_operations(3, count, 300, 300, draws())
    # Of the nine signed operations a third is of strength 0, which is the identity.
    idle = 9 / 13 / 3
    for items, reached in zip(lists, (1, 2 / 3, 1 / 3), strict=True):
        done = np.mean([name != "Identity" for name, _ in items])
        assert done == pytest.approx(reached * (1 - idle), abs=0.015)
    shears = Counter(round(amount, 4) for name, amount in lists[0] if name == "ShearX")
    assert set(shears) == {-0.0667, -0.0333, 0.0333, 0.0667}
    assert min(shears.values()) == pytest.approx(count / 13 / 6, rel=0.25)
