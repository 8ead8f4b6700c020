"""Rotation, blur, noise, JPEG, erasing and cutout against other libraries and by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage
from torchvision.transforms import InterpolationMode, v2
from torchvision.transforms.v2 import functional as F

from tests.tricks.pictures import draws, off_by, pictures
from tricks import parse
from tricks.augment import cutout, gaussian_blur, jpeg, random_erasing, rotation
from tricks.augment.boxes import paint

SHAPES = [(1, 8, 8), (1, 28, 28), (3, 32, 32), (3, 17, 23)]


@pytest.mark.parametrize("shape", SHAPES)
def test_rotation_is_torchvisions_image_by_image(shape):
    images = pictures(24, *shape)
    degrees = torch.linspace(-180, 180, 24)
    found = rotation.rotate(images, degrees)
    for image, angle, seen in zip(images, degrees.tolist(), found, strict=True):
        expected = F.rotate(image, angle, interpolation=InterpolationMode.BILINEAR)
        greatest, share = off_by(seen, expected)
        assert greatest <= 1
        assert share < 0.01


def test_rotation_is_scipys_and_counter_clockwise():
    image = pictures(2, 1, 21, 21)[:1]
    found = rotation.rotate(image, torch.tensor([17.0]))[0, 0]
    expected = ndimage.rotate(image[0, 0].double().numpy(), 17.0, reshape=False, order=1)
    middle = slice(4, -4)  # borders fade to black in another way
    assert off_by(found[middle, middle], expected.round()[middle, middle])[0] <= 1
    quarter = rotation.rotate(image, torch.tensor([90.0]))
    assert off_by(quarter, torch.rot90(image, 1, (2, 3)))[0] <= 1


def test_rotation_angles_are_even(monkeypatch):
    seen = []
    monkeypatch.setattr(rotation, "rotate", lambda images, degrees: seen.append(degrees))
    rotation.Rotation(30.0).apply(torch.zeros(20_000, 1, 1, 1), draws())
    assert float(seen[0].abs().max()) <= 30
    assert float(seen[0].mean()) == pytest.approx(0, abs=0.5)
    assert float(seen[0].var()) == pytest.approx(60**2 / 12, rel=0.03)


@pytest.mark.parametrize(("shape", "width"), [((1, 8, 8), 3), ((3, 32, 32), 5), ((3, 40, 50), 23)])
def test_blur_is_torchvisions_and_scipys_image_by_image(shape, width):
    images = pictures(12, *shape)
    sigmas = torch.linspace(0.1, 2.0, 12)
    found = gaussian_blur.blur(images, sigmas, width)
    for image, sigma, seen in zip(images, sigmas.tolist(), found, strict=True):
        expected = F.gaussian_blur(image, [width, width], [sigma, sigma])
        greatest, share = off_by(seen, expected)
        assert greatest <= 1
        assert share < 0.01
        x = np.arange(width) - width // 2
        taps = np.exp(-(x**2) / (2 * sigma**2))
        taps /= taps.sum()
        other = image.double().numpy()
        for axis in (1, 2):
            other = ndimage.correlate1d(other, taps, axis=axis, mode="mirror")
        assert np.abs(seen.numpy() - other).max() < 0.51


def test_blur_widths_and_shares(monkeypatch):
    assert [gaussian_blur.pixels(0.1, s) for s in (2, 8, 32, 33, 224)] == [3, 3, 3, 3, 23]
    assert [gaussian_blur.pixels(9, s) for s in (4, 32)] == [7, 9]
    seen = []
    monkeypatch.setattr(
        gaussian_blur, "blur", lambda images, sigmas, width: seen.append(sigmas) or images
    )
    parse("gaussian-blur(p=0.3)").apply(torch.zeros(20_000, 1, 4, 4, dtype=torch.uint8), draws())
    assert len(seen[0]) == pytest.approx(6000, abs=300)
    assert float(seen[0].mean()) == pytest.approx(1.05, abs=0.03)
    assert float(seen[0].var()) == pytest.approx(1.9**2 / 12, rel=0.06)


def test_noise_has_its_deviation_in_half_of_the_images():
    grey = torch.full((400, 3, 16, 16), 128, dtype=torch.uint8)
    found = parse("gaussian-noise(std=0.1)").apply(grey, draws()).float() - 128
    touched = found.flatten(1).any(1)
    assert float(touched.float().mean()) == pytest.approx(0.5, abs=0.1)
    noise = found[touched]
    # Rounding to whole levels adds 1/12 to the variance.
    assert float(noise.std()) == pytest.approx((25.5**2 + 1 / 12) ** 0.5, rel=0.01)
    assert float(noise.mean()) == pytest.approx(0, abs=0.3)
    one, two = noise[:, 0].flatten(), noise[:, 1].flatten()
    assert abs(float(torch.corrcoef(torch.stack([one, two]))[0, 1])) < 0.02
    black = parse("gaussian-noise(p=1.0)").apply(torch.zeros_like(grey), draws())
    assert float((black == 0).float().mean()) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("shape", SHAPES)
def test_jpeg_is_opencvs(shape):
    cv2 = pytest.importorskip("cv2")
    images = pictures(12, *shape)
    qualities = torch.tensor([1, 10, 30, 50, 65, 75, 85, 90, 95, 99, 100, 40])
    found = jpeg.compress(images, qualities)
    for image, quality, seen in zip(images, qualities.tolist(), found, strict=True):
        levels = image.permute(1, 2, 0).flip(2).numpy()  # OpenCV's order of colours
        _, file = cv2.imencode(".jpg", levels, [cv2.IMWRITE_JPEG_QUALITY, quality])
        expected = cv2.imdecode(file, cv2.IMREAD_UNCHANGED).reshape(levels.shape)
        assert np.array_equal(seen.permute(1, 2, 0).flip(2).numpy(), expected), quality


def test_jpeg_qualities_and_share(monkeypatch):
    seen = []
    monkeypatch.setattr(jpeg, "compress", lambda images, q: seen.append(q) or images)
    parse("jpeg(quality=(30, 39))").apply(torch.zeros(8000, 1, 1, 1, dtype=torch.uint8), draws())
    assert len(seen[0]) == pytest.approx(4000, abs=200)
    counts = seen[0].bincount(minlength=40)[30:].double()
    even = len(seen[0]) / 10
    assert len(counts) == 10
    assert float(((counts - even) ** 2 / even).sum()) < 28  # 9 degrees of freedom: p < 0.001


def boxes_of(images, blank):
    """Sides and place of what was painted with `blank`, an image of none of it before."""
    inside = (images == blank).all(1)
    rows, columns = inside.any(2), inside.any(1)
    sides = rows.sum(1), columns.sum(1)
    assert torch.equal(inside.sum((1, 2)), sides[0] * sides[1])  # a full rectangle
    return (*sides, rows.int().argmax(1), columns.int().argmax(1))


@pytest.mark.parametrize(("height", "width"), [(32, 32), (12, 20)])
def test_random_erasing_draws_as_torchvision(height, width):
    """Two samples of areas, sides and places, ours and torchvision's, by their moments."""
    count = 6000
    white = torch.full((count, 1, height, width), 255, dtype=torch.uint8)
    ours = parse("random-erasing(p=1.0, fill='black')").apply(white, draws())
    transform = v2.RandomErasing(p=1.0)
    torch.manual_seed(0)
    drawn = [transform.make_params([white[0]]) for _ in range(count)]
    theirs = [torch.tensor([p[key] for p in drawn]) for key in ("h", "w", "i", "j")]
    tall, wide, top, left = boxes_of(ours, 0)
    pairs = [*zip((tall, wide, top, left), theirs, strict=True)]
    pairs += [(tall * wide, theirs[0] * theirs[1])]
    for one, two in pairs:
        one, two = one.double(), two.double()
        error = float((one.var() + two.var()) / count) ** 0.5
        assert float(one.mean()) == pytest.approx(float(two.mean()), abs=4 * error)
        assert float(one.std()) == pytest.approx(float(two.std()), rel=0.06)
    area = (tall * wide).double() / (height * width)
    assert 0.01 < float(area.min()) < float(area.max()) < 0.37
    assert float(area.mean()) == pytest.approx(0.175, abs=0.015)
    assert float((left + wide).max()) == width


