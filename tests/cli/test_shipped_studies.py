"""The studies of whole systems: planned on a small folder, and every arm of them trained."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from PIL import Image

from runner import tasks
from runner.studies import read, shipped
from runner.study import build
from tests.bag import cut_network, tiny_splits
from tricks import BadInput

YOURS = tuple(name for name, file in shipped().items() if read(file).task == "folder")
SYSTEMS = (*YOURS, "cifar100")


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Two classes of ten images."""
    root = tmp_path_factory.mktemp("images")
    draws = np.random.default_rng(0)
    for name in ("left", "right"):
        (root / name).mkdir()
        for i in range(10):
            pixels = draws.integers(256, size=(24, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"{i}.png")
    return root


def planned(name, folder):
    asked = read(shipped()[name])
    asked.name = name
    asked.task, data = tasks.placed(asked.task, folder, asked.layout)
    return build(asked, data)


def test_there_is_a_study_for_each_system():
    assert {"intel", "birds", "camera-traps", "pawprint"} <= set(YOURS)


@pytest.mark.parametrize("name", YOURS)
def test_a_study_of_your_images_is_planned(cli, name, folder):
    done = cli("run", "--study", name, "--data", folder, "--dry-run", "--json")
    assert done.code == 0, done.err
    assert done.json["task"] == f"folder:{folder}"
    assert done.json["excluded"] == 0
    assert done.json["missing"] == done.json["runs"] == 3 * done.json["arms"]


def test_without_images_one_line_says_what_to_fetch(cli):
    done = cli("run", "--study", "intel", "--dry-run")
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert "--data FOLDER" in done.err
    assert "seg_train and seg_test" in done.err
    assert "--data FOLDER" in cli("run", "--task", "folder", "--dry-run").err


def test_the_place_of_your_images():
    from pathlib import Path

    one = Path("one")
    assert tasks.placed("digits", one) == ("digits", one)
    assert tasks.placed("folder", one) == ("folder:one", None)
    assert tasks.placed("folder:other", one) == ("folder:one", None)
    assert tasks.placed("folder:other", None) == ("folder:other", None)
    assert tasks.placed("folder", Path("a.csv")) == ("csv:a.csv", None)
    assert tasks.placed("csv:b.csv#place", Path("a.csv")) == ("csv:a.csv#place", None)
    with pytest.raises(BadInput, match="--data FOLDER"):
        tasks.find("folder")


def test_a_study_in_the_store_knows_its_folder(cli, stub, folder):
    way = ("run", "--study", "birds", "--seeds", "1", "--set", "start=scratch")
    assert cli(*way, "--data", folder, "--yes").code == 0
    assert cli(*way, "--dry-run", "--json").json["missing"] == 0
    assert cli(*way, "--data", folder, "--dry-run", "--json").json["missing"] == 0
    again = folder / ".." / folder.name  # the same images, but who knows
    other = cli(*way, "--data", again, "--dry-run")
    assert other.code == 2
    assert "--name" in other.err


@pytest.mark.slow
@pytest.mark.parametrize("name", SYSTEMS)
def test_every_arm_of_a_study_trains(name, folder, monkeypatch):
    import torch

    from runner.training.loop import train

    torch.set_num_threads(1)
    monkeypatch.setattr("runner.training.model._network", cut_network)
    study = planned(name, folder)
    splits = tiny_splits()
    pictures = splits.train.images.repeat(1, 3, 4, 4)
    part = dataclasses.replace(splits.train, images=pictures)
    splits = dataclasses.replace(
        splits, train=part, validation=part, test=part, probe=part, channels=3,
        mean=(0.5,) * 3, std=(0.25,) * 3,
    )  # fmt: skip
    tiny = {"width": 0.125, "resolution": 32, "batch_size": 8, "epochs": 1}
    for arm, _ in study.design.runs(1):
        recipe = dataclasses.replace(study.recipe(arm), **tiny, model="small-image-resnet50")
        training = train(recipe, splits, 0, torch.device("cpu"))
        assert training.steps == 2, arm
        assert training.epochs[0]["loss"] > 0, arm
