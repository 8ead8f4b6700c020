"""Brightness, colour jitter, greyscale and CLAHE against torchvision, colorsys and OpenCV."""

from __future__ import annotations

import colorsys
import itertools
from collections import Counter

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional as F

from tests.tricks.pictures import draws, off_by, pictures
from tricks import parse
from tricks.augment import clahe, color_jitter, colours
from tricks.augment.brightness import Brightness

SHAPES = [(1, 8, 8), (3, 8, 8), (3, 32, 32), (3, 17, 23)]
ADJUST = {
    "brightness": F.adjust_brightness, "contrast": F.adjust_contrast,
    "saturation": F.adjust_saturation, "hue": F.adjust_hue,
}  # fmt: skip


def factors_of(name, count):
    low, high = (-0.5, 0.5) if name == "hue" else (0.0, 2.0)
    return torch.rand(count, generator=draws(7)) * (high - low) + low


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ADJUST)
def test_each_image_by_its_own_factor_is_torchvisions(name, shape):
    images = pictures(40, *shape)
    factors = factors_of(name, 40)
    found = getattr(colours, name)(images, factors)
    expected = torch.stack(
        [ADJUST[name](image, float(f)) for image, f in zip(images, factors, strict=True)]
    )
    greatest, share = off_by(found, expected)
    assert greatest <= 1  # sums that round to the other side of a whole level
    assert share < 0.001
    if name == "brightness" or (shape[0] == 1 and name != "contrast"):
        assert torch.equal(found, expected)


def test_a_factor_that_changes_nothing():
    images, one = pictures(10, 3, 8, 8), torch.ones(10)
    for act in (colours.brightness, colours.contrast, colours.saturation):
        assert torch.equal(act(images, one), images)
    assert off_by(colours.hue(images, 0 * one), images)[0] <= 1


def test_hue_against_colorsys():
    images, turns = pictures(6, 3, 8, 8), factors_of("hue", 6)
    found = colours.hue(images, turns)
    for image, turn, seen in zip(images, turns.tolist(), found, strict=True):
        for pixel, new in zip(image.flatten(1).T.tolist(), seen.flatten(1).T.tolist(), strict=True):
            h, s, v = colorsys.rgb_to_hsv(*(level / 255 for level in pixel))
            expected = np.array(colorsys.hsv_to_rgb((h + turn) % 1, s, v)) * 255
            np.testing.assert_allclose(new, expected, atol=1.01)


def test_contrast_and_saturation_by_hand():
    image = torch.tensor([10, 20, 30, 100], dtype=torch.uint8).view(1, 1, 2, 2)  # mean 40
    grey = colours.contrast(image, torch.tensor([0.5])).flatten().tolist()
    assert grey == [25, 30, 35, 70]
    pixel = torch.tensor([200, 100, 50], dtype=torch.uint8).view(1, 3, 1, 1)  # luma 124
    assert colours.saturation(pixel, torch.tensor([0.0])).flatten().tolist() == [124] * 3
    assert colours.saturation(pixel, torch.tensor([0.5])).flatten().tolist() == [162, 112, 87]


def test_brightness_factors_are_even():
    white = torch.full((20_000, 1, 1, 1), 100, dtype=torch.uint8)
    found = Brightness(0.5).apply(white, draws()).float()
    assert float(found.min()) >= 49
    assert float(found.max()) <= 150
    assert float(found.mean()) == pytest.approx(99.5, abs=1)  # cut to whole levels
    assert float(found.var()) == pytest.approx(100**2 / 12, rel=0.03)


def test_jitter_is_torchvisions_in_the_order_drawn():
    images = pictures(48, 3, 16, 16)
    order, factors = color_jitter.draw((0.4, 0.4, 0.4, 0.1), 48, draws(2))
    found = color_jitter.ColorJitter().apply(images, draws(2))
    acts = list(ADJUST.values())
    for i, image in enumerate(images):
        for act in order[i].tolist():
            image = acts[act](image, float(factors[i, act]))
        greatest, share = off_by(found[i], image)
        assert greatest <= 5  # one level that a later act amplifies
        assert share < 0.02


def test_jitter_draws_orders_and_factors_evenly():
    order, factors = color_jitter.draw((0.4, 2.0, 0.0, 0.1), 24_000, draws())
    counts = Counter(map(tuple, order.tolist()))
    assert set(counts) == set(itertools.permutations(range(4)))
    assert sum((n - 1000) ** 2 / 1000 for n in counts.values()) < 50  # 23 degrees of freedom
    spans = ((0.6, 1.4), (0.0, 3.0), (1.0, 1.0), (-0.1, 0.1))  # contrast is never below 0
    for column, (low, high) in zip(factors.T, spans, strict=True):
        assert low - 1e-6 <= float(column.min()) <= float(column.max()) <= high + 1e-6
        assert float(column.mean()) == pytest.approx((low + high) / 2, abs=0.02)
        assert float(column.var()) == pytest.approx((high - low) ** 2 / 12, rel=0.05, abs=1e-9)


