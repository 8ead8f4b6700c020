"""Predictions such as a network makes them."""

from __future__ import annotations

import dataclasses

import numpy as np

from runner.analysis.metrics.predictions import Predictions

IMAGES = 40


def made(images: int = IMAGES, classes: int = 10, seed: int = 0) -> Predictions:
    """Predictions such as a network makes them."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(images, classes)).astype(np.float32)
    logs = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    truth, every = rng.integers(0, classes, images), np.arange(images)
    rank = (logits > logits[every, truth][:, None]).sum(1)
    chosen = logits.argmax(1)
    return Predictions(truth, chosen, rank, logs[every, truth], logs[every, chosen], classes)


def same(one: Predictions, other: Predictions) -> bool:
    names = [field.name for field in dataclasses.fields(Predictions)]
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)
