"""A separate runner process.

python grid_runner.py STORE DIARY [name=value ...]

runs or seeds (a,b,c), seconds a run, workers, runs_per_process, retries; of the limits stall, wall,
run, reserve; lease and poll: seconds. Prints one line an event, and at the end the summary as JSON,
or the one line of a mistake on stderr (exit code 2).
"""

from __future__ import annotations

import dataclasses
import json
import sys

import stub_training

from runner.execution import run_queue
from runner.execution.events import Event
from runner.execution.executor import execute
from runner.execution.limits import Limits
from runner.execution.order import Order
from runner.records.store import Store
from tricks.errors import BadInput

LIMITS = ("stall", "wall", "run", "reserve")


def say(event: Event) -> None:
    """Print one line per event: its kind and its label."""
    print(type(event).__name__, getattr(event, "label", ""), flush=True)


def main(root: str, diary: str, **asked: str) -> None:
    """Execute the requested runs, and print the outcome."""
    numbers = {name: float(value) for name, value in asked.items() if name != "seeds"}
    seeds = [int(seed) for seed in asked["seeds"].split(",")] if "seeds" in asked else None
    store = Store(root)
    store.claims.lease = numbers.get("lease", store.claims.lease)
    run_queue.POLL = numbers.get("poll", run_queue.POLL)
    order = Order(
        stub_training.Stub(numbers.get("seconds", 0.01), diary),
        workers=int(numbers.get("workers", 2)),
        runs_per_process=int(numbers.get("runs_per_process", 1)),
        retries=int(numbers.get("retries", 50)),  # workers are killed on purpose here
        limits=Limits(**{name: numbers[name] for name in LIMITS if name in numbers}),
    )
    runs = stub_training.runs(seeds or range(int(numbers["runs"])))
    summary = execute(runs, store, order, say)
    print(json.dumps(dataclasses.asdict(summary)))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:3], **dict(text.split("=", 1) for text in sys.argv[3:]))
    except BadInput as mistake:
        print(mistake, file=sys.stderr)
        sys.exit(2)
