"""attention: draw where a trained network with attention maps looks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.commands.json_output import print_json
from runner.commands.options import Json, Plugins, Results, Sets, load_plugins
from runner.records.layout import RESULTS
from tricks.errors import BadInput


def attention(
    run: Annotated[
        str,
        typer.Argument(
            help="A run's id (its first characters are enough), a study, or a model file."
        ),
    ],
    data: Annotated[
        str,
        typer.Option(
            help="A folder of images (with subfolders), an archive, a CSV with paths of images, "
            "or a task."
        ),
    ],
    image: Annotated[Path, typer.Option("--image", "-o", help="The picture to write (.png).")],
    images: Annotated[
        int, typer.Option(help="How many images to draw, taken evenly from all.")
    ] = 8,
    data_sets: Sets = None,
    results: Results = RESULTS,
    plugin: Plugins = None,
    json: Json = False,
) -> None:
    """Draw where a network trained with counterfactual-attention looks.

    \b
    tricks-bench attention birds --data new_images -o attention.png
    """
    load_plugins(plugin)
    if image.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise BadInput(f"--image {image}: end the name in .png, .svg or .pdf")
    if not image.absolute().parent.is_dir():
        raise BadInput(f"--image {image}: there is no folder {image.parent}")
    if images < 1:
        raise BadInput(f"--images must be at least 1, not {images}")
    from runner.inference import models
    from runner.inference.inference_images import unlabelled

    found, given = models.find(run, results), unlabelled(data, data_sets)

    from runner.inference.attention import looked
    from runner.inference.prediction import as_trained
    from runner.inference.sample_pictures import spread
    from runner.records import atomic_write
    from runner.reporting.plots.pictures import pictures
    from runner.reporting.plots.style import encoded
    from runner.training.saved import load

    model, card = load(found.path)
    few = spread(len(given.paths), images)
    names = [Path(given.paths[i]).name for i in few]
    rows = looked(model, card, as_trained(given.source.subset(few), card), names)
    with atomic_write.output(image):
        atomic_write.replace(image, encoded(pictures(found.why, rows), image.suffix.lower()))
    if json:
        print_json({"run": card.run, "images": len(few), "image": str(image)})
    else:
        print(image)
