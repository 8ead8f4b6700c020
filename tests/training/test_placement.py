"""Where a GPU's batches are augmented: the choice from the waiting times of the first epochs."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from runner.images.sources import Splits
from runner.training.feed import Feed
from runner.training.loaders import Loaders
from runner.training.loop import train
from runner.training.placement import Lap, early
from tests.training.test_loading import CPU, files  # noqa: F401 - a fixture

CUDA = torch.device("cuda")


def course(recipe, device, loaders, waits, epochs=6):
    """Where each epoch augments, at so many seconds of steps there; waits: by that place."""
    laps, places = [], []
    for _ in range(epochs):
        place = early(laps, recipe)
        places.append("loaders" if place else "device")
        seconds = loaders if place else device
        laps.append(Lap(place, 10, seconds, waits[place] * seconds))
    return places


@pytest.mark.parametrize(
    ("tricks", "device", "loaders", "waits", "places"),
    [
        # Nobody waits, and without augmenting the GPU is faster: loaders keep it.
        (["randaugment"], 10, 7, {False: 0, True: 0.01}, "d d l l l l"),
        # Loaders seemed to have time, but have not enough for it.
        (["randaugment"], 10, 14, {False: 0.01, True: 0.4}, "d d l d d d"),
        # They are waited for already.
        (["randaugment"], 10, 7, {False: 0.2, True: 0.2}, "d d d d d d"),
        # Pillow works on the CPU in any case.
        (["jpeg"], 20, 10, {False: 0, True: 0.01}, "l l l l l l"),
        (["jpeg"], 20, 30, {False: 0, True: 0.5}, "l l d d d d"),
        (["jpeg"], 40, 30, {False: 0, True: 0.5}, "l l d l l l"),
        (['cutout(fill="noise")'], 20, 10, {False: 0, True: 0.01}, "l l l l l l"),
        (["cutout"], 20, 30, {False: 0.1, True: 0.5}, "d d d d d d"),
    ],
)
def test_what_is_waited_for_decides(recipe, tricks, device, loaders, waits, places):
    letters = " ".join(place[0] for place in course(recipe(*tricks), device, loaders, waits))
    assert letters == places


def test_the_feed_asks_on_a_gpu_alone(files, recipe):  # noqa: F811
    few = files.subset(range(3))
    splits = Splits(files, few, few, few, 3, 3, (0.5,) * 3, (0.25,) * 3)
    held = recipe("randaugment", batch_size=6)
    idle = [Lap(False, 2, 1.0, 0.0)] * 2
    two, none = Loaders(2, splits), Loaders(0, splits)
    assert not Feed(held, splits, 0, CUDA, two).epoch(0).early
    assert Feed(held, splits, 0, CUDA, two).epoch(2, idle).early
    assert not Feed(held, splits, 0, CUDA, none).epoch(2, idle).early
    assert Feed(held, splits, 0, CPU, two).epoch(0).early


def test_a_training_notes_its_epochs(files, recipe):  # noqa: F811
    few = files.subset(range(3))
    splits = Splits(files, few, few, few, 3, 3, (0.5,) * 3, (0.25,) * 3)
    small = recipe("cutout", batch_size=6, epochs=2, model="conv-net-5", width=0.05)
    done = train(dataclasses.replace(small, resolution=16), splits, 0, CPU)
    assert [(lap.early, lap.steps) for lap in done.laps] == [(False, 2), (False, 2)]
    assert sum(lap.seconds for lap in done.laps) == pytest.approx(done.seconds["train"])
    assert all(0 < lap.waited < lap.seconds for lap in done.laps)
