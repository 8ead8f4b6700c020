"""show --image: a picture of a trick's effect on images, or on the learning rate."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from tricks.errors import BadInput, TrickConflict
from tricks.recipe import Recipe, resolve
from tricks.target.counterfactual_attention import CounterfactualAttention
from tricks.trick import Trick, compose

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from runner.images.sources import Source
    from runner.tasks.task import Task

FORMATS = (".png", ".svg", ".pdf")
ON_IMAGES = {"crop", "crop_scale", "flip", "flip_share", "alternate_flips", "transforms"}
ON_IMAGES |= {"inputs", "mixers", "resizing"}
ON_RATES = {"schedule", "warmup"}
TRAINED = (
    "these maps are stand-ins, as real maps need a trained network: `tricks-bench attention RUN "
    "--data FOLDER -o FILE` draws the maps of a run trained with --save-models"
)
STEPS = 50  # steps of an epoch, for the curve of a learning rate


def draw(text: str, tricks: list[Trick], task: Task, data: Path | None, out: Path) -> str:
    """Write a picture of the effect of `tricks` to the file `out`. Returns a note, or "".

    It shows images of the folder `data`, or of the task. Raises BadInput for tricks without a
    visible effect.
    """
    if out.suffix.lower() not in FORMATS:
        raise BadInput(f"--image {out}: end the name in {', '.join(FORMATS)}")
    if not out.absolute().parent.is_dir():
        raise BadInput(f"--image {out}: there is no folder {out.parent}")
    fields = {name for trick in tricks for name in (*trick.edits().sets, *trick.edits().adds)}
    attentive = next(
        (trick for trick in tricks if isinstance(trick, CounterfactualAttention)), None
    )
    if attentive is not None:
        _attention(text, attentive, task, data, out)
        return TRAINED
    if fields & (ON_IMAGES | {"predict"}):
        alone = compose(Recipe(), tricks)  # a recipe without other changes to images
        _images(text, alone, task, data, out)
    elif fields & ON_RATES:
        if data is not None:
            raise BadInput(f"{text} acts on the learning rate: leave out --data")
        _rates(text, tricks, task, out)
    else:
        raise BadInput(
            f"{text} acts on {', '.join(sorted(fields)) or 'nothing'}, which --image cannot draw: "
            "it draws tricks of images (augment, mix, predict, resizing) and of the learning rate"
        )
    return ""


def _images(text: str, recipe: Recipe, task: Task, data: Path | None, out: Path) -> None:
    from runner.inference.sample_pictures import before_after, views
    from runner.reporting.plots.pictures import pictures

    source, names = _some(task, data)
    rows = views(recipe, source) if recipe.predict is not None else before_after(
        recipe, source, names
    )  # fmt: skip
    _write(pictures(text, rows), out)


def _attention(
    text: str, trick: CounterfactualAttention, task: Task, data: Path | None, out: Path
) -> None:
    from runner.inference.attention_views import views
    from runner.reporting.plots.pictures import pictures

    source, _ = _some(task, data)
    _write(pictures(text, views(trick, source)), out)


def _some(task: Task, data: Path | None) -> tuple[Source, tuple[str, ...]]:
    """A few images, and the names of their classes; () if unknown."""
    import torch

    from runner.images.archives import folder_at
    from runner.images.sources import Files
    from runner.images.walk import images_below
    from runner.inference.sample_pictures import spread
    from runner.tasks.task import DATA
    from runner.training.example_images import as_stored, few, one_each
    from runner.training.saved import class_names

    if data is None:
        task.fingerprint(DATA)  # raises BadInput for missing data
        splits = task.load(DATA, None)
        return few(splits), class_names(splits)
    data = folder_at(data)
    if not data.is_dir():
        raise BadInput(f"--data {data}: there is no such folder")
    files = [image.path for image in images_below(data)[0]]
    folders = sorted({file.parent.name for file in files if file.parent != data})
    labels = [folders.index(file.parent.name) if file.parent != data else 0 for file in files]
    places = one_each(labels) if len(folders) > 1 else spread(len(files))
    chosen = Files(tuple(files[i] for i in places), torch.tensor([labels[i] for i in places]))
    return as_stored(chosen), tuple(folders) if len(folders) > 1 else ()


def _rates(text: str, tricks: list[Trick], task: Task, out: Path) -> None:
    from runner.reporting.plots.pictures import rates
    from tricks.learning_rate import curve, momenta

    baseline = task.baseline
    try:
        changed = compose(baseline, tricks)
    except TrickConflict:  # the baseline has the trick, or a trick that excludes it
        changed = compose(dataclasses.replace(baseline, schedule=None, warmup=None), tricks)
    recipe, before = (resolve(r, task.learning_rates) for r in (changed, baseline))
    steps = recipe.epochs * STEPS
    fig = rates(
        text, recipe.epochs, curve(recipe, steps), curve(before, steps), momenta(recipe, steps)
    )
    _write(fig, out)


def _write(fig: Figure, out: Path) -> None:
    from runner.records import atomic_write
    from runner.reporting.plots.style import encoded

    with atomic_write.output(f"--image {out}"):
        atomic_write.replace(out, encoded(fig, out.suffix.lower()))
