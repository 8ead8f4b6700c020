"""Which GPU a process sees, and that a process of many runs gives what fresh ones give."""

from __future__ import annotations

import functools
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import stub_training
from stub_training import specs

from runner.execution.executor import execute
from runner.records.spec import RunSpec
from runner.records.store import Store
from runner.tasks import recipe_run as work
from tests.bag import on_ground, tiny_splits
from tricks import parse, resolve


def noting(spec: RunSpec, emit: Callable[[dict[str, Any]], None], *, diary: str) -> dict[str, Any]:
    """The stub's training, with the GPU that its process sees written down."""
    seen = os.environ.get("CUDA_VISIBLE_DEVICES", "all")
    with Path(diary).open("a") as file:
        file.write(f"{os.getpid()} {seen}\n")
    return stub_training.train(spec, emit, seconds=0.3)


@pytest.mark.parametrize(("gpus", "workers"), [(("2", "5"), 4), (("0",), 2), ((), 2)])
def test_processes_are_shared_out_over_the_gpus(
    tmp_path: Path, gpus: tuple[str, ...], workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    train = functools.partial(noting, diary=str(tmp_path / "diary"))
    store = Store(tmp_path / "results")
    summary = execute(
        specs(range(3 * workers)), store, train, workers=workers, gpus=gpus, runs_per_process=100
    )
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


def tiny(spec: RunSpec, emit: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """A real training, on 16 images."""
    import torch

    from runner.training.outcome import outcome

    return outcome(spec.recipe, tiny_splits(), spec.seed, torch.device("cpu"), emit)


@pytest.mark.slow
def test_nothing_leaks_from_one_run_to_the_next(tmp_path: Path) -> None:
    """All runs in one process, each after others, against a process each: the same figures."""
    runs = [
        RunSpec(
            {"name": "tiny"},
            resolve(on_ground(*map(parse, names)), {"sgd": 0.02, "lars": 2.0, "adamw": 0.01}),
            1,
            names,
        )
        for names in ARMS
    ]
    found = []
    for name, order, per_process in (("fresh", runs, 1), ("one", runs[::-1], 100)):
        store = Store(tmp_path / name)
        summary = execute(
            order, store, tiny, workers=1, preload=work.preload(), runs_per_process=per_process
        )
        assert summary.ok == len(runs), summary
        found.append([figures(store, spec.id) for spec in runs])
    assert found[0] == found[1]


def figures(store: Store, id: str) -> list[Any]:
    record = store.read(id)
    assert record is not None
    return [record["test_loss"], record["correct"], record["epochs"]]
