"""The options of `run` that say where workers run."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

Engine: TypeAlias = Annotated[
    str | None, typer.Option(help="Where workers run: local, slurm or ray. [default: local]")
]
Jobs: TypeAlias = Annotated[
    int | None,
    typer.Option(help="For --engine slurm: the number of jobs; each job has one or more workers."),
]
Slurm: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        help="For --engine slurm: parameters of sbatch, such as "
        "partition=gpu,time=08:00:00,gres=gpu:1. With signal=120 a job stops 120 s before "
        "its time limit. Repeatable. [default: time=04:00:00]"
    ),
]
Detach: TypeAlias = Annotated[
    bool,
    typer.Option("--detach", help="For --engine slurm: submit the jobs, and do not wait for them."),
]
Strict: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--strict",
        help="For --engine slurm: refuse nodes whose versions differ from this machine's.",
    ),
]
Address: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="For --engine ray: the cluster's address, such as HOST:6379. [default: the cluster "
        "on this machine]"
    ),
]
