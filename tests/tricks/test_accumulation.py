"""Accumulated gradients are those of the batch, in passes of nearly equal size."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from runner.training.step import Step
from tests.tricks.two_pixels import CPU, PLAIN, Linear, agree, batches, stepped
from tricks import Recipe, compose, parse
from tricks.optimizer.clip_norm import ClipNorm
from tricks.optimizer.sgd import SGD
from tricks.recipe import identity


def test_accumulated_gradients_are_those_of_the_batch():
    data = batches(4, size=7)  # parts of 4 and 3 images
    whole = Recipe(optimizer=SGD(lr=0.3))
    for clip in (None, ClipNorm(max_norm=0.2)):
        one = dataclasses.replace(whole, clip=clip)
        two = compose(one, [parse("gradient-accumulation")])
        agree(stepped(two, data)[1][-1], stepped(one, data)[1][-1])


@pytest.mark.parametrize(
    ("images", "parts", "sizes"),
    [(64, 9, [8, 7, 7, 7, 7, 7, 7, 7, 7]), (61, 20, [4, *[3] * 19]), (8, 4, [2] * 4)],
)
def test_passes_are_of_nearly_equal_size(images, parts, sizes):
    """Chunks of 64 in 9 are 8, and one of 61 in 20 would hold a single image."""
    step = Step(Recipe(optimizer=PLAIN, batch_size=images, parts=parts), Linear(), 1, CPU)
    x, y = torch.arange(images * 2.0).view(images, 1, 1, 2), torch.zeros(images, 3)
    found = step._parts(x, y)
    assert [len(part) for part, _ in found] == sizes
    assert torch.equal(torch.cat([part for part, _ in found]), x)


def test_uneven_passes_have_an_id_of_their_own():
    even = Recipe(batch_size=64, parts=8)
    assert "split" not in identity(even)
    assert identity(dataclasses.replace(even, parts=9))["split"] == "even"
