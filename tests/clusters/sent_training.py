"""A training without torch that can be sent to other machines, and notes where it ran."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path

from pausing_training import Pauses

from runner.execution.pausing import Pausing
from runner.execution.work import Emit, Outcome, Room
from runner.records.run import Run
from tricks.errors import BadInput

EXITS = 91004  # a seed whose process leaves with exit code 3
LACKS = "/data: not there, or not readable"


@dataclass(frozen=True)
class Travels(Pauses):
    """Ten epochs with checkpoints; writes a file below `root`, like a training's weights."""

    root: str = ""

    def sent(self) -> Travels:
        return self

    def unpacked(self, root: Path, room: Room) -> Travels:
        assert (room.device, room.at_a_time, room.cores) == ("cpu", 1, 1)
        return Travels(self.diary, self.seconds, self.kill_at, str(root))

    def __call__(self, run: Run, emit: Emit, pausing: Pausing | None) -> Outcome:
        print(f"training {run.id} in {self.root}", flush=True)
        if run.seed == EXITS:
            os._exit(3)
        found = super().__call__(run, emit, pausing)
        models = Path(self.root, "models")
        models.mkdir(exist_ok=True)
        (models / f"{run.id}.safetensors").write_text(f"weights of {run.seed}")
        return found


@dataclass(frozen=True)
class FirstPlace(Travels):
    """The first worker of all loses each run, or it `lacks` what runs need."""

    lacks: bool = False

    def unpacked(self, root: Path, room: Room) -> FirstPlace:
        try:
            with Path(f"{self.diary}.first").open("x") as file:
                file.write(str(root))
        except FileExistsError:
            pass
        else:
            if self.lacks:
                raise BadInput(LACKS)
        return FirstPlace(self.diary, self.seconds, self.kill_at, str(root), self.lacks)

    def __call__(self, run: Run, emit: Emit, pausing: Pausing | None) -> Outcome:
        if Path(f"{self.diary}.first").read_text() == self.root:
            with Path(f"{self.diary}.lost").open("a") as file:
                file.write(f"{run.id}\n")
            raise OSError(errno.EIO, "Input/output error")
        return super().__call__(run, emit, pausing)
