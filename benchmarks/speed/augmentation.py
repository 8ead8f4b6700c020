"""Augmentation of batches, with a draw for each image, against torchvision image by image."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

from benchmarks.ratio import Conditions, Ratio, paired
from runner.training.augmentation import augment, normalise
from tricks import Recipe, parse

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
IMAGES = {32: 128, 224: 32}  # pixels per side -> images per batch
TURNS = {32: 12, 224: 4}  # batches per measurement
WARM = {32: 150, 224: 30}  # batches after which all tables of operations exist
Act = Callable[[Tensor], Any]


def measure(conditions: Conditions) -> Iterator[Ratio]:
    """RandAugment, TrivialAugment and crop, flip, normalise at 32 and at 224 pixels."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    for side, count in IMAGES.items():
        images = pictures(count, side)
        each = {"tensor": list(images)}
        if side == 224:
            each["PIL"] = [F.to_pil_image(image) for image in images]
        for name, ours, theirs in policies(side):
            for _ in range(WARM[side]):
                ours(images)
            found = {
                way: compared(ours, images, theirs, own, conditions.repeats)
                for way, own in each.items()
            }
            fastest = min(found, key=lambda way: statistics.median(found[way]))
            target = 1.0 if side == 224 else 7.0 if name.startswith("crop") else 8.0
            yield Ratio(
                f"{name}, {side} px", f"torchvision per image ({fastest})", found[fastest], "×",
                target, note=f"CPU seconds of an image, one thread, batches of {count}"
                + ("; against torchvision's faster path" if side == 224 else ""),
            )  # fmt: skip
    torch.set_num_threads(threads)


def compared(
    ours: Act, images: Tensor, theirs: Any, each: list[Any], repeats: int
) -> tuple[float, ...]:
    """CPU seconds of torchvision's transform of each image, over ours for the batch."""
    turns = TURNS[images.shape[-1]]
    return paired(
        lambda: seconds(lambda: torch.stack([theirs(image) for image in each]), max(1, turns // 6)),
        lambda: seconds(lambda: ours(images), turns),
        repeats,
    )


def policies(side: int) -> Iterator[tuple[str, Act, Any]]:
    """Our transform of a batch, with new draws each time, and torchvision's of an image.

    torchvision's transform returns a tensor for any input.
    """
    tensor = v2.ToImage()
    for name, reference in (
        ("randaugment", v2.RandAugment()),
        ("trivial-augment", v2.TrivialAugmentWide()),
    ):
        trick: Any = parse(name)
        yield name, _drawn(trick.apply), v2.Compose([reference, tensor])
    recipe = Recipe(crop="pad", flip=True)
    pad = side // 8
    yield (
        "crop, flip, normalise",
        _stepped(lambda images, step: normalise(augment(images, recipe, 0, 0, step), MEAN, STD)),
        v2.Compose([
            v2.RandomCrop(side, padding=pad), v2.RandomHorizontalFlip(), tensor,
            v2.ToDtype(torch.float32, scale=True), v2.Normalize(list(MEAN), list(STD)),
        ]),
    )  # fmt: skip


def _stepped(act: Callable[[Tensor, int], Tensor]) -> Act:
    steps = iter(range(10**9))
    return lambda images: act(images, next(steps))


def _drawn(apply: Callable[[Tensor, torch.Generator], Tensor]) -> Act:
    generator = torch.Generator().manual_seed(0)
    return lambda images: apply(images, generator)


def seconds(act: Callable[[], Any], times: int) -> float:
    """CPU seconds of one `act`: other programs on the machine do not count."""
    began = time.process_time()
    for _ in range(times):
        act()
    return (time.process_time() - began) / times


def pictures(count: int, side: int) -> Tensor:
    """Smooth colours with some noise, like photographs: uint8 (count, 3, side, side)."""
    source = torch.Generator().manual_seed(0)
    coarse = torch.rand(count, 3, side // 8, side // 8, generator=source) * 255
    smooth = torch.nn.functional.interpolate(coarse, size=(side, side), mode="bilinear")
    noise = torch.randn(smooth.shape, generator=source) * 8
    return (smooth + noise).clamp(0, 255).to(torch.uint8)
