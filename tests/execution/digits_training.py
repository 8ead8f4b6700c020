"""Real trainings on digits, in a separate runner process.

python digits_training.py STORE SECONDS SEEDS WORKERS

Trains a short recipe with state of every kind, a checkpoint every SECONDS (0: none), and prints one
line an event and the summary as JSON. If asked to stop, runs stop at once, even just before their
end.
"""

from __future__ import annotations

import dataclasses
import json
import sys

from runner.execution.events import Event
from runner.execution.executor import execute
from runner.execution.limits import Limits
from runner.execution.order import Order
from runner.execution.pausing import Pausing
from runner.execution.work import Emit, Outcome
from runner.records.run import Run
from runner.records.spec import RunSpec
from runner.records.store import Store
from runner.tasks.recipe_run import RecipeRun
from runner.tasks.registry import find
from tricks import compose, parse, resolve

TRICKS = ("mixup", "cutmix", "randaugment", "ema", "lookahead", "dropout", "cosine", "warmup")
EPOCHS, IMAGES = 4, 256


def specs(seeds: range) -> list[RunSpec]:
    """The runs: four steps an epoch."""
    task = find("digits")
    baseline = dataclasses.replace(task.baseline, epochs=EPOCHS)
    recipe = resolve(compose(baseline, map(parse, TRICKS)), task.learning_rates)
    return [RunSpec(task.identity(None, IMAGES), recipe, seed, TRICKS) for seed in seeds]


class Digits(RecipeRun):
    """The work of `tricks-bench run`."""

    def __call__(self, run: Run, emit: Emit, pausing: Pausing | None = None) -> Outcome:
        from runner.training import checkpoint

        checkpoint.FINISH = -1.0
        return super().__call__(run, emit, pausing)


def main(root: str, seconds: str, seeds: str, workers: str) -> None:
    def say(event: Event) -> None:
        print(type(event).__name__, getattr(event, "label", ""), flush=True)

    limits = Limits(checkpoint=float(seconds) or None)
    order = Order(Digits("digits", device="cpu"), int(workers), retries=50, limits=limits)
    runs = [spec.run() for spec in specs(range(int(seeds)))]
    summary = execute(runs, Store(root), order, say)
    print(json.dumps(dataclasses.asdict(summary)))


if __name__ == "__main__":
    import digits_training  # the name under which its processes find it

    digits_training.main(*sys.argv[1:])
