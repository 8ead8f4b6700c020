"""Rules for every transform of images: its own random numbers, grey and colour, any size."""

from __future__ import annotations

import pytest
import torch

from tests.tricks.pictures import draws, pictures
from tricks import BadInput, parse, registry

TRANSFORMS = tuple(name for name, cls in registry().items() if hasattr(cls, "apply"))
STAGES = (
    ("randaugment", "rotation"), ("color-jitter", "clahe"), ("gaussian-blur",),
    ("gaussian-noise",), ("jpeg",), ("cutout", "random-erasing"),
)  # fmt: skip


def test_the_transforms():
    assert {name for names in STAGES for name in names} < set(TRANSFORMS)
    assert len(TRANSFORMS) >= 14


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32), (3, 17, 23), (1, 28, 20)])
@pytest.mark.parametrize("name", TRANSFORMS)
def test_any_images_and_draws_from_the_generator_alone(name, shape):
    trick, images = parse(name), pictures(24, *shape)
    kept, state = images.clone(), torch.get_rng_state()
    one, same, other = (trick.apply(images, draws(seed)) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(images, kept)
    assert (one.shape, one.dtype) == (images.shape, torch.uint8)
    assert torch.equal(one, same)
    if name == "grayscale" and shape[0] == 1:
        assert torch.equal(one, images)
    else:
        assert not torch.equal(one, other)
        assert not torch.equal(one, images)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_each_image_has_its_own_draw(name):
    image = pictures(3, 3, 16, 16)[:1] + torch.arange(16).to(torch.uint8) * 8
    found = parse(name).apply(image.expand(64, -1, -1, -1), draws())
    assert len({picture.numpy().tobytes() for picture in found}) > (
        1 if name in ("grayscale", "clahe", "vertical-flip") else 9
    )


@pytest.mark.parametrize("name", TRANSFORMS)
def test_one_image(name):
    for seed in range(4):
        assert parse(name).apply(pictures(1, 3, 8, 8), draws(seed)).shape == (1, 3, 8, 8)


def test_stages():
    order = [{parse(name).stage for name in names} for names in STAGES]
    assert order == [{0}, {1}, {2}, {3}, {4}, {5}]


@pytest.mark.parametrize(
    "text",
    [
        "aug-mix(severity=0)", "aug-mix(severity=11)", "aug-mix(chains=0)", "aug-mix(alpha=0)",
        "auto-augment(policy='mnist')", "brightness(amount=0)", "brightness(amount=1.1)",
        "clahe(limit=(4, 1))", "clahe(limit=(0, 1))", "clahe(tiles=0)", "clahe(p=0)",
        "color-jitter(hue=0.6)", "color-jitter(contrast=-1)",
        "color-jitter(brightness=0, contrast=0, saturation=0, hue=0)",
        "cutout(side=0)", "cutout(side=1.5)", "cutout(fill='pink')", "cutout(p=2)",
        "gaussian-blur(kernel=4)", "gaussian-blur(kernel=1)", "gaussian-blur(kernel=-0.1)",
        "gaussian-blur(sigma=(0, 1))", "gaussian-blur(sigma=(1,))", "gaussian-noise(std=0)",
        "gaussian-noise(p=0)", "grayscale(p=-1)", "jpeg(quality=(0, 50))", "jpeg(quality=(50,))",
        "jpeg(quality=(50, 101))", "jpeg(quality=(1.5, 3))", "random-erasing(scale=(0.5, 0.2))",
        "random-erasing(ratio=(0, 1))", "random-erasing(fill='white')",
        "random-resized-crop(scale=0)", "repeated-augmentation(repeats=1)",
        "rotation(degrees=0)", "rotation(degrees=181)",
    ],
)  # fmt: skip
def test_a_value_out_of_range_is_bad_input(text):
    with pytest.raises(BadInput, match=text.partition("(")[0]):
        parse(text)
