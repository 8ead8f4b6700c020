"""The findings of a baseline's check, derived from records each time; nothing is stored.

All numbers are validation accuracies: a check makes choices, and choices never use the test set.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runner.analysis.metrics.registry import CHOOSES
from runner.planning.check_runs import for_study, of_baseline
from runner.records.layout import RESULTS, results_option
from runner.studies.check_design import FACTORS
from runner.text import counted

if TYPE_CHECKING:
    from runner.analysis.baseline.finding import Finding, Sample
    from runner.planning.check_runs import CheckRuns
    from runner.records.json_values import JsonValue
    from runner.records.rows import Cell
    from runner.records.spec import Fingerprint
    from runner.records.store import Store
    from runner.records.studies import StoredStudy
    from runner.records.study_toml import StudyToml


@dataclass(frozen=True)
class Checked:
    """The findings of the check `study`. planned, done: numbers of runs. command: continues it.

    commands: finding's name -> the command that fixes it.
    """

    study: str
    task: str
    findings: tuple[Finding, ...]
    planned: int
    done: int
    command: str
    commands: Mapping[str, str]

    @property
    def passed(self) -> bool:
        """Whether every part with a verdict passes; an unknown part does not pass."""
        return all(found.verdict in ("pass", "note") for found in self.findings)

    @property
    def open(self) -> list[Finding]:
        """The parts that fail or are unknown, failed parts first."""
        bad = [found for found in self.findings if found.verdict in ("fail", "unknown")]
        return sorted(bad, key=lambda found: found.verdict)

    def to_json(self) -> Mapping[str, JsonValue]:
        """The JSON of `check --json`."""
        return {
            "task": self.task,
            "study": self.study,
            "metric": CHOOSES,
            "passed": self.passed,
            "runs": self.planned,
            "recorded": self.done,
            "checks": [
                {
                    "name": found.name,
                    "verdict": found.verdict,
                    "value": found.value,
                    "limit": found.limit,
                    "command": self.commands.get(found.name),
                    "reason": found.reason,
                    "unit": found.unit,
                    "ci_low": found.low,
                    "ci_high": found.high,
                }
                for found in self.findings
            ],
        }


def checked(found: CheckRuns, seeds: int) -> Checked:
    """The findings of a check from its records so far. seeds: of each arm of the checked study."""
    from runner.analysis.baseline import rules
    from runner.analysis.baseline.reference import references

    stored, rows, first, kept = found.stored, found.rows, found.first, found.kept
    images = kept.images if kept else None
    arms = _arms(stored, rows, images)
    levels = stored.levels
    own_rate, *rates = map(float, levels["lr_scale"])
    epochs, more = map(int, levels["epochs"])
    base, twice = arms[own_rate, epochs], arms[own_rate, more]
    findings = [
        references(base, kept.methods if kept else (), images),
        rules.rate(own_rate, base, {rate: arms[rate, epochs] for rate in rates}),
        rules.budget(base, twice, epochs),
        rules.noise(base, seeds),
    ]
    if base.lost:
        findings = [_lost(base, own_rate), *findings]
    if first is not None and first.steps:
        findings.append(rules.steps(first.steps, epochs))
    findings.append(rules.fit_gap(base, _training(found)))
    if first is not None and first.test_images:
        findings.append(rules.test_size(base, first.test_images))
    command = check_command(stored.asked, found.results)
    commands = {f.name: _mend(command, f) for f in findings if f.change is not None}
    if not kept:
        commands["references"] = command
    done = sum(row["state"] != "infra" for row in rows.values())
    return Checked(
        stored.name, stored.asked.task, tuple(findings), len(stored.ids), done, command, commands
    )


def check_command(asked: StudyToml, results: Path) -> str:
    """The command that checks the baseline of the study `asked`, ready to be pasted."""
    words = ["tricks-bench", "check", *baseline_words(asked)]
    return shlex.join(words) + results_option(results)


def baseline_words(asked: StudyToml, leave: Collection[str] = ()) -> list[str]:
    """The flags that describe the baseline of the study `asked`. leave: factors to leave out."""
    parts = ["--task", asked.task]
    settings = {name: str(value) for name, value in (asked.settings or {}).items()}
    if not asked.check:
        settings |= {f.name: f.levels[0] for f in asked.factors if f.kind == "field"}
    for name, value in settings.items():
        parts += [] if name in leave else ["--set", f"{name}={value}"]
    data = asked.places.data if asked.places else None
    if data is not None and not asked.task.startswith(("folder:", "csv:")):
        parts += ["--data", data]
    return parts


def check_line(store: Store | None, asked: StudyToml, data: Fingerprint, seeds: int) -> str | None:
    """A line if the study's baseline was not checked, or did not pass its check; else None."""
    if asked.check:
        return None
    runs = for_study(store, asked, data) if store else None
    if runs is None:
        command = check_command(asked, store.root if store else RESULTS)
        return (
            f"the baseline was not checked: `{command}` finds out with some short runs whether "
            "it is worth ablating"
        )
    found = checked(runs, seeds)
    if found.passed:
        return None
    what = "; ".join(finding.reason.partition(": ")[0] for finding in found.open)
    return f"the baseline did not pass its check ({what}): `{found.command}` gives details"


def _mend(command: str, finding: Finding) -> str:
    """`command` with the finding's change."""
    assert finding.change is not None
    name, value = finding.change
    words = shlex.split(command)
    if name == "seeds":
        return shlex.join([*words, "--seeds", value])
    kept: list[str] = []
    for word in words:
        if word.startswith(f"{name}=") and kept[-1:] == ["--set"]:
            kept.pop()
        else:
            kept.append(word)
    return shlex.join([*kept, "--set", f"{name}={value}"])


def _lost(base: Sample, rate: float) -> Finding:
    from runner.analysis.baseline.finding import Finding

    runs = base.n + base.lost
    said = f"{base.lost} of {counted(runs, 'run')} of the baseline diverged or failed"
    change = ("lr_scale", f"{rate / 2:g}")
    return Finding("divergence", "fail", said, base.lost, limit=0, unit="runs", change=change)


def _arms(
    stored: StoredStudy, rows: Mapping[str, Mapping[str, Cell | None]], images: int | None
) -> dict[tuple[float, int], Sample]:
    """The accuracies of each arm, by lr_scale and epochs; [] for arms without runs."""
    from runner.analysis.baseline.finding import Sample

    rates, epochs = (stored.levels[name] for name in FACTORS)
    values: dict[tuple[float, int], list[float]] = {
        (float(rate), int(count)): [] for rate in rates for count in epochs
    }
    lost = dict.fromkeys(values, 0)
    for run in stored.runs:
        row = rows.get(str(run["id"]))
        if row is None or row["state"] == "infra":
            continue
        arm = float(run["lr_scale"]), int(run["epochs"])
        accuracy = row[CHOOSES]
        if row["state"] == "ok" and accuracy is not None:
            values[arm].append(float(accuracy))
        else:
            lost[arm] += 1
    return {arm: Sample(tuple(found), lost[arm], images) for arm, found in values.items()}


def _training(found: CheckRuns) -> float | None:
    """Mean accuracy of the baseline's runs on clean training images, per cent."""
    rows = [found.rows[id] for id in of_baseline(found.stored) if id in found.rows]
    told = [row["probe_accuracy"] for row in rows if row["state"] == "ok"]
    known = [float(accuracy) for accuracy in told if accuracy is not None]
    return sum(known) / len(known) if known else None
