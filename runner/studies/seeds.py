"""The seeds of the arm that all others are compared with."""

from __future__ import annotations

from runner.designs.design import AUTO
from tricks.errors import BadInput


def control_seeds(asked: int | str | None, seeds: int) -> int | None:
    """`--control-seeds` as Design.control. Raises BadInput for no number, or fewer than `seeds`."""
    if asked is None or asked == "auto":
        return None if asked is None else AUTO
    if not str(asked).isdecimal():
        raise BadInput(f"--control-seeds {asked}: give a number, or auto (√k times --seeds)")
    if int(asked) < seeds:
        raise BadInput(
            f"--control-seeds must be at least --seeds, {seeds}, not {asked}: give more, or "
            "leave it out"
        )
    return int(asked)
