"""Recipes as PyTorch scripts: they train the same without tricks-bench, or are refused by name."""

import json
import subprocess
import sys
from csv import DictReader
from pathlib import Path
from statistics import mean, stdev

import pytest
import torch

from runner.inference.recipe.script import SAID, script
from runner.inference.recipe.subject import Subject
from runner.studies.composed import composed
from runner.tasks.registry import find
from runner.training.feed import Feed
from runner.training.model import build
from runner.training.step import Step
from tricks.bag import registry
from tricks.errors import BadInput
from tricks.recipe import FIELDS

CPU = torch.device("cpu")
RESULTS = Path(__file__).parents[2] / "results" / "reference"
CHILD = Path(__file__).parent / "without_tricks_bench.py"


def trained(folders):
    """The results of the scripts in the folders, in a process without tricks-bench."""
    line = [sys.executable, "-I", CHILD, *folders]
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    return [json.loads((folder / "losses.json").read_text()) for folder in folders]


def subject(text, task="digits", settings=None):
    recipe = composed(text, find(task), settings or {}).recipe
    return Subject(text, task, recipe, stored=task == "digits")


FOUR = ("baseline", "baseline+cosine", "baseline+label-smoothing", "baseline+zero-gamma")
OTHERS = (
    "baseline+warmup+adamw", "baseline+lars", "baseline+evonorm", "baseline+sam",
    "baseline+no-bias-decay+clip-norm(max_norm=0.5)", "baseline+resnet-d+bce",
    "baseline+squeeze-excite+gradient-accumulation+one-cycle",
)  # fmt: skip
SAME = {**dict.fromkeys(FOUR, 20), **dict.fromkeys(OTHERS, 5)}  # recipe -> steps


def test_with_the_same_weights_and_order_the_losses_are_the_same(tmp_path):
    torch.set_num_threads(1)
    digits = find("digits").load(Path(), None)
    folders, wanted = [], []
    for number, (text, count) in enumerate(SAME.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        found = subject(
            text, settings={"epochs": "1", "width": "0.0625", "batch_size": "16", "crop": "none"}
        )
        (folder / "script.py").write_text(script(found))
        feed = Feed(found.recipe, digits, 0, CPU)
        torch.manual_seed(1)
        model = build(found.recipe, digits.classes, digits.channels)
        given = {
            "images": digits.train.images, "labels": digits.train.labels,
            "classes": digits.classes, "mean": digits.mean, "std": digits.std,
            "weights": {name: value.clone() for name, value in model.state_dict().items()},
            "order": [feed.epoch(0).order[:count]], "steps": feed.steps,
        }  # fmt: skip
        torch.save(given, folder / "given.pt")
        step = Step(feed.real(), model, feed.steps, CPU)
        losses = []
        epoch = feed.epoch(0)
        model.train()
        for place, batch in enumerate(epoch.decoded(end=count)):
            losses.append(step(*epoch.inputs(*batch, place), place).item())
        folders.append(folder)
        wanted.append(losses)
    for text, losses, said in zip(SAME, wanted, trained(folders), strict=True):
        assert "error" not in said, (text, said)
        assert said["losses"] == pytest.approx(losses, abs=1e-5), text


REFUSED = {"aug-mix", "aug-mix-jsd"}


PLAIN = {"width": "0.0625", "batch_size": "12", "epochs": "10"}
OTHERWISE = {**PLAIN, "crop": "none", "optimizer": "sgd(nesterov=False)", "schedule": "cosine"}
# They change nothing here, need files or the net, or take a minute.
ASIDE = {"from-scratch", "own-weights", "pretrained", "distillation", "tf32", "compile",
         "channels-last", "alternating-flips", "ghost-batch-norm"}  # fmt: skip


def first_subject(name):
    """A recipe with the trick; on another baseline where it changes nothing."""
    text = f"baseline+{name}" + ("+mixup" if name == "mixing-off" else "")
    try:
        return subject(text, settings=PLAIN)
    except BadInput:
        return subject(text, settings=OTHERWISE)


@pytest.mark.slow
def test_every_trick_trains_in_a_script_or_is_refused_by_name(tmp_path):
    torch.manual_seed(0)
    images, labels = torch.randint(256, (24, 3, 16, 16), dtype=torch.uint8), torch.arange(24) % 3
    given = {
        "images": images, "labels": labels, "classes": 3, "mean": (0.5,) * 3, "std": (0.25,) * 3,
        "weights": {}, "epochs": 2, "order": [[list(range(12)), list(range(12, 24))]] * 2,
        "steps": 2,
    }  # fmt: skip
    names, folders, refused = [], [], {}
    for name in registry().keys() - ASIDE:
        found = first_subject(name)
        try:
            text = script(found)
        except BadInput as error:
            refused[name] = str(error)
            continue
        folder = tmp_path / name
        folder.mkdir()
        (folder / "script.py").write_text(text)
        torch.save(given, folder / "given.pt")
        names.append(name)
        folders.append(folder)
    said = dict(zip(names, trained(folders), strict=True))
    wrong = {name: found["trace"] for name, found in said.items() if "error" in found}
    assert not wrong, "\n".join(f"{name}: {trace}" for name, trace in wrong.items())
    assert all(len(found["losses"]) == 4 for found in said.values())
    assert refused.keys() <= REFUSED
    assert all(name in why for name, why in refused.items())
    assert len(said) > 70


def test_every_field_has_its_lines():
    assert set(FIELDS) == SAID


@pytest.mark.parametrize(
    ("text", "task", "settings", "said"),
    [
        ("baseline", "folder:x", {"transforms": "rotation(before_crop=True)"}, "before they are"),
        ("baseline+aug-mix-jsd", "folder:x", {}, "aug-mix-jsd"),
    ],
)
def test_what_a_script_cannot_hold_is_refused_by_name(text, task, settings, said):
    with pytest.raises(BadInput, match=said):
        script(subject(text, task, settings))


@pytest.mark.slow
def test_on_a_folder_of_images_it_reaches_what_the_tool_reaches(tmp_path):
    from PIL import Image

    digits = find("digits").load(Path(), None)
    parts = {"train": digits.train, "val": digits.validation, "test": digits.test}
    for part, source in parts.items():
        for place, (image, label) in enumerate(zip(source.images, source.labels, strict=True)):
            folder = tmp_path / "digits" / part / str(int(label))
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image[0].numpy()).save(folder / f"{place}.png")
    file = tmp_path / "train.py"
    file.write_text(script(subject("baseline+zero-gamma")))
    line = [sys.executable, "-I", file, tmp_path / "digits", "--workers", "0", "--device", "cpu"]
    trainings = [
        subprocess.Popen(
            [*line, "--seed", str(seed), "--out", tmp_path / f"{seed}.safetensors"],
            cwd=tmp_path, stdout=subprocess.PIPE, text=True,
        )
        for seed in range(2)
    ]  # fmt: skip
    found = []
    for seed, training in enumerate(trainings):
        said, _ = training.communicate()
        assert training.returncode == 0, said
        found.append(float(said.split("test ")[1].split()[0]))
        assert (tmp_path / f"{seed}.safetensors").stat().st_size > 100_000
    with (RESULTS / "digits-add-one" / "runs.csv").open() as table:
        arm = [float(run["accuracy"]) for run in DictReader(table)
               if run["zero-gamma"] == "on" and run["state"] == "ok"]  # fmt: skip
    standard_error = stdev(arm) * (1 / len(found) + 1 / len(arm)) ** 0.5
    assert abs(mean(found) - mean(arm)) < 4 * standard_error, (found, arm)
