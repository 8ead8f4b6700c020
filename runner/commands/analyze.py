"""analyze: effects, intervals and verdicts of a study, or of a table of runs from another tool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runner.analysis.metrics.registry import CHOOSES
from runner.commands.json_output import print_json
from runner.commands.options import (
    Json,
    Metric,
    Negligible,
    Noise,
    Plugins,
    Results,
    Scale,
    Stage,
    assignments,
    check_negligible,
    listed,
    load_plugins,
)
from runner.designs.layout import CUMULATIVE, FACTORIAL
from runner.records.json_values import JsonValue
from runner.records.layout import RESULTS
from runner.text import aligned
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.analysis.data.experiment import Experiment
    from runner.analysis.effects import Effect
    from runner.analysis.result import Analysis
    from runner.studies.equal_comparison import EqualTime
    from runner.studies.stages import StudyTuning


REASONS = 12  # lines to print


def analyze(
    what: Annotated[
        str | None,
        typer.Argument(
            help="A study, an exported folder, or a table of runs (CSV, JSON, JSON lines, "
            "parquet), as W&B, MLflow and Optuna export them. [default: the latest study]"
        ),
    ] = None,
    metric: Metric = "accuracy",
    factors: Annotated[
        str | None, typer.Option(help="Factor columns of a table, such as warmup,mixup.")
    ] = None,
    reference: Annotated[
        list[str] | None,
        typer.Option(
            help="The level of a table's factor that the other levels are compared with, such "
            "as optimizer=sgd. Repeatable. [default: 0, off, none ..., else the smallest "
            "number or the first level]"
        ),
    ] = None,
    estimand: Annotated[
        str | None,
        typer.Option(
            help="grid (effects averaged over the grid) or baseline (effects at the baseline)."
        ),
    ] = None,
    negligible: Negligible = None,
    noise: Noise = "own",
    scale: Scale = "raw",
    stage: Stage = None,
    test_images: Annotated[
        int | None,
        typer.Option(
            help="Number of test images behind a table, to report the noise that the test set adds."
        ),
    ] = None,
    epoch: Annotated[
        str, typer.Option(help="For a table with one row per epoch: last, or best (on validation).")
    ] = "last",
    larger_is_better: Annotated[
        bool | None,
        typer.Option(
            "--larger-is-better/--smaller-is-better",
            help="The direction of the metric. [default: by its name]",
            show_default=False,
        ),
    ] = None,
    plugin: Plugins = None,
    results: Results = RESULTS,
    json: Json = False,
) -> None:
    """Show which tricks help, by how much, and how sure that is.

    \b
    tricks-bench analyze digits-full --metric val_accuracy
    tricks-bench analyze runs.csv --factors warmup,cosine,mixup
    tricks-bench analyze wandb.csv --metric fid --smaller-is-better
    """
    load_plugins(plugin)
    check_negligible(negligible)
    against = assignments("--reference", reference)
    if what is not None and _is_table(what):
        if stage is not None:
            raise BadInput("--stage is for a study with stages: a table of runs has no stages")
        from runner.analysis.data.runs_file import from_file

        found = from_file(what, listed(factors), metric, test_images, against, epoch)
        tuned: Mapping[str, JsonValue] = {}
    else:
        _only_tables(factors, against, test_images, epoch)
        found, tuned, metric = _experiment(what, metric, stage, results)
    found = replace(found, noise=noise, scale=scale, larger_is_better=larger_is_better)
    from runner.analysis.analyze import analyze as analyzed
    from runner.analysis.to_json import to_json

    analysis = analyzed(found, metric, estimand, negligible)
    if json:
        print_json({**to_json(analysis), **tuned})
    else:
        _print(analysis)


def _is_table(name_or_path: str) -> bool:
    """Whether `name_or_path` names a table of runs, which need not exist, rather than a study."""
    from runner.analysis.data.table_file import ENDINGS

    return name_or_path.lower().endswith(ENDINGS) or Path(name_or_path).is_file()


def _only_tables(
    factors: str | None, reference: Mapping[str, str], test_images: int | None, epoch: str
) -> None:
    """Raises BadInput for options that only a table can have."""
    if factors is not None:
        raise BadInput("--factors is for a table of runs: a study knows its factors")
    if reference:
        raise BadInput("--reference is for a table of runs: a study knows its reference levels")
    if test_images is not None:
        raise BadInput("--test-images is for a table of runs: a study knows its test set")
    if epoch != "last":
        raise BadInput("--epoch is for a table of runs: in a study the last epoch counts")


def _experiment(
    name_or_path: str | None, metric: str, stage: str | None, results: Path
) -> tuple[Experiment, Mapping[str, JsonValue], str]:
    """A study's runs; its stage and choices as JSON values, {} without stages; the metric."""
    from runner.studies.experiments import experiment, study_runs
    from runner.studies.stages import at_stage, study_tuning

    stored, runs = study_runs(results, name_or_path, metric)
    _, _, name = at_stage(stored, runs, stage)
    found = experiment(stored, runs, stage)
    metric = stored.asked.meant(metric)
    if name is None:
        return found, {}, metric
    if stored.asked.equal:
        from runner.studies.equal_comparison import equal_time

        return found, {"stage": name, "equal_time": _equal_time(equal_time(stored, runs))}, metric
    return found, {"stage": name, "tuning": _tuning(study_tuning(stored, runs))}, metric


