"""The order to an execution: the work, the number of workers, the engine, and the limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from runner.execution.clusters.jobs import Jobs
from runner.execution.limits import Limits
from runner.execution.work import Work


@dataclass(frozen=True)
class Order:
    """How runs are to be carried out.

    workers: parallel runs. runs_per_process: runs that a process may start before a new process
    replaces it. gpus: names for CUDA_VISIBLE_DEVICES; each process sees only one of them, and all
    GPUs get the same number of processes. retries: how often a run that a system failure has ended
    (killed, out of memory, silent for too long) is retried before it is recorded as infra. engine:
    the engine's name. jobs: the request to an engine whose workers are jobs of a cluster; jobs
    continue when this process exits. engine_options: options of other engines, name -> value.
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
