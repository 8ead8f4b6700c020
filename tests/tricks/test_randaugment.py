"""RandAugment: torchvision's operators bit for bit, and separate random numbers per image."""

from __future__ import annotations

import hashlib
import sys
from collections import Counter

import pytest
import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms import autoaugment as version_1
from torchvision.transforms.v2 import RandAugment as Version2
from torchvision.transforms.v2 import TrivialAugmentWide

from tests.tricks.pictures import pictures
from tricks import BadInput, parse
from tricks.augment.operations import OPERATIONS, SIGNED
from tricks.augment.randaugment import RandAugment, draw, randaugment
from tricks.augment.trivial_augment import TrivialAugment

VARIANTS = 2 * len(OPERATIONS)


def torchvision_strength(operation, negative, magnitude, height, width):
    strengths, signed = Version2()._AUGMENTATION_SPACE[operation]
    found = strengths(31, height, width)
    amount = 0.0 if found is None else float(found[magnitude])
    return -amount if signed and negative else amount


def by_version_2(image, operation, amount):
    fill = Version2()._fill
    return Version2()._apply_image_or_video_transform(
        image, operation, amount, interpolation=InterpolationMode.NEAREST, fill=fill
    )


def by_version_1(image, operation, negative, magnitude):
    strengths, signed = version_1.RandAugment()._augmentation_space(31, image.shape[1:])[operation]
    amount = float(strengths[magnitude]) if strengths.ndim else 0.0
    amount = -amount if signed and negative else amount
    return version_1._apply_op(image, operation, amount, InterpolationMode.NEAREST, None)


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 32, 32), (3, 17, 23)])
def test_every_operation_of_every_magnitude_is_torchvisions_bit_for_bit(shape):
    for magnitude in range(31):
        images = pictures(VARIANTS, *shape, seed=magnitude)
        variants = torch.arange(VARIANTS)
        operations, negative = variants.view(-1, 1) // 2, variants.view(-1, 1) % 2 == 1
        found = randaugment(images, operations, negative, magnitude)
        for i, image in enumerate(images):
            name, sign = OPERATIONS[int(operations[i])], bool(negative[i])
            amount = torchvision_strength(name, sign, magnitude, *shape[1:])
            assert torch.equal(found[i], by_version_2(image, name, amount)), (i, name, amount)
            if magnitude not in (0, 3, 9, 15, 30):  # its version 1 solarizes by other thresholds
                continue
            # torchvision's own two versions round AutoContrast, Color, Sharpness differently.
            old = by_version_1(image, name, sign, magnitude)
            assert (found[i].int() - old.int()).abs().max() <= 1, (i, name, amount)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32), (3, 2, 9), (3, 150, 161), (1, 270, 260)])
@pytest.mark.parametrize("magnitude", [0, 9, 30])
def test_an_image_alone_is_treated_as_in_a_batch(shape, magnitude):
    """Large images are processed one by one, by other code than a batch of small images."""
    images = pictures(5, *shape, seed=magnitude)
    for variant in range(VARIANTS):
        operation, sign = variant // 2, variant % 2 == 1
        one = torch.tensor([[operation]]), torch.tensor([[sign]])
        place = variant % 5
        found = randaugment(images[place : place + 1], *one, magnitude)[0]
        amount = torchvision_strength(OPERATIONS[operation], sign, magnitude, *shape[1:])
        expected = by_version_2(images[place], OPERATIONS[operation], amount)
        assert torch.equal(found, expected), (OPERATIONS[operation], amount)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32)])
def test_a_batch_of_drawn_operations_is_torchvisions_image_by_image(shape):
    images = pictures(64, *shape)
    operations, negative = draw(64, 3, torch.Generator().manual_seed(3))
    found = randaugment(images, operations, negative, 9)
    for i, image in enumerate(images):
        for op, sign in zip(operations[i].tolist(), negative[i].tolist(), strict=True):
            name = OPERATIONS[op]
            amount = torchvision_strength(name, sign, 9, *shape[1:])
            image = by_version_2(image, name, amount)
        assert torch.equal(found[i], image)


def test_operations_and_signs_are_torchvisions():
    space = Version2()._AUGMENTATION_SPACE
    assert tuple(space) == OPERATIONS
    assert {name for name, (_, signed) in space.items() if signed} == SIGNED


