"""The speed-up of a training step by bf16 and channels-last, on one thread.

The commands in the notes measure their effect on accuracy.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.arms import in_a_child, recipe
from benchmarks.ratio import Conditions, Ratio, paired

CLASSES, BATCH, WARM = 10, 64, 2


@dataclass(frozen=True)
class Work:
    """Steps of a network with `width` of the full width, on images of `pixels` and `channels`."""

    name: str
    width: float
    pixels: int
    channels: int
    steps: int


WORKS = (
    Work("1/8 width, 8 px", 1 / 8, 8, 1, 40),
    Work("1/4 width, 28 px", 1 / 4, 28, 1, 4),
)
ACCURACY = "its effect on accuracy: tricks-bench run --task digits --tricks {} --seeds 5{}"


def measure(conditions: Conditions) -> Iterator[Ratio]:
    for work in WORKS:
        yield _row(
            work, conditions, "channels-last", "contiguous tensors",
            {"channels_last": True}, {"channels_last": False},
            ACCURACY.format("channels-last", " --set channels_last=false"),
        )  # fmt: skip
        if has_bf16():
            yield _row(
                work, conditions, "bf16", "fp32, both channels-last",
                {"precision": "bf16"}, {"precision": "fp32"}, ACCURACY.format("bf16", ""),
            )  # fmt: skip


def has_bf16() -> bool:
    """Whether the processor multiplies bf16 itself: emulated, it would only be slow."""
    return bool(in_a_child(_has_bf16))


def _has_bf16() -> bool:
    import torch

    asked: Any = torch.cpu
    return bool(asked._is_avx512_bf16_supported() or asked._is_amx_tile_supported())


def _row(
    work: Work, conditions: Conditions, name: str, against: str,
    on: dict[str, Any], off: dict[str, Any], note: str,
) -> Ratio:  # fmt: skip
    samples = paired(
        lambda: in_a_child(pace, work, on),
        lambda: in_a_child(pace, work, off),
        min(conditions.repeats, 3),
    )
    return Ratio(f"{name}, a training step, {work.name}", against, samples, "×", note=note)


def pace(work: Work, settings: dict[str, Any]) -> float:
    """Images per second of the tool's own training step, with fields of the recipe set."""
    import torch

    from runner.training import memory
    from runner.training.model import build
    from runner.training.step import Step

    torch.set_num_threads(1)
    torch.manual_seed(0)
    memory.keep_freed()
    whole = recipe("digits", [], width=work.width, **settings)
    model = build(whole, CLASSES, work.channels).train()
    take_step = Step(whole, model, work.steps, torch.device("cpu"))
    layout = torch.channels_last if whole.channels_last else torch.contiguous_format
    images = torch.randn(BATCH, work.channels, work.pixels, work.pixels)
    images = images.contiguous(memory_format=layout)
    soft = torch.eye(CLASSES)[torch.arange(BATCH) % CLASSES]
    for step in range(-WARM, work.steps):
        if step == 0:
            began = time.perf_counter()
        take_step(images, soft, max(step, 0))
    return work.steps * BATCH / (time.perf_counter() - began)
