"""A training of ten epochs without torch, which writes checkpoints and stops when asked."""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from runner.execution.pausing import Paused, Pausing
from runner.execution.work import Emit, Outcome, Preload
from runner.records import checkpoints
from runner.records.run import Run

EPOCHS = 10
ALWAYS_KILLED = 91001  # a seed whose process is killed in its last epoch, each time
FAILS = 91002  # one that ends in an exception
STARVES = 91003  # one that memory runs out for in every epoch, the first time it is trained


@dataclass(frozen=True)
class Pauses:
    """One line "seed epoch" in `diary` for each epoch; killed in `kill_at` the first time."""

    diary: str
    seconds: float = 0.02
    kill_at: tuple[int, ...] = ()

    def preload(self) -> list[Preload]:
        return []

    def __call__(self, run: Run, emit: Emit, pausing: Pausing | None) -> Outcome:
        done, resumed = 0, 0
        if pausing is not None and pausing.file.exists():
            with checkpoints.reading(pausing.file) as (_, file):
                done, resumed = json.loads(file.read())
            resumed += 1
        for epoch in range(done + 1, EPOCHS + 1):
            time.sleep(self.seconds)
            with Path(self.diary).open("a") as lines:
                lines.write(f"{run.seed} {epoch}\n")
            first = Path(self.diary).read_text().splitlines().count(f"{run.seed} {epoch}") == 1
            if first and run.seed == STARVES:
                raise MemoryError
            if (epoch in self.kill_at and first) or (run.seed == ALWAYS_KILLED and epoch == EPOCHS):
                os.kill(os.getpid(), signal.SIGKILL)
            emit({"epoch": epoch, "val_accuracy": 50.0})
            if pausing is not None and epoch < EPOCHS:
                head = {"epoch": epoch, "epochs": EPOCHS, "place": epoch}
                with checkpoints.writing(pausing.file, head) as file:
                    file.write(json.dumps([epoch, resumed]).encode())
                if pausing.asked():
                    raise Paused(epoch)
        if run.seed == FAILS:
            raise ValueError("the loss has no meaning")
        fields = {"resumed": resumed, "val_accuracy": 50.0, "seconds": {"total": 1e6}}
        return Outcome("ok", fields, 50.0, 1e6)
