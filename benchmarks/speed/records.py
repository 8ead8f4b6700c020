"""A store of 100,000 records: what `status`, a frame of them and a full report take."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.ratio import Conditions, Ratio
from runner.records.record import seal
from runner.records.spec import RunSpec
from runner.records.store import Store
from runner.records.studies import save_study
from runner.studies.asked import Asked
from runner.studies.study import Study, build

TEST_IMAGES, EPOCHS = 700, 10  # as digits has them
SECONDS = {"train": 5.3, "evaluate": 0.7, "wait": 0.02, "cpu": 5.1, "total": 6.1}
TWENTY = (
    "warmup", "cosine", "zero-gamma", "evonorm", "label-smoothing", "mixup", "cutmix",
    "randaugment", "no-bias-decay", "ema", "sam", "dropout", "drop-path", "blur-pool",
    "color-jitter", "random-erasing", "grayscale", "resnet-d", "squeeze-excite", "clip-norm",
)  # fmt: skip
STUDIES = {
    "20 tricks one at a time, 4,762 seeds": Asked(
        name="many-seeds", grid="add-one", tricks=list(TWENTY), seeds=4_762
    ),
    "all 2^13 arms of 13 tricks, 12 seeds": Asked(
        name="many-arms", grid="full", tricks=list(TWENTY[:13]), seeds=12
    ),
}
# A process of its own that loads a study's frame; torch-free, as every reader of records is.
FRAME = """
import sys, time
from pathlib import Path
from runner.records.store import Store
from runner.records.studies import load_study
from runner.records.run_frames import table
import pandas
begin = time.perf_counter()
store = Store(Path(sys.argv[1]), create=False)
rows = len(table(store, load_study(store, sys.argv[2])))
print(time.perf_counter() - begin, rows)
"""


def measure(conditions: Conditions) -> Iterator[Ratio]:
    """Wall time of the real commands, each in a process of its own, on two shapes of study."""
    repeats = min(conditions.repeats, 3)
    for what, asked in STUDIES.items():
        results = conditions.scratch / asked.name
        study = build(asked)
        fill(results, study)
        here = ("--results", str(results))
        cold = timed("status", *here)[0]
        status = [timed("status", *here)[0] for _ in range(repeats)]
        frame = [frame_seconds(results, asked.name) for _ in range(repeats)]
        out = ("--out", str(conditions.scratch / f"{asked.name}-report"))
        full = [timed("report", *here, *out) for _ in range(repeats)]
        runs = f"{study.runs:,} records: {what}"
        yield Ratio(
            f"status of {runs}", "the command", tuple(status), "s", 1.5, at_most=True,
            note=f"the first time, without an index: {cold:.0f} s",
        )  # fmt: skip
        yield Ratio(
            f"frame of {runs}", "from the index", tuple(frame), "s", 1.0, at_most=True,
            note="with the study's list of runs and a look at every record's file; "
            "without the import of pandas",
        )  # fmt: skip
        yield Ratio(
            f"full report of {runs}", "the command", tuple(s for s, _ in full), "s", 20.0,
            at_most=True, note=f"peak memory {max(m for _, m in full):,.0f} MB",
        )  # fmt: skip


def timed(*arguments: str) -> tuple[float, float]:
    """Wall seconds and peak memory (MB) of a command line of the tool, in a process of its own."""
    code = (
        "import json, resource, sys, time\n"
        "from subprocess import run, DEVNULL\n"
        "begin = time.perf_counter()\n"
        "run(sys.argv[1:], check=True, stdout=DEVNULL)\n"
        "seconds = time.perf_counter() - begin\n"
        "peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss\n"
        "print(json.dumps([seconds, peak / 1024]))"
    )
    line = [sys.executable, "-c", code, command(), *arguments]
    done = subprocess.run(line, check=True, capture_output=True, text=True)
    seconds, peak = json.loads(done.stdout)
    return seconds, peak


def command() -> str:
    """The installed command, beside this Python."""
    return str(Path(sys.executable).with_name("tricks-bench"))


def frame_seconds(results: Path, name: str) -> float:
    """Seconds to a study's frame, in a process of its own that has imported pandas."""
    line = [sys.executable, "-c", FRAME, str(results), name]
    done = subprocess.run(line, check=True, capture_output=True, text=True)
    return float(done.stdout.split()[0])


def fill(results: Path, study: Study) -> None:
    """A store with a made-up record of every run of `plan`, as large as real ones are.

    Sealed as real ones are, but not synced one by one. Which images a run gets right is drawn
    with its arm's probability, which falls and rises with the levels that are on.
    """
    store = Store(results)
    draw = np.random.default_rng(0)
    effects = [draw.normal(0, 0.4, len(factor.levels)) for factor in study.factors]
    recipes: dict[tuple[int, ...], Any] = {}
    rows = []
    for arm, seed in study.design.runs(study.seeds):
        if arm not in recipes:
            spec = study.spec(arm, seed)
            recipes[arm] = spec, sum(e[level] for e, level in zip(effects, arm, strict=True))
        first, effect = recipes[arm]
        spec = RunSpec(first.data, first.recipe, seed, first.tricks)
        path = store.path(spec.id)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(seal(made_up(spec, 92 + effect, draw)))
        rows.append(study.row(arm, spec))
    save_study(store, study.name, study.as_stored(), rows)


def made_up(spec: RunSpec, chance: float, draw: np.random.Generator) -> dict[str, Any]:
    """A record of a run that ended well, with about `chance` per cent of its images right."""
    right = draw.random(TEST_IMAGES) < np.clip(chance + draw.normal(0, 0.5), 0, 100) / 100
    accuracy, slower = 100 * float(right.mean()), draw.lognormal(0, 0.05)
    climb = (accuracy + draw.normal(0, 0.5, EPOCHS)) * (1 - 0.8 ** np.arange(1, EPOCHS + 1))
    return {
        "id": spec.id,
        **spec.to_json(),
        "state": "ok",
        "epochs": _epochs(climb),
        "test_accuracy": accuracy,
        "test_loss": 0.6027388654436384,
        "val_accuracy": climb[-1],
        "val_loss": 0.3851333185728745,
        "probe_accuracy": 99.21875,
        "generalisation_gap": 99.21875 - climb[-1],
        "test_images": TEST_IMAGES,
        "correct": base64.b64encode(np.packbits(right).tobytes()).decode(),
        "classes": 10,
        "chance_accuracy": 10.285714285714286,
        "seconds": {name: round(s * slower, 4) for name, s in SECONDS.items()},
        "images_per_second": 1560.7,
        "peak_memory_mb": 568.6,
        "memory": {s: {"ram": 550.0} for s in ("data", "model", "first_step", "peak")},
        "parameters": 375_618,
        "steps": 130,
        "warmup_steps": 6 if spec.recipe.warmup else 0,
        "device": "cpu",
        "versions": {"python": "3.11.7", "torch": "2.14.1", "tricks-bench": "0.1.0"},
        "code_revision": "be238ad52d58",
        "host": "bench",
        "started": "2026-01-01T00:00:00.000+00:00",
        "finished": "2026-01-01T00:00:06.000+00:00",
        "wall_seconds": 6.0,
        "error": None,
        "attempt": 1,
    }


def _epochs(climb: np.ndarray) -> list[dict[str, float]]:
    return [
        {
            "epoch": epoch,
            "loss": 2.3907325451190653 / epoch,
            "val_loss": 1.5874240890688 / epoch,
            "val_accuracy": value,
            "probe_accuracy": value + 3.123456789,
            "lr": 0.025,
        }
        for epoch, value in enumerate(climb, 1)
    ]
