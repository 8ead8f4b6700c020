"""A runner in a process of its own.

python grid_runner.py STORE DIARY RUNS SECONDS [WORKERS RUNS_PER_PROCESS]

Prints one line an event, and the summary as JSON at the end.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import sys

import stub_training

from runner.execution import Event, execute
from runner.records.store import Store


def say(event: Event) -> None:
    """One line an event, its kind and its label."""
    print(type(event).__name__, getattr(event, "label", ""), flush=True)


if __name__ == "__main__":
    root, diary, runs, seconds, *rest = sys.argv[1:]
    workers, runs_per_process = map(int, rest or (2, 1))
    train = functools.partial(stub_training.train, seconds=float(seconds), diary=diary)
    summary = execute(
        stub_training.specs(range(int(runs))),
        Store(root),
        train,
        workers=workers,
        runs_per_process=runs_per_process,
        retries=50,  # workers are killed on purpose here
        on_event=say,
    )
    print(json.dumps(dataclasses.asdict(summary)))
