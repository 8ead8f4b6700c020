"""The options of `run` that limit time, and those about checkpoints."""

from __future__ import annotations

from typing import Annotated

import typer

from runner.execution.limits import STALL, Limits
from tricks.errors import BadInput

CHECKPOINT = 5.0  # minutes

MaxHours = Annotated[
    float | None,
    typer.Option(
        help="Stop after this time, as after Ctrl-C, and start no run that would take "
        "longer. Exit code 75; the same command continues."
    ),
]
StallMinutes = Annotated[
    float | None,
    typer.Option(
        help="Stop and retry a run without a sign of life (a batch, a script's output) for "
        "this time. [default: 30]"
    ),
]
CheckpointMinutes = Annotated[
    float | None,
    typer.Option(
        help="Minutes between the checkpoints of a run, written at the end of an epoch where "
        "possible. An interrupted run continues from its checkpoint. [default: 5]"
    ),
]
NoCheckpoint = Annotated[
    bool,
    typer.Option(
        "--no-checkpoint",
        help="Write no checkpoints: an interrupted run starts again from its first epoch.",
    ),
]


def asked_limits(
    max_hours: float | None,
    stall_minutes: float | None,
    checkpoint_minutes: float | None = None,
    no_checkpoint: bool = False,
) -> Limits:
    """The limits that the options give (None: the default). --max-hours counts from now."""
    if no_checkpoint and checkpoint_minutes is not None:
        raise BadInput(
            "--no-checkpoint and --checkpoint-minutes contradict each other: give one of them"
        )
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
