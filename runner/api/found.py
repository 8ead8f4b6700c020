"""A study in a store or an exported folder: its runs, its analysis, its report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

from runner.api.figures import Plots
from runner.api.frames import Answer
from runner.launch.outcome import Outcome
from runner.reporting.material import Material, Question, gather

if TYPE_CHECKING:
    import pandas as pd

    from runner.studies.script_study import ScriptStudy
    from runner.studies.study import Study


class Where(TypedDict, total=False):
    """Where runs are trained, as on the command line.

    workers: parallel runs; by default one per core, or one per GPU. engine: local, slurm or ray.
    jobs: the number of jobs, for slurm; the call waits for them. slurm: parameters of sbatch, such
    as ["partition=gpu,time=08:00:00"]. address: of the Ray cluster.
    """

    workers: int | None
    engine: str
    jobs: int
    slurm: Sequence[str]
    address: str


@dataclass(frozen=True)
class Found:
    """A study's recorded runs. name: the study's name, or the path of an exported folder.

    outcome: the outcome of the training, if `run` returned this object.
    """

    name: str
    results: Path
    outcome: Outcome | None = None

    @cached_property
    def runs(self) -> pd.DataFrame:
        """One row per recorded run: id, state, seed, a column per factor, metrics (per cent, s)."""
        from runner.studies.experiments import study_runs

        return study_runs(self.results, self.name)[1]

    def analysis(
        self,
        metric: str = "accuracy",
        *,
        negligible: float | None = None,
        noise: str = "own",
        scale: str = "raw",
        stage: str | None = None,
    ) -> Answer:
        """Effects of every factor on `metric`. `tricks-bench analyze` has the same options.

        Raises BadInput for a metric that no run has, and for a study without recorded runs.
        """
        return Answer(self.material(Question(metric, negligible, noise, scale, stage)).analysis)

    def material(self, question: Question | None = None) -> Material:
        """All data that a report of this study shows."""
        return gather(self.results, self.name, question)

    @property
    def plot(self) -> Plots:
        """Figures of the study, such as `found.plot.effects()`."""
        return Plots(self.material)

    def report(
        self,
        out: str | Path | None = None,
        metric: str = "accuracy",
        formats: Sequence[str] = ("md", "html"),
    ) -> Path:
        """Write the report into the folder `out`. Returns the path of the first format's file.

        out: by default reports/NAME. formats: md, html, latex. Raises BadInput if no run is
        recorded, and if the report cannot be written.
        """
        from runner.reporting.report import write_report

        material = self.material(Question(metric))
        return write_report(material, Path(out or Path("reports") / material.study), formats)


def load(name: str | None = None, results: str | Path = "results") -> Found:
    """The study `name` in the store `results` (None: the latest), or an exported folder.

    Raises BadInput if there is no such study.
    """
    from runner.studies.experiments import study_runs

    stored, runs = study_runs(Path(results), name)
    found = Found(name or stored.name, Path(results))
    found.__dict__["runs"] = runs  # read already
    return found


def run(
    study: Study | ScriptStudy,
    results: str | Path = "results",
    *,
    device: str = "auto",
    plugins: Sequence[str | Path] = (),
    allow_duplicates: bool = False,
    quiet: bool = False,
    **where: Unpack[Where],
) -> Found:
    """Train the runs of `study` that the store `results` lacks. Returns all its recorded runs.

    device: auto, cpu, cuda or cuda:N. plugins: files of tricks, loaded in training processes too.
    allow_duplicates: train even if an image is in two parts of your own split. quiet: print
    nothing. where: workers, engine and the engine's options, see `Where`. With slurm and ray, runs
    write checkpoints as on the command line. After one Ctrl-C, running runs finish. Recorded runs
    stay, and the same call continues. Raises BadInput for a study that cannot be trained.
    """
    from runner.commands.console import Console
    from runner.commands.limits import asked_limits
    from runner.commands.options import load_plugins
    from runner.launch.engine import LOCAL, EngineFlags, connected, with_engine
    from runner.launch.listener import Silent
    from runner.launch.options import Options
    from runner.launch.run import run as launch
    from runner.studies.asked import EngineKeys

    files = load_plugins([Path(plugin) for plugin in plugins])
    file, flags = EngineKeys(), EngineFlags(**where)
    options = Options(
        Path(results), flags.at_a_time(file, device), device, files,
        allow_duplicates=allow_duplicates,
    )  # fmt: skip
    options = connected(with_engine(options, flags, file, study), flags, file)
    if options.engine != LOCAL:
        options = replace(options, limits=asked_limits(None, None))
    outcome = launch(study, options, Silent() if quiet else Console(options, json=False))
    return Found(study.name, Path(results), outcome)
