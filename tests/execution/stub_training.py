"""A training that takes milliseconds; the range of its seed chooses its fault.

`BEHAVIOUR` lists seeds and faults, so a fault is part of a run's identity.
"""

from __future__ import annotations

import errno
import multiprocessing
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.execution import heartbeat
from runner.execution.pausing import Pausing
from runner.execution.work import Emit, Outcome, Preload
from runner.records.run import Run
from runner.records.spec import RunSpec
from tricks.errors import BadInput
from tricks.recipe import Recipe

# What Python says before it asks the system for something in a folder.
CALLS = frozenset(
    {"open", "os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "os.listdir",
     "os.scandir", "shutil.rmtree"}
)  # fmt: skip
BEHAVIOUR = {
    90001: "exception",
    90002: "exit",
    90003: "signal",
    90004: "memory",
    90005: "disk",
    90006: "diverged",
    90007: "hang",
    90008: "nonsense",
    90009: "killed once",
    90010: "poison",
    90011: "mistake",
    90012: "mistake of a loader",
    90013: "address space",
    90014: "address space of torch",
    90015: "all memory",
    90016: "long epoch",
    90017: "stops itself",
}
PLENTY = 600 << 20  # bytes that a greedy training asks for
STOP_AT = "STUB_STOP_AT"  # in the environment: FOLDER NUMBER MARK, see `stop_at`
poisoned: list[int] = []  # not empty: no training can succeed in this process any more


def limit_memory(more: int) -> None:
    """Limit this process to `more` further bytes of address space."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + more
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def stop_at(folder: str, number: int, mark: str) -> None:
    """Stop this process (SIGSTOP) just before its call `number` into the file system at `folder`.

    Only the first process that reaches this call stops: it creates the file `mark` with the call's
    name.
    """
    count, busy = 0, False

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal count, busy
        if busy or event not in CALLS or threading.current_thread() is not threading.main_thread():
            return
        if not any(isinstance(a, (str, os.PathLike)) and folder in str(a) for a in arguments):
            return
        count += 1
        if count != number:
            return
        busy = True
        try:
            with open(mark, "x") as file:
                file.write(event)
        except FileExistsError:
            pass
        else:
            os.kill(os.getpid(), signal.SIGSTOP)
        busy = False

    sys.addaudithook(hook)


if STOP_AT in os.environ and multiprocessing.current_process().name != "MainProcess":
    _folder, _number, _mark = os.environ[STOP_AT].split("\n")
    stop_at(_folder, int(_number), _mark)


def specs(seeds: range | list[int], tricks: tuple[str, ...] = ()) -> list[RunSpec]:
    """Specs that differ in their seed only."""
    return [RunSpec({"name": "stub"}, Recipe(), seed, tricks) for seed in seeds]


def runs(seeds: range | list[int], tricks: tuple[str, ...] = ()) -> list[Run]:
    """Runs that differ in their seed only."""
    return [spec.run() for spec in specs(seeds, tricks)]


def two_arms(count: int) -> list[Run]:
    """So many runs of each of two arms, by turns."""
    pairs = zip(runs(range(count)), runs(range(50, 50 + count), ("mixup",)), strict=True)
    return [run for pair in pairs for run in pair]


@dataclass(frozen=True)
class Stub:
    """The work of a stub training, with the arguments of `train`."""

    seconds: float = 0.01
    diary: str | None = None

    def __call__(self, run: Run, emit: Emit, pausing: Pausing | None) -> Outcome:
        return outcome(train(run, emit, seconds=self.seconds, diary=self.diary))

    def preload(self) -> list[Preload]:
        return []


def outcome(found: dict[str, Any]) -> Outcome:
    """The result of a training as an Outcome; nonsense stays unchanged."""
    if "state" not in found:
        return found  # type: ignore[return-value]
    fields = dict(found)
    seconds = (found.get("seconds") or {}).get("total") or 0.0
    return Outcome(fields.pop("state"), fields, found.get("val_accuracy"), seconds)


def train(
    run: Run,
    emit: Callable[[dict[str, Any]], None],
    *,
    seconds: float = 0.01,
    diary: str | None = None,
) -> dict[str, Any]:
    """Write a line to the file `diary`, then behave as the seed says."""
    if diary is not None:
        with Path(diary).open("a") as file:
            file.write(f"{run.id} {os.getpid()} {time.time_ns()}\n")
    print("a word on stdout")
    for epoch in (1, 2):
        time.sleep(seconds / 2)
        emit({"epoch": epoch, "loss": 1.0 / epoch, "val_accuracy": 90.0 + epoch, "lr": 0.1})
    behaviour = BEHAVIOUR.get(run.seed)
    if behaviour == "poison":
        poisoned.append(run.seed)
    if poisoned:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")
    if behaviour == "exception":
        raise ValueError("the loss has no meaning\nsecond line")
    if behaviour == "mistake":
        raise BadInput("a.png is no image: remove it")
    if behaviour == "mistake of a loader":
        raise BadInput(
            "Caught BadInput in DataLoader worker process 0.\nOriginal Traceback (most recent call "
            'last):\n  File "x.py", line 1, in f\ntricks.errors.BadInput: b.png is no image\n'
        )
    if behaviour == "exit":
        os._exit(3)
    if behaviour == "signal":
        os.kill(os.getpid(), signal.SIGSEGV)
    if behaviour == "killed once" and diary is not None:
        lines = Path(diary).read_text().splitlines()
        if sum(line.startswith(run.id) for line in lines) == 1:
            os.kill(os.getpid(), signal.SIGKILL)
    if behaviour == "memory":
        raise MemoryError
    if behaviour in ("address space", "address space of torch"):
        if behaviour.endswith("torch"):
            import torch
        limit_memory(PLENTY // 4)
        if behaviour.endswith("torch"):
            torch.zeros(PLENTY, dtype=torch.uint8)
        bytearray(PLENTY)
    if behaviour == "all memory":
        bytearray(b"x") * PLENTY
    if behaviour == "long epoch":  # many batches in one epoch that takes longer than the limit
        heartbeat.EVERY = 0.1
        for _ in range(30):
            time.sleep(0.05)
            heartbeat.alive()
    if behaviour == "stops itself" and diary is not None:
        lines = Path(diary).read_text().splitlines()
        if sum(line.startswith(run.id) for line in lines) == 1:
            os.kill(os.getpid(), signal.SIGSTOP)
    if behaviour == "disk":
        raise OSError(errno.ENOSPC, "No space left on device")
    if behaviour == "hang":
        time.sleep(3600)
    if behaviour == "nonsense":
        return {"accuracy": 1}
    diverged = behaviour == "diverged"
    return {
        "state": "diverged" if diverged else "ok",
        "epochs": [
            {"epoch": 1, "loss": float("nan") if diverged else 1.0, "val_accuracy": 91.0},
            {"epoch": 2, "loss": 0.5, "val_accuracy": 92.0, "lr": 0.1},
        ],
        "test_accuracy": None if diverged else 90.0 + run.seed % 10,
        "test_loss": float("inf") if diverged else 0.3,
        "val_accuracy": None if diverged else 92.0,
        "test_images": 8,
        "correct": "/w==",
        "classes": 2,
        "chance_accuracy": 50.0,
        "seconds": {"train": seconds, "evaluate": 0.0, "wait": 0.0, "cpu": 0.0, "total": seconds},
        "images_per_second": 100.0,
        "parameters": 10,
        "device": "cpu",
        "versions": {"python": "3"},
        "code_revision": None,
    }
