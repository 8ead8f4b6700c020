"""The engine that carries out a study, and checks of options for jobs of a cluster."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner.execution.clusters.jobs import Jobs
from runner.execution.clusters.sbatch import checked, parameters
from runner.execution.engines import registry
from runner.execution.machine import at_a_time, cores
from runner.launch.on_ray import RAY, on_ray
from tricks.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.launch.options import Options
    from runner.records.run import Spec
    from runner.studies.any_study import AnyStudy
    from runner.studies.asked import EngineKeys

LOCAL, SLURM = "local", "slurm"
WAYS = "leave it running in tmux or screen, or as a cluster job, without --detach"


@dataclass(frozen=True)
class EngineFlags:
    """The engine's flags on the command line; None or empty: not given.

    workers, per_gpu: parallel runs, on one machine or in each job. address: of a Ray cluster.
    """

    engine: str | None = None
    jobs: int | None = None
    slurm: Sequence[str] = ()
    detach: bool = False
    strict: bool = False
    workers: int | None = None
    per_gpu: int | None = None
    address: str | None = None

    def name(self, file: EngineKeys) -> str:
        """The engine's name, from the command line or else the study's file. Raises BadInput."""
        name = self.engine or (SLURM if self.slurm else file.name)
        if name != LOCAL:
            registry.find(name)
        return name

    def at_a_time(self, file: EngineKeys, device: str) -> int:
        """Runs at a time, before the nodes of an engine say for how many they have room.

        Raises BadInput for a device or a number that cannot be.
        """
        if self.name(file) == LOCAL:
            return at_a_time(self.workers, self.per_gpu, device)
        return at_a_time(cores() if self.workers is None else self.workers, None, device)


def with_engine(
    options: Options, flags: EngineFlags, file: EngineKeys, study: AnyStudy[Spec]
) -> Options:
    """`options` with the engine that `flags` or the study's `file` name, and its jobs.

    Raises BadInput for misspelt names, and for options that contradict each other.
    """
    name = flags.name(file)
    options = replace(options, engine=name)
    if name != SLURM:
        given = {
            "--jobs": flags.jobs is not None, "--slurm": bool(flags.slurm),
            "--detach": flags.detach, "--strict": flags.strict,
        }  # fmt: skip
        for flag in (flag for flag, there in given.items() if there):
            raise BadInput(f"{flag} is for --engine slurm, not for {name}")
    if name != RAY and flags.address is not None:
        raise BadInput(f"--address is for --engine ray, not for {name}")
    if name != SLURM:
        return options
    count = file.jobs if flags.jobs is None else flags.jobs
    if count is None or count < 1:
        said = "" if count is None else f", not {count}"
        raise BadInput(f"--engine slurm: give the number of jobs, such as --jobs 8{said}")
    if options.save_models == "winner":
        raise BadInput(
            "--save-models winner trains one run again on this machine: give it to a later "
            "`run` without --engine slurm"
        )
    held = checked({key: _text(value) for key, value in file.slurm.items()}, "engine.slurm")
    jobs = Jobs(
        study=study.name,
        count=count,
        parameters={**held, **parameters(flags.slurm)},
        workers=flags.workers,
        per_gpu=flags.per_gpu,
        strict=flags.strict or file.strict,
        detach=flags.detach,
    )
    if flags.detach:
        _check_detached(study)
    return replace(options, jobs=jobs, workers=count * (flags.workers or 1))


def connected(options: Options, flags: EngineFlags, file: EngineKeys) -> Options:
    """`options` with the room of the Ray cluster, for `ray`. Raises BadInput without a cluster."""
    if options.engine != RAY:
        return options
    return on_ray(options, flags.address or file.address, flags.workers, flags.per_gpu)


def _check_detached(study: AnyStudy[Spec]) -> None:
    """Raises BadInput if some runs are known only after other runs have finished."""
    several = {
        "--until": study.looks is not None,
        "--tune": study.staged and study.tuning is not None,
        "--equal": study.staged and study.tuning is None,
    }
    for flag, there in several.items():
        if there:
            raise BadInput(
                f"--detach submits all runs at once, but {flag} chooses later runs by the "
                f"results of earlier runs: {WAYS}"
            )
    if study.confirm is not None:
        raise BadInput(f"--detach: --confirm prints its result when its runs are done: {WAYS}")


def _text(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
