"""digits: 1,797 handwritten digits of 8×8 pixels that come with scikit-learn. No download."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from runner.images.sampling import train_and_probe
from runner.tasks.task import Task
from tricks.errors import BadInput
from tricks.optimizer.sgd import SGD
from tricks.recipe import Recipe
from tricks.schedule.step_decay import StepDecay

if TYPE_CHECKING:
    from runner.images.sources import Splits
    from runner.records.spec import Fingerprint

# The images are ordered by writer, so the splits are contiguous: each writer is in one part.
TRAIN, VALIDATION = 850, 247  # the other 700 are the test set


def fingerprint(data: Path) -> Fingerprint:
    """The size of scikit-learn's file; `data` is ignored."""
    package = importlib.util.find_spec("sklearn")
    if package is None or package.origin is None:
        raise BadInput("the digits task needs scikit-learn: pip install scikit-learn")
    file = Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz"
    return {"files": f"{file.name} {file.stat().st_size}", "split": [TRAIN, VALIDATION]}


def load(data: Path, train_images: int | None) -> Splits:
    """The splits, in the order of the file."""
    import torch
    from sklearn.datasets import load_digits

    from runner.images.sources import Resident, Splits

    bundle = load_digits()
    pixels = torch.from_numpy(bundle.images * (255 / 16)).round().to(torch.uint8).unsqueeze(1)
    everything = Resident(pixels, torch.from_numpy(bundle.target).long())
    train, probe = train_and_probe(everything.subset(range(TRAIN)), train_images)
    assert isinstance(train, Resident)
    values = train.images.float() / 255
    return Splits(
        train=train,
        validation=everything.subset(range(TRAIN, TRAIN + VALIDATION)),
        test=everything.subset(range(TRAIN + VALIDATION, len(everything))),
        probe=probe,
        classes=10,
        channels=1,
        mean=(values.mean().item(),),
        std=(values.std().item(),),
        names=tuple("0123456789"),
    )


TASKS = [
    Task(
        name="digits",
        summary="1,797 digits of 8×8 pixels from scikit-learn, split by writer; no download",
        baseline=Recipe(
            model="small-image-resnet50",
            width=0.125,
            epochs=40,
            evaluate_every=5,
            batch_size=64,
            crop="pad",
            optimizer=SGD(decay=0.02),
            schedule=StepDecay(),
            channels_last=True,
        ),
        # Chosen on validation by the study digits-learning-rates, see docs/baselines.md.
        learning_rates={"sgd": 0.05, "lars": 4.0, "adamw": 0.02, "adam": 0.02, "lion": 0.003},
        fingerprint=fingerprint,
        load=load,
        modules=("sklearn.datasets",),
    )
]
