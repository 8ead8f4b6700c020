"""The cost of each trick: `python -m benchmarks.costs [NAME ...] [--repeats 4]`.

Each trick and the baseline are trained on digits for two epochs, in turns, on one thread. Measured
are CPU seconds per training image, and CPU seconds of an evaluation of the validation images by the
trained model. tricks/costs.csv has the median, smallest and largest ratio. A trick named on the
command line replaces its row. The whole bag takes about eight minutes on an idle core.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import torch

from runner.images.sources import Splits
from runner.tasks.registry import find
from runner.training.evaluation import evaluate
from runner.training.loop import train
from runner.training.saved import Card, save
from tricks import BadInput, Recipe, TrickConflict, compose, parse, registry, resolve
from tricks.costs import COLUMNS, FILE

EPOCHS, IMAGES = 2, 320  # of a training: 10 steps
FEW = 8  # images in the evaluations during a training
LONG = 15.0  # CPU seconds after which a trick is not measured again, but at least twice
CPU = torch.device("cpu")
# Tricks that need parameters or another baseline to be measured.
AS = {
    "counterfactual-attention": "counterfactual-attention(finer=2, maps=8)",
    "mixing-off": "mixing-off(share=0.5)",
}
GROUND = {"mixing-off": "cutmix"}
# Compiling happens once per training, and would dominate the two epochs here.
LEFT_OUT = ("compile",)


class Took(NamedTuple):
    """CPU seconds per training image, and CPU seconds of one evaluation."""

    training: float
    evaluation: float


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.costs", description=__doc__.partition("\n\n")[0]
    )
    parser.add_argument("name", nargs="*", help="tricks; all of the bag if left out")
    parser.add_argument("--repeats", type=int, default=4, help="paired measurements [4]")
    parser.add_argument("--out", type=Path, default=FILE, help=f"the CSV to write [{FILE}]")
    asked = parser.parse_args()
    bag = [n for n, cls in registry().items() if cls.group() != "plugin" and n not in LEFT_OUT]
    unknown = [name for name in asked.name if name not in registry()]
    if unknown or asked.repeats < 1:
        parser.error(f"there is no trick {unknown[0]!r}" if unknown else "--repeats is at least 1")
    torch.set_num_threads(1)
    task = find("digits")
    splits = task.load(Path("data"), IMAGES)
    rows: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="tricks-bench-") as scratch:
        for name in asked.name or bag:
            try:
                rows[name] = measure(name, splits, asked.repeats, Path(scratch))
            except (BadInput, TrickConflict) as error:
                print(f"{name}: not measured: {error}", file=sys.stderr)
                continue
            row = rows[name]
            print(f"{name}: training {row['training']:.2f}×, evaluation {row['evaluation']:.2f}×")
    write(asked.out, rows, keep=bool(asked.name))
    return 0


def measure(name: str, splits: Splits, repeats: int, scratch: Path) -> dict[str, Any]:
    """The row of the trick `name`. Raises BadInput if it changes nothing in the baseline."""
    task = find("digits")
    baseline = dataclasses.replace(task.baseline, epochs=EPOCHS)
    if name in GROUND:
        baseline = compose(baseline, [parse(GROUND[name])])
    text = AS.get(name, name)
    if name == "distillation":
        text = f"distillation(teacher={teacher(baseline, splits, scratch)!r})"
    trick = parse(text)
    changed = compose(baseline, [trick])
    if changed.start == "pretrained":
        raise BadInput("there are no pretrained weights of so small a network")
    recipes = [resolve(recipe, task.learning_rates) for recipe in (changed, baseline)]
    once = [took(dataclasses.replace(recipe, epochs=1), splits) for recipe in recipes]  # warms up
    del once
    ratios: list[tuple[float, float]] = []
    began = time.process_time()
    for place in range(repeats):
        if place > 1 and time.process_time() - began > LONG:
            break
        order = recipes if place % 2 == 0 else recipes[::-1]
        first, second = (took(recipe, splits) for recipe in order)
        above, below = (first, second) if place % 2 == 0 else (second, first)
        ratios.append((above.training / below.training, above.evaluation / below.evaluation))
    row: dict[str, Any] = {
        "trick": name,
        "what": "distillation" if name == "distillation" else str(trick),
        "version": trick.version,
        "repetitions": len(ratios),
    }
    for kind, found in zip(("training", "evaluation"), zip(*ratios, strict=True), strict=True):
        row |= {
            kind: statistics.median(found), f"{kind}_low": min(found), f"{kind}_high": max(found),
        }  # fmt: skip
    return row


def took(recipe: Recipe, splits: Splits) -> Took:
    """The time of one training of `recipe`, and of one evaluation of the trained model."""
    few = splits.validation.subset(range(FEW))
    short = dataclasses.replace(splits, validation=few, probe=few)
    training = train(recipe, short, 0, CPU)
    began = time.process_time()
    evaluate(training.model, splits.validation, splits, recipe, CPU)
    return Took(training.seconds["cpu"] / training.images, time.process_time() - began)


def teacher(recipe: Recipe, splits: Splits, folder: Path) -> str:
    """The file of an untrained network like the baseline's, as costly as a trained one."""
    from runner.training.model import build

    path = folder / "teacher.safetensors"
    resolved = resolve(recipe, find("digits").learning_rates)
    card = Card(
        run="teacher", weights="last", epoch=1, recipe=resolved,
        task="digits", data={}, seed=0, classes=splits.classes, channels=splits.channels,
        mean=splits.mean, std=splits.std, names=splits.names, size=(8, 8), val_accuracy=None,
        schema=1, code_revision=None,
    )  # fmt: skip
    save(path, build(recipe, splits.classes, splits.channels), card)
    return str(path)


def write(out: Path, rows: dict[str, dict[str, Any]], keep: bool) -> None:
    """Write the rows, sorted; with `keep` the rows of other tricks in `out` stay."""
    held: dict[str, dict[str, Any]] = {}
    if keep and out.is_file():
        with out.open(newline="", encoding="utf-8") as file:
            held = {row["trick"]: row for row in csv.DictReader(file)}
    with out.open("w", newline="", encoding="utf-8") as file:
        lines = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        lines.writeheader()
        for _, row in sorted({**held, **rows}.items()):
            lines.writerow({k: f"{v:.4g}" if isinstance(v, float) else v for k, v in row.items()})


if __name__ == "__main__":
    sys.exit(main())
