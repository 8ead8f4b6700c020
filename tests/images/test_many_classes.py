"""Tasks of more classes than a probe usually has images."""

from __future__ import annotations

import torch

from runner.images.sampling import PROBE, train_and_probe
from runner.images.sources import Resident

CLASSES = 600


def test_a_probe_has_an_image_of_each_class():
    labels = torch.arange(CLASSES).repeat(3)
    images = torch.zeros(len(labels), 1, 1, 1, dtype=torch.uint8)
    train, probe = train_and_probe(Resident(images, labels), None)
    assert len(train) == 3 * CLASSES
    assert sorted(probe.labels.tolist()) == list(range(CLASSES))


def test_a_probe_of_few_classes_is_as_large_as_ever():
    labels = torch.arange(2000) % 10
    images = torch.zeros(len(labels), 1, 1, 1, dtype=torch.uint8)
    assert len(train_and_probe(Resident(images, labels), None)[1]) == PROBE
