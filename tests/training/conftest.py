from __future__ import annotations

import dataclasses
import shutil

import pytest
import torch

from runner.execution.pausing import Pausing
from runner.images.sources import Splits
from runner.tasks.registry import find
from runner.training import checkpoint, saved
from runner.training.checkpoint import Checkpoints
from tests.bag import cut_network, on_ground
from tests.training.kept_models import kept
from tests.training.resuming import CPU, LEARNING_RATES, RUN
from tricks import Recipe, compose, parse, resolve
from tricks.optimizer.sgd import SGD


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
    """recipe("mixup", "lars", epochs=1) -> resolved, on the digits baseline shrunk to two steps.

    Images are not shifted, and settings for long trainings are shortened.
    """
    task = find("digits")
    short = {"epochs": 1, "evaluate_every": 1, "batch_size": 16, "crop": "none"}

    def make(*tricks: str, **fields) -> Recipe:
        small = {**short, "optimizer": SGD(lr=0.025), **fields}
        baseline = dataclasses.replace(task.baseline, **small)
        return resolve(compose(baseline, map(parse, tricks)), task.learning_rates)

    return make


@pytest.fixture
def small(monkeypatch):
    """small("dropout", epochs=3) -> a resolved recipe for the tiny splits and tiny networks."""
    monkeypatch.setattr("runner.training.model._network", cut_network)

    def make(*names, **fields):
        recipe = on_ground(*map(parse, names))
        return resolve(dataclasses.replace(recipe, **fields), LEARNING_RATES)

    return make


@pytest.fixture
def saves(tmp_path):
    """saves(every=0) -> the checkpoints of one and the same run, in a folder of this test."""

    def make(every=0.0, run=RUN, keeper=None, plugins=None, **told):
        pausing = Pausing(tmp_path / RUN / "checkpoint", tmp_path / "quarantine", every, **told)
        return Checkpoints(pausing, run, CPU, keeper, plugins)

    return make


@pytest.fixture
def leaving(monkeypatch):
    """A training that is asked to stop does so, even just before its end."""
    monkeypatch.setattr(checkpoint, "FINISH", -1.0)


@pytest.fixture(scope="session")
def trained(recipe, tiny, tmp_path_factory):
    """The file of a saved model, which no test may change."""
    folder = tmp_path_factory.mktemp("trained")
    spec, _ = kept(recipe(), tiny, folder)
    return saved.path_of(folder, spec.id)


@pytest.fixture
def model_file(trained, tmp_path):
    """A file of this test, whatever it does to it."""
    return shutil.copy(trained, tmp_path / trained.name)
