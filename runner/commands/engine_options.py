"""The options of `run` that say where its workers are."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

Engine: TypeAlias = Annotated[
    str | None, typer.Option(help="Where the workers are: local, slurm or ray. [default: local]")
]
Jobs: TypeAlias = Annotated[
    int | None, typer.Option(help="Of --engine slurm: how many jobs, each a worker or more.")
]
Slurm: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        help="Of --engine slurm: parameters of sbatch, as partition=gpu,time=08:00:00,gres="
        "gpu:1; signal=120 (s) is how early a job leaves. Repeatable. [default: time=04:00:00]"
    ),
]
Detach: TypeAlias = Annotated[
    bool, typer.Option("--detach", help="Of --engine slurm: submit, and wait for nothing.")
]
Strict: TypeAlias = Annotated[
    bool,
    typer.Option("--strict", help="Of --engine slurm: refuse nodes with other versions than here."),
]
Address: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Of --engine ray: the cluster, as HOST:6379. [default: the one that runs here]"
    ),
]
