"""Works without torch that can be moved to a node of a cluster; each writes a diary."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digits_training import Digits
from pausing_training import Pauses
from stub_training import Stub

from runner.execution.pausing import Pausing
from runner.execution.work import Emit, Figures, Outcome
from runner.images import decoding
from runner.records.run import Run


@dataclass(frozen=True)
class Quick(Stub):
    """A training that takes no time. places: a file with a line "id node job GPU" per run."""

    places: str = ""
    device: str = "auto"
    gpus: tuple[str, ...] = ()

    def here(self, workers: int, say: Callable[[str], None]) -> Quick:
        return self

    def __call__(self, run: Run, emit: Emit, pausing: Pausing | None) -> Outcome:
        if self.places:
            with Path(self.places).open("a") as file:
                seen = [os.environ.get(name, "-") for name in VARIABLES]
                file.write(f"{run.id} {' '.join(seen)}\n")
        return super().__call__(run, emit, pausing)


DIARY = "MOVED_DIARY"  # in the environment: a file, see `note`
VARIABLES = ("SLURMD_NODENAME", "SLURM_ARRAY_TASK_ID", "CUDA_VISIBLE_DEVICES")


@dataclass(frozen=True)
class OnGpus(Quick):
    """As Quick, with one worker for each GPU of the job."""

    def here(self, workers: int, say: Callable[[str], None]) -> OnGpus:
        found = tuple(os.environ.get("CUDA_VISIBLE_DEVICES", "").split(","))
        return OnGpus(self.seconds, self.diary, self.places, self.device, found)


@dataclass(frozen=True)
class Long(Pauses):
    """Trains for ten epochs, each with a checkpoint."""

    device: str = "cpu"
    gpus: tuple[str, ...] = ()

    def here(self, workers: int, say: Callable[[str], None]) -> Long:
        return self


if DIARY in os.environ:  # a line "node file" for each image that this process decodes
    _read = decoding._read

    def _told(source: Any, path: Path, *more: bool) -> Any:
        note(f"decoded {path.name}")
        return _read(source, path, *more)

    decoding._read = _told


def note(line: str) -> None:
    """Write a line behind the node's name, where a test wants to know."""
    if DIARY in os.environ:
        with Path(os.environ[DIARY]).open("a") as file:
            file.write(f"{os.environ.get('SLURMD_NODENAME', '-')} {line}\n")


class Slow(Digits):
    """A real training that waits after each epoch, so that a warning comes before its end."""

    def __call__(self, run: Run, emit: Emit, pausing: Pausing | None = None) -> Outcome:
        def slowly(figures: Figures) -> None:
            emit(figures)
            note(f"trained {run.id}")
            time.sleep(3)

        return super().__call__(run, slowly, pausing)


@dataclass(frozen=True)
class OnBrokenNode(Quick):
    """Trains on any node but `broken`, and there only once that one had `after` losses."""

    broken: str = ""
    after: int = 0

    def __call__(self, run: Run, emit: Emit, pausing: Pausing | None) -> Outcome:
        lost = Path(f"{self.diary}.lost")
        if os.environ["SLURMD_NODENAME"] == self.broken:
            with lost.open("a") as file:
                file.write(f"{run.id}\n")
            raise OSError(errno.EIO, "Input/output error")
        end = time.monotonic() + 60
        while len(lost.read_text().splitlines() if lost.exists() else ()) < self.after:
            assert time.monotonic() < end
            time.sleep(0.05)
        return super().__call__(run, emit, pausing)
