from __future__ import annotations

import dataclasses

import pytest
import torch

from runner.tasks import find
from runner.training.data import Splits
from tricks import Recipe, compose, parse, resolve


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def digits() -> Splits:
    return find("digits").load(None, None)


@pytest.fixture(scope="session")
def tiny(digits: Splits) -> Splits:
    """32 images to train on, 16 for each other purpose: two steps of 16."""
    parts = {name: getattr(digits, name).subset(range(16)) for name in ("validation", "test")}
    train = digits.train.subset(range(32))
    return dataclasses.replace(digits, **parts, train=train, probe=train.subset(range(16)))


@pytest.fixture(scope="session")
def recipe():
    """recipe("mixup", "lars", epochs=1) -> resolved, on the digits baseline shrunk to two steps."""
    task = find("digits")

    def make(*tricks: str, **fields) -> Recipe:
        small = {"epochs": 1, "batch_size": 16, **fields}
        baseline = dataclasses.replace(task.baseline, **small)
        return resolve(compose(baseline, map(parse, tricks)), task.learning_rates)

    return make
