"""evaluate: the accuracy of trained models on labelled images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runner.commands.json_output import print_json
from runner.commands.options import TTA, Device, Json, Plugins, Results, Runs, Sets, load_plugins
from runner.inference.inference_inputs import ask
from runner.records.layout import RESULTS
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.analysis.test_set.classification import Classification
    from runner.inference.inference_images import InferenceImages
    from runner.training.saved import Card


def evaluate(
    runs: Runs,
    data: Annotated[
        str,
        typer.Option(
            help="A folder with one subfolder per class, a CSV of paths and labels, or a task "
            "(its test images)."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The folder to write tables and the confusion matrix to."),
    ] = None,
    tta: TTA = None,
    device: Device = "auto",
    data_sets: Sets = None,
    results: Results = RESULTS,
    plugin: Plugins = None,
    json: Json = False,
) -> None:
    """Measure accuracy with its interval, accuracy by class, and which classes are confused.

    \b
    tricks-bench evaluate 1a2b3c --data digits
    tricks-bench evaluate my-study --data new_images --out reports/new
    """
    load_plugins(plugin)
    if out is not None and out.exists() and not out.is_dir():
        raise BadInput(f"--out {out} is a file: name a folder")
    from runner.inference.inference_images import labelled
    from runner.inference.trained_on import trained_on

    def images(card: Card) -> InferenceImages:
        return labelled(data, card.names, data_sets, card.data)

    answers = ask(runs, images, results, tta, device)

    from runner.analysis.test_set.classification import classification
    from runner.analysis.to_json import to_json
    from runner.reporting.evaluation import summary_line

    names = answers.cards[0].names
    found = classification(answers.logs.numpy(), answers.images.labels, names)
    about = [*answers.chosen, answers.images.description]
    if len(runs) > 1:
        about.append(f"averaged probabilities of {len(runs)} models")
    if tta is not None:
        about.append(f"test-time augmentation: {tta}")
    own = [trained_on(data, card.data, data_sets) for card in answers.cards]
    notes = list(
        dict.fromkeys([*answers.images.notes, *(line for line in own if line is not None)])
    )
    about += notes
    path = _write(found, about, out) if out is not None else None
    if json:
        written = None if path is None else str(path)
        ids = [card.run for card in answers.cards]
        print_json({"runs": ids, **to_json(found), "notes": notes, "report": written})
        return
    for line in about:
        print(line)
    print(summary_line(found))
    if path is not None:
        print(path)
        return
    width = max(len(name) for name in names)
    for row in found.classes:
        if row.images:
            between = f"{row.ci_low:.2f} to {row.ci_high:.2f}"
            print(f"  {row.name:{width}}  {row.accuracy:6.2f} %  {between}")


def _write(found: Classification, about: list[str], out: Path) -> Path:
    """Write tables, picture and evaluation.md, whose path is returned.

    Raises BadInput if `out` cannot be written.
    """
    from runner.records import atomic_write
    from runner.records.csv_text import written
    from runner.reporting.evaluation import files, tables

    csvs = {name: written(rows) for name, rows in tables(found).items()}
    with atomic_write.output(f"--out {out}"):
        out.mkdir(parents=True, exist_ok=True)
        for name, content in {**csvs, **files(found, about)}.items():
            atomic_write.replace(out / name, content)
    return out / "evaluation.md"
