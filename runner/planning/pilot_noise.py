"""The run-to-run sd for planning: given, or estimated from recorded runs."""

from __future__ import annotations

import math
import shlex
import statistics
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from runner.records.layout import results_option
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.records.run import Spec
    from runner.studies.any_study import AnyStudy

ENOUGH = 30  # with this many degrees of freedom a pilot's sd is used without a margin
CONFIDENCE = 0.8
UNEQUAL = 3  # a ratio of the largest and smallest sd of arms that is reported


@dataclass(frozen=True)
class Sigma:
    """value: the sd for planning, in pp. estimate, df: of the pilot. source: as text."""

    value: float
    source: str
    estimate: float | None = None
    df: int | None = None


def given(sigma: float) -> Sigma:
    """The sd of `--sigma`. Raises BadInput unless it is above 0."""
    if not (sigma > 0 and math.isfinite(sigma)):
        raise BadInput(f"--sigma must be a number above 0 (pp), not {sigma:g}")
    return Sigma(sigma, "given")


def find_sigma(study: AnyStudy[Spec], results: Path, pilot: str | None) -> Sigma:
    """The sd pooled over replicates of the study `pilot`, or of the task's latest study.

    With fewer than 30 df, its upper 80 % bound. Raises BadInput if there are no replicates.
    """
    if pilot is not None:
        found = _pooled(results, pilot)
        if found is None:
            raise BadInput(
                f"--pilot {pilot}: none of its arms has two runs that differ, so it shows no "
                f"run-to-run sd; give --sigma, or {_suggestion(study, results)}"
            )
        return found
    for name, other in _candidates(study, results):
        try:
            found = _pooled(results, name)
        except BadInput:
            continue
        if found is not None:
            said = f"{found.source}; it has other settings: {other}" if other else found.source
            return replace(found, source=said)
    raise BadInput(
        f"no study of {study.task_name} with replicates in {results} tells the run-to-run sd: give "
        f"--sigma (pp), or {_suggestion(study, results)}"
    )


def _candidates(study: AnyStudy[Spec], results: Path) -> list[tuple[str, str]]:
    """Studies of the task, the latest first; studies with the same settings come before others.

    With each study its different settings as text, "" if they are the same.
    """
    from runner.records.store import existing
    from runner.records.studies import load_study, study_names

    store = existing(results)
    if store is None:
        return []
    same: list[tuple[str, str]] = []
    other: list[tuple[str, str]] = []
    for name in reversed(study_names(store)):
        try:
            asked = load_study(store, name).asked
        except BadInput:
            continue
        if asked.task == study.task_name:
            held = asked.settings or {}
            if held == dict(study.settings):
                same.append((name, ""))
            else:
                told = ", ".join(f"{k}={v}" for k, v in held.items()) or "the task's own"
                other.append((name, told))
    return [*same, *other]


def _pooled(results: Path, name: str) -> Sigma | None:
    from runner.analysis.data.arm_statistics import cells
    from runner.analysis.power import upper_sd
    from runner.studies.experiments import study_experiment

    found = cells(study_experiment(results, name), "accuracy")
    if of_check(results, name):  # its arms with other rates and epochs have other noise
        found = found.only((found.levels == 0).all(axis=1))
    sd, df = found.pooled_sd, found.replicate_df
    if not sd:
        return None
    value, bound = sd, ""
    if df < ENOUGH:
        value, bound = upper_sd(sd, df, CONFIDENCE), f"upper 80 % bound of {sd:.3g}, "
    source = f"{bound}pooled over replicates of {name} ({df} df)"
    each = found.sd()[(found.count > 2) & (found.squares > 0)]
    if len(each) > 1 and each.max() > UNEQUAL * each.min():
        half = statistics.median(each.tolist())
        source += (
            f"; its arms go from {each.min():.2g} to {each.max():.2g} pp, half of them below "
            f"{half:.2g}: a comparison of two arms has the noise of these arms, use --sigma to "
            "plan with it"
        )
    return Sigma(value, source, sd, df)


def of_check(results: Path, name: str) -> bool:
    """Whether the study `name`, in the store or exported, checks a baseline."""
    from runner.records.export import is_export
    from runner.records.store import Store
    from runner.records.studies import load_study
    from runner.records.study_files import ASKED, read_asked

    if is_export(Path(name)):
        return bool(read_asked(Path(name) / ASKED).check)
    return bool(load_study(Store(results, create=False), name).asked.check)


def _suggestion(study: AnyStudy[Spec], results: Path) -> str:
    """The command of a pilot: an add-one study of the first factor, which uses every run."""
    factor = next((f for f in study.factors if f.kind != "levels"), None)
    parts = ["tricks-bench", "run"]
    if factor is None:  # only a study's file can define such levels
        return (
            f"run a pilot: `{shlex.join([*parts, '--study', study.name])}{results_option(results)}`"
        )
    if factor.kind == "field":
        values = ",".join(level.name for level in factor.levels)
        parts += ["--tricks", "none", "--factor", f"{factor.name}={values}"]
    else:
        parts += ["--tricks", str(factor.levels[1].tricks[0])]
    if study.task_name != "digits":
        parts += ["--task", study.task_name]
    for name, value in study.settings.items():
        parts += ["--set", f"{name}={value}"]
    if study.data is not None:
        parts += ["--data", str(study.data)]
    parts += ["--seeds", "5", "--name", "pilot"]
    return f"run a pilot: `{shlex.join(parts)}{results_option(results)}`"
