"""The common part of tests over the whole bag: a tiny baseline, images, a network. Torch-free."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any

from tricks import Recipe, Trick, compose
from tricks.mix.cutmix import CutMix
from tricks.mix.mixup import MixUp
from tricks.optimizer.sgd import SGD
from tricks.schedule.step_decay import StepDecay

BASELINE = Recipe(width=0.125, optimizer=SGD(), schedule=StepDecay(), epochs=1, batch_size=8)

# The file of a network that another can learn from; train_two_steps writes it. All processes of a
# test run name tests by it, so it is the same in all; what they write is the same, too.
_PLACE = hashlib.sha256(f"{os.getuid()} {__file__}".encode()).hexdigest()[:12]
TEACHER = str(Path(tempfile.gettempdir()) / f"tricks-bench-teacher-{_PLACE}.safetensors")


def ground(*tricks: Trick, baseline: Recipe = BASELINE) -> Recipe:
    """`baseline` with the features that `tricks` act on, so that each trick changes something."""
    names = {trick.name for trick in tricks}
    if "mixing-off" in names:
        mixer = next(mixer for mixer in (CutMix(), MixUp()) if mixer.name not in names)
        epochs = max(2, baseline.epochs)
        baseline = dataclasses.replace(baseline, mixers=(mixer,), epochs=epochs)
    if "from-scratch" in names:
        baseline = dataclasses.replace(baseline, start="pretrained")
    if "sgd-nesterov" in names:
        baseline = dataclasses.replace(baseline, optimizer=SGD(nesterov=False))
    return baseline


def on_ground(*tricks: Trick) -> Recipe:
    """The recipe of `tricks` on their ground."""
    return compose(ground(*tricks), tricks)


def tiny_splits() -> Any:
    """16 grey images of 8×8 noise, four classes, the same in every split."""
    import torch

    from runner.images.sources import Resident, Splits

    source = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (16, 1, 8, 8), generator=source).to(torch.uint8)
    part = Resident(images, torch.arange(16) % 4)
    return Splits(
        train=part, validation=part, test=part, probe=part,
        classes=4, channels=1, mean=(0.5,), std=(0.25,),
    )  # fmt: skip


def cut_network(recipe: Recipe, classes: int, channels: int) -> Any:
    """small-image-resnet50 with two blocks: it has every kind of part, and takes little time."""
    from runner.training.model import SmallImageResNet50

    return SmallImageResNet50(classes, channels, recipe.width, blocks=(1, 0, 0, 1))


def write_teacher(splits: Any, path: str | Path = TEACHER, **fields: Any) -> Any:
    """A narrow network with random weights, saved; returns it.

    fields: of its card; `recipe`: fields of its recipe.
    """
    import torch

    from runner.training.model import build
    from runner.training.saved import Card, class_names, save

    recipe = Recipe(width=0.02, **fields.pop("recipe", {}))
    torch.manual_seed(1)
    model = build(recipe, splits.classes, splits.channels)
    card: dict[str, Any] = {
        "run": "teacher", "weights": "last", "epoch": 1, "recipe": recipe, "task": "tiny",
        "data": {}, "seed": 1, "classes": splits.classes, "channels": splits.channels,
        "mean": splits.mean, "std": splits.std, "names": class_names(splits), "size": None,
        "val_accuracy": None, "schema": 1, "code_revision": None,
    }  # fmt: skip
    save(Path(path), model, Card(**{**card, **fields}))
    return model.eval()


def outcome(recipe: Recipe, splits: Any, seed: int, device: Any, **more: Any) -> dict[str, Any]:
    """The outcome of a run, with its state and its predictions. more: see outcome()."""
    from runner.records.spec import RunSpec
    from runner.training.outcome import outcome as run

    found = run(RunSpec({}, recipe, seed), splits, device, **more)
    return {"state": found.state, **found.fields, "predictions": found.predictions}


def train_two_steps(*tricks: Trick) -> Any:
    """The training of `tricks` on their ground, for two steps an epoch."""
    import torch

    from runner.training.loop import train
    from tricks import resolve

    splits = tiny_splits()
    if any(trick.name == "distillation" for trick in tricks):
        write_teacher(splits)
    # There are no weights to load into so small a network.
    recipe = dataclasses.replace(on_ground(*tricks), start="scratch")
    recipe = resolve(recipe, {"sgd": 0.01, "lars": 0.5, "adamw": 0.001})
    torch.set_num_threads(1)
    return train(recipe, splits, 0, torch.device("cpu"))
