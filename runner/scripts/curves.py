"""Learning curves, from a script's file with one row per epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runner.execution.work import Figures
from runner.records.json_values import JsonValue
from runner.records.script_toml import ScriptCurves
from runner.scripts.metrics import newest, rows
from tricks.errors import BadInput

ACCURACIES = ("val_accuracy", "probe_accuracy")
LARGEST_VALUE = 1e100  # the largest value in a record


@dataclass
class Curves:
    """Reads the epochs of one run so far. asked: the table `[script.curves]`."""

    asked: ScriptCurves | None
    out: Path
    reported: int = 0

    def fresh(self, ended: bool = False) -> list[Figures]:
        """The epochs written since the last call. ended: the last line is complete."""
        found = self.all(ended)
        new, self.reported = found[self.reported :], max(self.reported, len(found))
        return new

    def all(self, ended: bool = True) -> list[Figures]:
        """Every epoch in the file; rows without a number are left out."""
        if self.asked is None:
            return []
        path = newest(self.asked.file, self.out)
        if path is None:
            return []
        try:
            text = path.read_text(encoding="utf-8-sig", errors="replace")
            whole = text if ended else text[: text.rfind("\n") + 1]
            lines = rows(path, whole, "script.curves")
        except (OSError, BadInput):  # the script may be writing it
            return []
        found: dict[int, Figures] = {}
        for place, row in enumerate(lines):
            figures = _figures(self.asked, row, place)
            if figures is not None:
                found[figures["epoch"]] = figures
        return [found[epoch] for epoch in sorted(found)]


def _figures(asked: ScriptCurves, row: Mapping[str, JsonValue], place: int) -> Figures | None:
    epoch = place + 1
    if asked.epoch is not None:
        told = _number(row.get(asked.epoch))
        if told is None:
            return None
        epoch = int(told) - asked.first + 1
    if epoch < 1:
        return None
    figures = Figures(epoch=epoch)
    for name in ("loss", "val_loss", "lr"):
        value = _number(row.get(getattr(asked, name) or ""))
        if value is not None:
            figures[name] = value
    for name in ACCURACIES:
        value = _number(row.get(getattr(asked, name) or ""))
        if value is not None and 0 <= value * asked.scale <= 100:
            figures[name] = value * asked.scale  # type: ignore[literal-required]
    return figures if len(figures) > 1 else None


def _number(value: JsonValue) -> float | None:
    try:
        found = float(value) if isinstance(value, (int, float, str)) else math.nan
    except ValueError:
        return None
    return found if math.isfinite(found) and abs(found) <= LARGEST_VALUE else None