def _tuning(found: StudyTuning) -> Mapping[str, JsonValue]:
    """The value of the key that a tuned study adds."""
    arms = [
        {
            "arm": arm.label, "levels": arm.levels, "value": arm.choice.best,
            "tied": arm.choice.tied, "edge": arm.choice.edge,
            "values": [
                {
                    "value": score.value, CHOOSES: score.mean, "scores": score.scores,
                    "diverged": score.diverged, "missing": score.missing,
                }
                for score in arm.choice.scores
            ],
        }
        for arm in found.arms
    ]  # fmt: skip
    return {
        "field": found.field,
        "values": found.values,
        "seeds": found.seeds,
        "fixed": found.fixed,
        "arms": arms,
    }


def _equal_time(found: EqualTime) -> Mapping[str, JsonValue]:
    """The value of the key that a study of equal time adds."""
    arms = [
        {
            "arm": arm.label, "levels": arm.levels, "epochs": arm.epochs, "ratio": arm.ratio,
            "ratio_low": arm.low, "ratio_high": arm.high, "runs": arm.runs, "spent": arm.spent,
        }
        for arm in found.arms
    ]  # fmt: skip
    return {"epochs": found.epochs, "column": found.column, "arms": arms}


def _print(analysis: Analysis) -> None:
    """The effects as a table, below a line with the metric and the estimand."""
    from runner.reporting.noise_sentences import noise_lines
    from runner.reporting.wording import (
        alias_sets,
        alone,
        beyond,
        confidence,
        dependence,
        df_text,
        odds,
    )

    unit = analysis.unit
    print(f"{analysis.title}: effects {analysis.estimand}, in {unit}")
    runs = "runs" if analysis.layout == FACTORIAL else "runs (both arms)"
    interval = f"{confidence(analysis)} interval"
    rows = [("", "effect", interval, "p adjusted", "verdict", runs, "to decide")]
    for line in aligned([*rows, *map(_row, analysis.effects)]):
        print(line)
    references = dict.fromkeys(
        f"{effect.factor}={effect.reference}"
        for effect in analysis.effects
        if effect.label != effect.factor
    )
    if references and analysis.layout != CUMULATIVE:
        print(f"compared with: {', '.join(references)}")
    sigma = "unknown" if analysis.sigma is None else f"{analysis.sigma:.3g} {unit}"
    for effect in analysis.effects:
        if effect.verdict == "depends":
            print(f"{effect.label} {dependence(analysis, effect)}")
        elif alone(effect):
            print(f"{effect.label}: {alone(effect)}")
    for text, number in alias_sets(analysis).items():
        print(f"set {number}: at least one of these is real, the runs cannot say which: {text}")
    df = df_text(analysis.df_of_intervals)
    print(f"run-to-run sd {sigma}; error: {analysis.error_term}{df and '; '}{df}")
    for line in (*odds(analysis), *beyond(analysis)):
        print(line)
    for note in (*noise_lines(analysis), *_reasons(analysis), *analysis.notes):
        print(note)


def _row(effect: Effect) -> tuple[str, ...]:
    from runner.reporting.wording import more_runs

    low, high = effect.ci_low, effect.ci_high
    return (
        effect.label,
        _number(effect.effect),
        "none" if low is None else f"{low:+.2f} to {high:+.2f}",
        _p(effect.p_adjusted),
        effect.verdict if effect.depends_on or not effect.may_depend_on else "may depend",
        f"{effect.runs:,}",
        more_runs(effect.to_decide),
    )


def _reasons(analysis: Analysis) -> list[str]:
    """Why effects or intervals are unknown; names the effects unless a reason holds for all."""
    found: dict[str, list[str]] = {}
    for effect in analysis.effects:
        if effect.reason:
            found.setdefault(effect.reason, []).append(effect.label)
    lines = [
        reason if len(labels) == len(analysis.effects) else f"{', '.join(labels)}: {reason}"
        for reason, labels in found.items()
    ]
    more = len(lines) - REASONS
    return lines if more <= 1 else [*lines[:REASONS], f"and {more} more such lines: --json"]


def _p(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.3g}" if value >= 0.001 else "<0.001"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{round(value, 2) + 0.0:+.2f}"  # no -0.00
