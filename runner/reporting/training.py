"""The section of the learning curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.reporting.markdown import details, image

Answer = dict[str, Any]


def section(a: Answer, figures: Mapping[str, str], drawn: int) -> list[str]:
    """Blocks of markdown; none without plots. drawn: runs with curves."""
    learning = image(figures, "learning-curves", "validation accuracy by epoch")
    rates = image(figures, "learning-rates", "learning rate by epoch")
    if not learning and not rates:
        return []
    used = a["runs"]["used"]
    part = f"{drawn:,} of the {used:,} runs" if drawn < used else f"{used} runs"
    line = (
        f"*Validation accuracy of {part} after each epoch: thick lines are means "
        "over runs, thin lines or the band (their middle 80 %) the runs themselves; no intervals. "
        "Nothing is chosen by these curves.*"
    )
    return [
        "## Learning curves",
        *([learning, line] if learning else []),
        details("Learning rate by epoch", [rates]),
    ]
