"""Watch a script while it runs: its output, its learning curves, and why it has to end."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from runner.execution import heartbeat, oom
from runner.execution.pausing import Pausing
from runner.execution.work import Emit
from runner.records.script_toml import Script
from runner.scripts import command, metrics
from runner.scripts.curves import Curves
from runner.scripts.process import Output

FRESH = 5.0  # seconds between looks at the file with the learning curves


@dataclass
class Watch:
    """Watches a running script: its output, and the reason to end it."""

    script: Script
    stall: float
    pausing: Pausing | None
    emit: Emit
    curves: Curves
    why: str = ""
    began: float = field(default_factory=time.monotonic)
    ooms: int | None = field(default_factory=oom.kills)

    def __post_init__(self) -> None:
        self.printed = metrics.Printed.of(self.script)
        self.output = Output(self.printed.take)
        self._heard, self._at, self._looked = 0, self.began, self.began

    def stop(self) -> bool:
        """Whether to end the script now; sets `why`: stall, wall, or left (at a checkpoint)."""
        now = time.monotonic()
        heartbeat.alive()  # this process is alive: the script's silence is watched below
        if self.output.heard != self._heard:
            self._heard, self._at = self.output.heard, now
        if now - self._looked > FRESH:
            self._looked = now
            for figures in self.curves.fresh():
                self._at = now
                self.emit(figures)
        wall = self.script.wall_minutes
        if wall is not None and now - self.began > 60 * wall:
            self.why = "wall"
        elif now - self._at > self.stall:
            self.why = "stall"
        elif self.pausing is not None and command.takes(self.script, "resume"):
            self.why = "left" if self.pausing.asked() else ""
        return bool(self.why)

    def starved(self) -> bool:
        """Whether the kernel has meanwhile killed some process for lack of memory."""
        return oom.killed_since(self.ooms)
