"""The studies of whole systems: planned on a small folder, and every arm of them trained."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from PIL import Image

from runner.planning.detects import in_sds
from runner.studies.asked import read, shipped
from runner.studies.study import build
from runner.tasks import registry as tasks
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


def planned(name, folder, **settings):
    asked = read(shipped()[name])
    asked.name = name
    # The images of a user, also where the study has a data set by name, which is not here.
    asked.task, data = tasks.placed("folder", folder, asked.layout)
    asked.set |= settings
    return build(asked, data)


def test_there_is_a_study_for_each_system():
    assert {"intel", "birds", "camera-traps", "pawprint", "rsb-a3"} <= set(YOURS)


def test_every_switch_of_rsb_a3_is_off_in_one_arm_and_all_are_on_in_another(folder):
    study = planned("rsb-a3", folder)
    arms = [arm for arm, _ in study.design.runs(1)]
    assert sorted(map(sum, arms)) == [7] * 8 + [8]
    whole = study.recipe(next(arm for arm in arms if sum(arm) == 8))
    assert (whole.optimizer.lr, whole.optimizer.decay) == (0.008, 0.02)
    assert (whole.epochs, whole.batch_size, whole.resolution) == (100, 2048, 160)
    assert round(whole.resolution * whole.eval_scale) == 224
    assert [mixer.name for mixer in whole.mixers] == ["cutmix", "mixup"]


@pytest.mark.parametrize("name", YOURS)
def test_a_study_of_your_images_is_planned(cli, name, folder):
    done = cli("run", "--study", name, "--data", folder, "--dry-run", "--json")
    assert done.code == 0, done.err
    assert done.json["task"] == f"folder:{folder}"
    assert done.json["excluded"] == 0
    assert done.json["missing"] == done.json["runs"] >= done.json["seeds"] * done.json["arms"]
    study = planned(name, folder)
    seen = in_sds(study)
    assert seen is not None
    assert seen < 3  # the least sure effect, in run-to-run sds: three seeds see 4 to 7


def test_a_field_that_a_study_varies_can_be_left_out(cli, folder):
    line = ("run", "--study", "pawprint", "--data", folder, "--dry-run", "--json")
    names = [factor["name"] for factor in cli(*line, "--factor", "model=none").json["factors"]]
    assert "model" not in names
    assert "augmentation" in names
    assert "must be a whole number" in cli(*line, "--factor", "epochs=none").err


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
    small = ("--set", "start=scratch", "--set", "model=resnet18", "--set", "resolution=64")
    way = ("run", "--study", "birds", "--seeds", "1", *small)
    assert cli(*way, "--data", folder, "--yes").code == 0
    assert cli(*way, "--dry-run", "--json").json["missing"] == 0
    assert cli(*way, "--data", folder, "--dry-run", "--json").json["missing"] == 0
    again = folder / ".." / folder.name  # the same images, but who knows
    other = cli(*way, "--data", again, "--dry-run")
    assert other.code == 2
    assert "--name" in other.err


@pytest.mark.parametrize("name", SYSTEMS)
def test_without_the_net_a_study_starts_from_scratch(name, folder):
    study = planned(name, folder, start="scratch")
    specs = [spec for _, spec in study.planned()]
    assert {spec.recipe.start for spec in specs} == {"scratch"}
    assert len({spec.id for spec in specs}) == len(specs)


def test_networks_come_with_settings_of_their_own(folder):
    study = planned("camera-traps", folder)
    found = {spec.recipe.model: spec.recipe for _, spec in study.planned()}
    swin, small = found["swin_tiny_patch4_window7_224"], found["resnet18"]
    assert (swin.epochs, swin.precision, str(swin.optimizer)) == (
        30, "fp16", "adamw(decay=1e-08, lr=1e-05)",
    )  # fmt: skip
    assert [str(trick) for trick in swin.surgery] == ["drop-path"]
    assert (small.epochs, small.precision, small.optimizer.lr) == (5, "fp32", 0.001)
    assert {spec.recipe.margin for _, spec in study.planned()} == {1.0}  # whole images
    assert set(found) == {"resnet18", "resnet50", "swin_tiny_patch4_window7_224"}
    data = next(spec.data for _, spec in study.planned())
    assert data["split"] == pytest.approx([1 / 7, 1 / 8])  # 75 % are trained on


def test_birds_turn_before_they_are_cropped(folder):
    recipes = [spec.recipe for _, spec in planned("birds", folder).planned()]
    for recipe in recipes:
        (turn,) = recipe.transforms
        assert (turn.name, turn.before_crop, turn.degrees) == ("rotation", True, 20.0)
        assert (recipe.resolution, math.ceil(recipe.resolution / recipe.margin)) == (300, 324)
    predicts = {getattr(r.predict, "prediction", None) for r in recipes}
    assert predicts == {None, "crop"}
    assert sum(r.objective is not None for r in recipes) == 2 * sum(
        r.objective is None for r in recipes
    )


@pytest.mark.parametrize("text", ["resnet18,swin-t", "none"])
def test_levels_are_chosen_by_name(cli, folder, text):
    way = ("run", "--study", "camera-traps", "--data", folder, "--factor", f"network={text}")
    done = cli(*way, "--dry-run", "--json")
    assert done.code == 0, done.err
    found = {factor["name"]: factor["levels"] for factor in done.json["factors"]}
    assert found.get("network") == (text.split(",") if text != "none" else None)
    assert cli(*way[:-1], "network=resnet18,vgg", "--dry-run").code == 2


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


# Every network once, at its study's resolution, and the arms that change most of one.
REAL = [
    ("intel", {"network": "resnet50"}),
    ("intel", {"network": "efficientnet-b2"}),
    ("intel", {"network": "regnety-1.6gf"}),
    ("cifar100", {"network": "resnet50"}),
    ("cifar100", {"network": "resnext50"}),
    ("cifar100", {"network": "conv-net-5"}),
    ("cifar100", {"clipped-fp16": "on"}),
    ("birds", {"attention": "crop"}),
    ("camera-traps", {"network": "resnet18"}),
    ("camera-traps", {"network": "swin-t"}),
    ("camera-traps", {"image": "crop-384"}),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "levels"), REAL)
def test_the_real_network_takes_a_step_at_its_resolution(name, levels, folder):
    """Two images, from random weights: a forward and a backward pass, and an evaluation."""
    import torch

    from runner.tasks import recipe_run as work
    from runner.training.loop import train

    torch.set_num_threads(2)
    study = planned(name, folder, start="scratch", batch_size=2, epochs=1)
    arm = tuple(
        factor.index(levels.get(factor.name, factor.levels[0].name)) for factor in study.factors
    )
    spec = study.spec(arm, 0)
    splits = work._splits(study.task.name, None, work.Part.of(spec))
    few = splits.train.subset([0, len(splits.train) - 1])
    one = few.subset([0])
    splits = dataclasses.replace(splits, train=few, validation=one, test=one, probe=one)
    recipe = dataclasses.replace(spec.recipe, epochs=1)
    training = train(recipe, splits, 0, torch.device("cpu"))
    assert training.steps == 1
    assert training.diverged is False
    assert 0 < training.epochs[0]["loss"] < 100
    assert training.epochs[0]["val_accuracy"] in (0, 100)  # of one image
