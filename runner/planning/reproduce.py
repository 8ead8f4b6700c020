"""The commands that make a study and its report again, on any machine that has its images."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from runner.designs.factor import PLACEBO
from runner.planning.checked import baseline_words, check_command
from runner.records.layout import results_option
from runner.records.study_toml import StudyToml


def run_command(asked: StudyToml, results: Path, file: Path | None) -> str:
    """The command that trains the study. file: its study.toml, for what flags cannot say."""
    if asked.check:
        return check_command(asked, results)
    words = ["tricks-bench", "run"]
    if asked.levels or asked.script or asked.confirm:
        words += ["--study", str(asked.name if file is None else file)]
    else:
        words += _flags(asked)
    for plugin in (asked.places and asked.places.plugins) or ():
        words += ["--plugin", plugin]
    return shlex.join(words) + results_option(results)


def report_command(name: str, results: Path, options: Mapping[str, str | float | None]) -> str:
    """The command that writes the report. options: those of `report`, where they are given."""
    words = ["tricks-bench", "report", name]
    for option, value in options.items():
        words += [] if value is None else [f"--{option}", str(value)]
    return shlex.join(words) + results_option(results)


def _flags(asked: StudyToml) -> list[str]:
    fields = {name: ",".join(map(str, values)) for name, values in (asked.factor or {}).items()}
    tune = {name: ",".join(values) for name, values in (asked.tune or {}).items()}
    tricks = [trick for trick in asked.tricks or () if trick != PLACEBO]
    other = {name: level for name, level in (asked.reference or {}).items() if level != "on"}
    named = (("--factor", fields), ("--reference", other), ("--tune", tune))
    single: dict[str, int | str | None] = {
        "--order": ",".join(asked.order or ()) or None,
        "--seeds": asked.seeds,
        "--runs": asked.runs,
        "--control-seeds": asked.control_seeds,
        "--tune-seeds": asked.tune_seeds,
        "--equal": asked.equal,
        "--until": asked.until,
        "--looks": asked.looks,
        "--name": asked.name,
    }
    words = [*baseline_words(asked, leave=fields), "--grid", asked.grid]
    words += ["--tricks", ",".join(tricks) or "none"]
    for flag, values in named:
        for name, value in values.items():
            words += [flag, f"{name}={value}"]
    if any(factor.name == PLACEBO for factor in asked.factors):
        words.append("--placebo")
    for flag, given in single.items():
        words += [] if given is None else [flag, str(given)]
    return words