def test_jitter_leaves_out_what_is_off():
    images = pictures(32, 3, 8, 8)
    found = parse("color-jitter(brightness=0, contrast=0, saturation=0.9, hue=0)")
    seen = found.apply(images, draws())
    for low, high in zip(colours.luma(images), colours.luma(seen), strict=True):
        assert float((low - high).abs().mean()) < 8  # saturation keeps the luma but for clipping
    assert not torch.equal(seen, images)


def test_greyscale_share_and_weights():
    images = torch.tensor([200, 100, 50], dtype=torch.uint8).view(1, 3, 1, 1)
    found = parse("grayscale(p=0.2)").apply(images.expand(20_000, -1, -1, -1), draws())
    grey = (found == 124).flatten(1).all(1)  # 0.2989 * 200 + 0.587 * 100 + 0.114 * 50 = 124.18
    assert torch.equal(found[~grey], images.expand(int((~grey).sum()), -1, -1, -1))
    assert float(grey.float().mean()) == pytest.approx(0.2, abs=0.01)


@pytest.mark.parametrize(
    ("side", "tiles"), [(8, 1), (28, 3), (32, 4), (64, 8), (65, 8), (224, 8), (40, 5)]
)
@pytest.mark.parametrize("limit", [0.5, 1.0, 2.0, 3.7, 40.0])
def test_clahe_is_opencvs(side, tiles, limit):
    cv2 = pytest.importorskip("cv2")
    grey = pictures(10, 1, side, side, seed=side).squeeze(1)
    ramp = torch.arange(side * side).view(side, side) * 255 // (side * side)
    grey = torch.cat([grey, ramp[None].to(torch.uint8)])
    found = clahe.equalise(grey, torch.full((11,), limit), tiles)
    reference = cv2.createCLAHE(limit, (tiles, tiles))
    expected = np.stack([reference.apply(image.numpy()) for image in grey])
    greatest, share = off_by(found, expected)
    assert greatest <= 1  # ties that float32 sums round to either side
    assert share < 0.005


def test_clahe_of_colour_keeps_the_chroma():
    cv2 = pytest.importorskip("cv2")
    images = 96 + pictures(12, 3, 32, 32) // 4  # away from black and white, where sums are cut
    found = clahe.clahe(images, torch.full((12,), 2.0), tiles=8)
    reference = cv2.createCLAHE(2.0, (4, 4))  # 8 pixels a tile at least

    def ycrcb(image):
        return cv2.cvtColor(image.permute(1, 2, 0).numpy(), cv2.COLOR_RGB2YCrCb).astype(int)

    for image, seen in zip(images, found, strict=True):
        whole = ((seen > 0) & (seen < 255)).all(0).numpy()
        assert whole.mean() > 0.6
        before, after = ycrcb(image)[whole], ycrcb(seen)[whole]
        assert np.abs(after[:, 1:] - before[:, 1:]).max() <= 1
        luma = reference.apply(F.rgb_to_grayscale(image)[0].numpy())[whole]
        assert np.abs(after[:, 0] - luma).max() <= 2


def test_clahe_by_hand_and_by_its_own_limits():
    flat = torch.full((2, 8, 8), 10, dtype=torch.uint8)
    # 64 pixels, one level; limit 4: one of them stays, 63 go to every fourth level from 0 on:
    # 3 at or below 10 and the one that stayed, of 64, times 255.
    found = clahe.equalise(flat, torch.tensor([4.0, 256.0]), tiles=1)
    assert found[0].unique().tolist() == [round(4 * 255 / 64)]
    assert found[1].unique().tolist() == [255]  # no limit: all are at or below 10


def test_clahe_share():
    images = pictures(400, 1, 8, 8, seed=2)[1::5].repeat(5, 1, 1, 1)
    changed = (parse("clahe(p=0.25)").apply(images, draws()) != images).flatten(1).any(1)
    assert float(changed.float().mean()) == pytest.approx(0.25, abs=0.07)


def test_a_share_of_the_images_is_jittered():
    images = pictures(400, 3, 4, 4)
    trick = parse("color-jitter(p=0.25)")
    found = trick.apply(images, draws(3))
    changed = (found != images).flatten(1).any(1)
    assert 70 <= int(changed.sum()) <= 130
    every = parse("color-jitter").apply(images, draws(3))  # with the same draws of amounts
    assert torch.equal(found[changed], every[changed])
