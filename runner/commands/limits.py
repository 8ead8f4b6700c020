"""The options of `run` that limit an execution."""

from __future__ import annotations

from typing import Annotated

import typer

from runner.execution.limits import STALL, Limits
from tricks.errors import BadInput

CHECKPOINT = 5.0  # minutes

CheckpointMinutes = Annotated[
    float | None,
    typer.Option(
        help="Write a run's checkpoint so often, at the end of an epoch if one is that near: an "
        "interrupted run goes on from it. [default: 5]"
    ),
]
NoCheckpoint = Annotated[
    bool,
    typer.Option("--no-checkpoint", help="Write none: an interrupted run begins anew."),
]


def asked_limits(
    max_hours: float | None,
    stall_minutes: float | None,
    checkpoint_minutes: float | None = None,
    no_checkpoint: bool = False,
) -> Limits:
    """What the options say, None being the default; the time starts now."""
    if no_checkpoint and checkpoint_minutes is not None:
        raise BadInput("--no-checkpoint and --checkpoint-minutes exclude each other: give one")
    options = {
        "--max-hours": max_hours,
        "--stall-minutes": stall_minutes,
        "--checkpoint-minutes": checkpoint_minutes,
    }
    for option, value in options.items():
        if value is not None and not 0 < value < float("inf"):
            raise BadInput(f"{option} must be a number above 0, not {value}")
    return Limits(
        stall=STALL if stall_minutes is None else 60 * stall_minutes,
        wall=float("inf") if max_hours is None else 3600 * max_hours,
        checkpoint=None if no_checkpoint else 60 * (checkpoint_minutes or CHECKPOINT),
    )