def test_draws_are_even_and_independent():
    count = 28_000
    operations, negative = draw(count, 2, torch.Generator().manual_seed(0))
    together = operations[:, 0] * len(OPERATIONS) + operations[:, 1]
    cells = together.bincount(minlength=len(OPERATIONS) ** 2).float()
    expected = count / len(OPERATIONS) ** 2
    chi_square = float(((cells - expected) ** 2 / expected).sum())
    assert 100 < chi_square < 300  # 195 degrees of freedom: 195 ± 20
    for slot in range(2):
        for operation in range(len(OPERATIONS)):
            share = negative[operations[:, slot] == operation, slot].float().mean()
            assert share == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize(
    ("trick", "reference"),
    [(RandAugment(1, 9), Version2(1, 9)), (TrivialAugment(), TrivialAugmentWide())],
)
def test_operations_strengths_and_signs_are_drawn_as_by_torchvision(trick, reference, monkeypatch):
    """Two samples, ours and torchvision's, of what is done to an image: a chi-square test."""
    count = 8000
    theirs = Counter()
    monkeypatch.setattr(
        reference, "_apply_image_or_video_transform",
        lambda image, name, amount, **_: theirs.update([plain(name, amount)]) or image,
    )  # fmt: skip
    image = torch.zeros(3, 40, 40, dtype=torch.uint8)
    torch.manual_seed(0)
    for _ in range(count):
        reference(image)
    drawn = []
    module = sys.modules[type(trick).__module__]
    monkeypatch.setattr(
        module, "operate_in_turn", lambda images, items: drawn.extend(items) or images
    )
    trick.apply(image.expand(count, -1, -1, -1), torch.Generator().manual_seed(0))
    ours = Counter(plain(*item) for item in drawn)
    assert set(ours) == set(theirs)
    chi_square = sum((ours[k] - theirs[k]) ** 2 / (ours[k] + theirs[k]) for k in ours)
    df = len(ours) - 1
    assert abs(chi_square - df) < 4 * (2 * df) ** 0.5


def plain(name, amount):
    """An operation in a canonical form: whole pixels, and the identity for no change."""
    if name in ("TranslateX", "TranslateY"):
        amount = int(amount)
    if name in SIGNED and amount == 0:
        return "Identity", 0.0
    return name, round(amount, 5)


def test_each_image_has_its_own_draw():
    image = pictures(2, 3, 16, 16)[:1]
    found = RandAugment().apply(image.expand(64, -1, -1, -1), torch.Generator().manual_seed(0))
    assert len({picture.numpy().tobytes() for picture in found}) > 40


def test_draws_come_from_the_generator_alone():
    images = pictures(32, 1, 8, 8)
    kept = images.clone()
    state = torch.get_rng_state()
    one, same, other = (
        RandAugment().apply(images, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(images, kept)
    assert (one.shape, one.dtype) == (images.shape, torch.uint8)


def test_parameters_reach_the_images():
    images = pictures(64, 3, 16, 16)

    def changed(trick):
        found = trick.apply(images, torch.Generator().manual_seed(0))
        return (found.float() - images.float()).abs().mean()

    assert changed(RandAugment(magnitude=30)) > changed(RandAugment(magnitude=3))
    assert changed(RandAugment(num_ops=3)) > changed(RandAugment(num_ops=1))


def test_one_image_and_other_channel_counts():
    generator = torch.Generator().manual_seed(0)
    assert RandAugment().apply(pictures(1, 3, 8, 8), generator).shape == (1, 3, 8, 8)
    with pytest.raises(BadInput, match="1 or 3 channels, not 2"):
        RandAugment().apply(pictures(4, 2, 8, 8), generator)


@pytest.mark.parametrize(
    "text", ["randaugment(magnitude=31)", "randaugment(magnitude=-1)", "randaugment(num_ops=0)"]
)
def test_a_value_out_of_range_is_bad_input(text):
    with pytest.raises(BadInput, match="randaugment"):
        parse(text)


@pytest.mark.parametrize(
    ("shape", "digest"),
    [((64, 1, 8, 8), "36329409f6f3dc26"), ((64, 3, 32, 32), "2d7616eac2b30494")],
)
def test_what_a_seed_gives_stays_as_it_was(shape, digest):
    """If this fails, old runs cannot be repeated: raise the trick's version."""
    images = (torch.arange(torch.Size(shape).numel()) ** 2 % 8191 * 7 % 256).view(shape)
    found = RandAugment(3, 15).apply(images.to(torch.uint8), torch.Generator().manual_seed(5))
    assert hashlib.sha256(found.numpy().tobytes()).hexdigest()[:16] == digest
