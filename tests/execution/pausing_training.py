"""A training of ten epochs without torch, that writes checkpoints and leaves when asked to."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from runner.execution.pausing import Paused, Pausing
from runner.records import checkpoints
from runner.records.spec import RunSpec

EPOCHS = 10
ALWAYS_KILLED = 91001  # a seed whose process is killed in its last epoch, each time
FAILS = 91002  # one that ends in an exception
STARVES = 91003  # one that memory runs out for in every epoch, the first time it is trained


def train(
    spec: RunSpec,
    emit: Callable[[dict[str, Any]], None],
    *,
    diary: str,
    seconds: float = 0.02,
    kill_at: tuple[int, ...] = (),
    pausing: Pausing | None = None,
) -> dict[str, Any]:
    """One line "seed epoch" in `diary` for each epoch; killed in `kill_at` the first time."""
    done, resumed = 0, 0
    if pausing is not None and pausing.file.exists():
        with checkpoints.reading(pausing.file) as (_, file):
            done, resumed = json.loads(file.read())
        resumed += 1
    for epoch in range(done + 1, EPOCHS + 1):
        time.sleep(seconds)
        with Path(diary).open("a") as lines:
            lines.write(f"{spec.seed} {epoch}\n")
        first = Path(diary).read_text().splitlines().count(f"{spec.seed} {epoch}") == 1
        if first and spec.seed == STARVES:
            raise MemoryError
        if (epoch in kill_at and first) or (spec.seed == ALWAYS_KILLED and epoch == EPOCHS):
            os.kill(os.getpid(), signal.SIGKILL)
        emit({"epoch": epoch, "val_accuracy": 50.0})
        if pausing is not None and epoch < EPOCHS:
            head = {"epoch": epoch, "epochs": EPOCHS, "place": epoch}
            with checkpoints.writing(pausing.file, head) as file:
                file.write(json.dumps([epoch, resumed]).encode())
            if pausing.asked():
                raise Paused(epoch)
    if spec.seed == FAILS:
        raise ValueError("the loss has no meaning")
    return {"state": "ok", "resumed": resumed, "val_accuracy": 50.0, "seconds": {"total": 1e6}}
