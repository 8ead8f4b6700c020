"""What an execution is told: the work, how many at a time, where, and its limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from runner.execution.clusters.jobs import Jobs
from runner.execution.limits import Limits
from runner.execution.work import Work


@dataclass(frozen=True)
class Order:
    """How runs are to be carried out.

    workers: runs at a time. runs_per_process: how many a process may begin before a fresh one
    takes its place. gpus: names for CUDA_VISIBLE_DEVICES; each process sees one of them alone, and
    they get the same number of processes. retries: how often a run that was lost to its
    surroundings (killed, out of memory, silent for too long) is tried again before it is recorded
    as infra. engine: where the workers are, by name. jobs: what an engine whose workers are jobs of
    a cluster is asked for; these go on when this process leaves. engine_options: what is asked of
    another engine alone, name -> value.
    """

    work: Work
    workers: int
    runs_per_process: int = 1
    gpus: tuple[str, ...] = ()
    retries: int = 2
    limits: Limits = field(default_factory=Limits)
    engine: str = "local"
    jobs: Jobs | None = None
    engine_options: Mapping[str, str] = field(default_factory=dict)
