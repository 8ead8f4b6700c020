"""predict: write the classes and probabilities that trained models predict to a CSV."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runner.commands.json_output import print_json
from runner.commands.options import TTA, Device, Json, Plugins, Results, Runs, Sets, load_plugins
from runner.inference.inference_inputs import ask
from runner.inference.prediction_table import USUAL, columns, table
from runner.records.layout import RESULTS
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.inference.inference_images import InferenceImages
    from runner.training.saved import Card


def predict(
    runs: Runs,
    data: Annotated[
        str,
        typer.Option(
            help="A folder of images (with subfolders), an archive, a CSV with paths of images, "
            "or a task."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The CSV to write.")],
    template: Annotated[
        str,
        typer.Option(
            "--columns",
            help="The CSV's columns, such as id=stem,label=class. Values of an image: path, "
            "name, stem, class, number, probability, p_CLASS, probabilities (p_CLASS of "
            "all classes).",
        ),
    ] = USUAL,
    tta: TTA = None,
    device: Device = "auto",
    data_sets: Sets = None,
    results: Results = RESULTS,
    plugin: Plugins = None,
    json: Json = False,
) -> None:
    """Write the class and the probabilities of every image to a CSV.

    \b
    tricks-bench predict 1a2b3c --data new_images -o predictions.csv
    tricks-bench predict my-study --data listed.csv --tta flip -o predictions.csv
    tricks-bench predict my-study --data test --columns id=stem,label=class -o submission.csv
    """
    load_plugins(plugin)
    check_output(output)
    from runner.inference.inference_images import unlabelled

    def images(card: Card) -> InferenceImages:
        columns(
            template, card.names
        )  # so that a mistake is reported before the images are predicted
        return unlabelled(data, data_sets, card.data)

    answers = ask(runs, images, results, tta, device, skip=True)
    content = table(answers, template)

    from runner.records import atomic_write

    with atomic_write.output(output):
        atomic_write.replace(output, content)
    if json:
        print_json(
            {
                "runs": [card.run for card in answers.cards],
                "images": len(answers.logs),
                "output": str(output),
                "notes": list(answers.images.notes),
            }
        )
        return
    for why in answers.chosen:
        print(why)
    for note in answers.images.notes:
        print(note)
    print(f"{output}: predicted classes of {answers.images.description}")


def check_output(output: Path) -> None:
    """Raises BadInput for a file that cannot be written."""
    if output.is_dir():
        raise BadInput(f"{output} is a folder: name a file, such as {output / 'predictions.csv'}")
    if not output.absolute().parent.is_dir():
        raise BadInput(f"{output}: there is no folder {output.parent}")