def test_random_erasing_share_and_boxes_that_do_not_fit():
    white = torch.full((8000, 1, 16, 16), 255, dtype=torch.uint8)
    found = parse("random-erasing(fill='black')").apply(white, draws())
    assert float((found == 0).flatten(1).any(1).float().mean()) == pytest.approx(0.25, abs=0.02)
    whole = random_erasing.draw((1.0, 1.0), (1.0, 1.0), 50, 8, 8, draws())
    assert torch.equal(paint(white[:50, :, :8, :8], whole, "black", draws()), white[:50, :, :8, :8])


def test_cutout_is_a_square_cut_at_the_border():
    count = 9000
    white = torch.full((count, 1, 8, 12), 255, dtype=torch.uint8)
    found = parse("cutout(fill='black')").apply(white, draws())  # a square of 4
    tall, wide, top, left = boxes_of(found, 0)
    # Centres 0 to 7: rows from -2, -1, 0, ... 5 on, so 2, 3, 4, 4, 4, 4, 4, 3 of them.
    counts = tall.bincount().double() / count
    assert counts.tolist() == pytest.approx([0, 0, 1 / 8, 2 / 8, 5 / 8], abs=0.02)
    assert float(wide.double().mean()) == pytest.approx(4 - (2 + 1 + 1) / 12, abs=0.03)
    assert (int(top.max()), int(left.max())) == (5, 9)
    half = parse("cutout(fill='black', p=0.5)").apply(white, draws())
    assert float((half == 0).flatten(1).any(1).float().mean()) == pytest.approx(0.5, abs=0.02)
    assert cutout.Cutout().side * 32 == 16  # as the paper has it for CIFAR-10


def test_fills():
    images = torch.zeros(2, 3, 2, 2, dtype=torch.uint8)
    images[0, 0], images[1, 1], images[1, 2] = 100, 255, 7
    boxes = torch.tensor([[0, 1, 1, 2], [0, 0, 0, 0]])  # the upper right pixel; nothing
    mean = paint(images, boxes, "mean", draws())
    assert mean[0, :, 0, 1].tolist() == [50, 128, 4]  # 127.5 and 3.5 round to even
    black = paint(images, boxes, "black", draws())
    assert black[0, :, 0, 1].tolist() == [0, 0, 0]
    for found in (mean, black):
        assert torch.equal(found[1], images[1])
        assert torch.equal(found[0].flatten(1)[:, [0, 2, 3]], images[0].flatten(1)[:, [0, 2, 3]])
    large = torch.zeros(1, 1, 200, 200, dtype=torch.uint8)
    noise = paint(large, torch.tensor([[0, 200, 0, 200]]), "noise", draws()).double()
    assert float(noise.mean()) == pytest.approx(127.5, abs=1.5)
    assert float(noise.var()) == pytest.approx((256**2 - 1) / 12, rel=0.03)
