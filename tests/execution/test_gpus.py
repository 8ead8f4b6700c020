"""Which GPU a process sees; a process of many runs gives the same results as fresh processes."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from stub_training import Stub, runs

from runner.execution.executor import execute
from runner.execution.order import Order
from runner.execution.pausing import Pausing
from runner.execution.work import Emit, Outcome
from runner.images.sources import Splits
from runner.records.run import Run
from runner.records.spec import RunSpec
from runner.records.store import Store
from runner.tasks.recipe_run import RecipeRun
from tests.bag import on_ground, tiny_splits
from tricks import parse, resolve


class Noting(Stub):
    """The stub's training, with the GPU that its process sees written down."""

    def __call__(self, run: Run, emit: Emit, pausing: Pausing | None) -> Outcome:
        seen = os.environ.get("CUDA_VISIBLE_DEVICES", "all")
        assert self.diary is not None
        with Path(self.diary).open("a") as file:
            file.write(f"{os.getpid()} {seen}\n")
        return Stub(seconds=0.3)(run, emit, pausing)


@pytest.mark.parametrize(("gpus", "workers"), [(("2", "5"), 4), (("0",), 2), ((), 2)])
def test_processes_are_shared_out_over_the_gpus(
    tmp_path: Path, gpus: tuple[str, ...], workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    work = Noting(diary=str(tmp_path / "diary"))
    order = Order(work, workers, runs_per_process=100, gpus=gpus)
    summary = execute(runs(range(3 * workers)), Store(tmp_path / "results"), order)
    assert summary.ok == 3 * workers
    seen = dict(line.split() for line in (tmp_path / "diary").read_text().splitlines())
    assert len(seen) == workers
    each = workers // max(len(gpus), 1)
    assert Counter(seen.values()) == dict.fromkeys(gpus or ("all",), each)


ARMS = (
    ("mixup", "randaugment", "label-smoothing"),
    ("evonorm", "adamw", "ema"),
    ("lars", "zero-gamma", "cosine", "warmup"),
    ("sam", "dropout", "cutmix"),
    ("bf16", "channels-last"),
    (),
)


class Tiny(RecipeRun):
    """A real training, on 16 images."""

    def images(self, spec: RunSpec) -> Splits:
        splits: Splits = tiny_splits()
        return splits


@pytest.mark.slow
def test_nothing_leaks_from_one_run_to_the_next(tmp_path: Path) -> None:
    """All runs in one process give the same figures as runs in separate processes."""
    arms = [
        RunSpec(
            {"name": "tiny"},
            resolve(on_ground(*map(parse, names)), {"sgd": 0.02, "lars": 2.0, "adamw": 0.01}),
            1,
            names,
        )
        for names in ARMS
    ]
    found = []
    for name, order, per_process in (("fresh", arms, 1), ("one", arms[::-1], 100)):
        store = Store(tmp_path / name)
        work = Tiny("digits", device="cpu")  # its modules; the images are those of `images`
        told = Order(work, workers=1, runs_per_process=per_process)
        summary = execute([spec.run() for spec in order], store, told)
        assert summary.ok == len(arms), summary
        found.append([figures(store, spec.id) for spec in arms])
    assert found[0] == found[1]


def figures(store: Store, id: str) -> list[Any]:
    record = store.read(id)
    assert record is not None
    return [record["test_loss"], record["correct"], record["epochs"]]
