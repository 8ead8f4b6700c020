"""The options of training a study, in one object."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from runner.execution.clusters.jobs import Jobs
from runner.execution.limits import Limits
from runner.execution.machine import at_a_time, on_gpu
from tricks.errors import BadInput, unknown

KEPT = ("last", "best", "winner")


@dataclass(frozen=True)
class Options:
    """How a study is trained. No option changes a run's id.

    results: the folder of the store. workers: parallel runs. device: auto, cpu, cuda or cuda:N.
    plugins: files that define tricks, loaded in worker processes too. engine: the engine's name;
    jobs: the jobs of a cluster engine; engine_options: options of other engines; nodes_on_gpu:
    whether their nodes train on GPUs, None: unknown, or no other machine trains. save_models:
    weights to keep: "last" (epoch), "best" (both), "winner" (of the best run of the arm that is
    best on validation, after all training), or None. estimate: measure steps first, and print the
    hours. cache_gb: gigabytes of disk for decoded images; None: a share of the free space; 0:
    decode images in every epoch. ask: asks whether to start a long grid; None: start without
    asking. allow_duplicates: whether an image may be in two parts of the user's own split. Raises
    BadInput for other save_models.
    """

    results: Path
    workers: int = field(default_factory=lambda: at_a_time(None, None, "auto"))
    device: str = "auto"
    plugins: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    engine: str = "local"
    jobs: Jobs | None = None
    engine_options: Mapping[str, str] = field(default_factory=dict)
    nodes_on_gpu: bool | None = None
    save_models: str | None = None
    estimate: bool = False
    cache_gb: float | None = None
    ask: Callable[[], bool] | None = None
    allow_duplicates: bool = False

    def __post_init__(self) -> None:
        if self.save_models is not None and self.save_models not in KEPT:
            raise BadInput(
                f"--save-models {self.save_models}: {unknown('choice', self.save_models, KEPT)}"
            )
        if self.cache_gb is not None and not self.cache_gb >= 0:
            raise BadInput(f"--cache-gb must be at least 0, not {self.cache_gb}")

    @property
    def on_gpu(self) -> bool:
        """Whether the runs will go to GPUs, as far as is known."""
        return on_gpu(self.device) if self.nodes_on_gpu is None else self.nodes_on_gpu

    @property
    def alike(self) -> bool:
        """Whether steps measured on this machine predict the steps of the training."""
        here = self.device != "cpu" and on_gpu("auto")
        return self.jobs is None and self.nodes_on_gpu in (None, here)
