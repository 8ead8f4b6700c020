"""What the check of a baseline says, from the records that a store has of it; nothing is kept.

Everything is validation accuracy: a check chooses, and choices never use the test set.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runner.analysis.metrics.registry import CHOOSES
from runner.records.json_values import canonical_text
from runner.records.layout import RESULTS, at
from runner.studies.check import same_baseline
from runner.studies.check_design import FACTORS
from runner.text import counted
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.analysis.baseline.finding import Finding, Sample
    from runner.records.json_values import JsonValue
    from runner.records.references import Kept
    from runner.records.rows import Cell
    from runner.records.shape import Record
    from runner.records.spec import Fingerprint
    from runner.records.store import Store
    from runner.records.studies import StoredStudy
    from runner.records.study_toml import StudyToml

LOOKED_AT = 200  # records of a study, of which the first tells its images


@dataclass(frozen=True)
class Checked:
    """What the check `study` says. planned, done: its runs. command: the one that goes on with it.

    commands: by the finding's name, the command that mends it.
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
        """Whether every part that has a verdict passes; one that is unknown does not."""
        return all(found.verdict in ("pass", "note") for found in self.findings)

    @property
    def open(self) -> list[Finding]:
        """The parts that fail or are unknown, those that fail first."""
        bad = [found for found in self.findings if found.verdict in ("fail", "unknown")]
        return sorted(bad, key=lambda found: found.verdict)

    def to_json(self) -> Mapping[str, JsonValue]:
        """What `check --json` prints."""
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


def checked(store: Store, stored: StoredStudy, seeds: int) -> Checked:
    """What the check `stored` says by its records so far. seeds: of an arm of the study it is for.

    Raises BadInput for a study that is no check.
    """
    from runner.analysis.baseline import rules
    from runner.analysis.baseline.reference import references

    if not stored.asked.check:
        raise BadInput(f"the study {stored.name} is no check: `tricks-bench check` makes one")
    rows = store.rows(stored.ids)
    first = _first(store, stored)
    kept = _references(store, first)
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
    findings.append(rules.fit(base, _training(stored, rows)))
    if first is not None and first.test_images:
        findings.append(rules.test_size(base, first.test_images))
    command = check_command(stored.asked, store.root)
    commands = {f.name: _mend(command, f) for f in findings if f.change is not None}
    if not kept:
        commands["references"] = command
    done = sum(row["state"] != "infra" for row in rows.values())
    return Checked(
        stored.name, stored.asked.task, tuple(findings), len(stored.ids), done, command, commands
    )


def find_check(store: Store, asked: StudyToml, data: Fingerprint | None) -> StoredStudy | None:
    """The latest check in `store` of the baseline of the study `asked`; None without one.

    data: what identifies the study's images; a check of other images under the task's name is
    none of it. None: not known.
    """
    from runner.records.studies import load_study, study_names

    for name in reversed(study_names(store)):
        try:
            stored = load_study(store, name)
        except BadInput:
            continue
        if same_baseline(stored.asked, asked):
            first = _first(store, stored)
            if first is None or data is None or _same(first.data, data):
                return stored
    return None


def check_of_study(store: Store, study: StoredStudy, data: Fingerprint | None) -> Checked | None:
    """What the check of the baseline of `study` says; None without one. data: as `find_check`."""
    stored = find_check(store, study.asked, data)
    return None if stored is None else checked(store, stored, study.asked.seeds or 0)


def check_command(asked: StudyToml, results: Path) -> str:
    """The command that checks the baseline of the study `asked`, to be pasted."""
    parts = ["tricks-bench", "check", "--task", asked.task]
    settings = {name: str(value) for name, value in (asked.settings or {}).items()}
    if not asked.check:
        settings |= {f.name: f.levels[0] for f in asked.factors if f.kind == "field"}
    for name, value in settings.items():
        parts += ["--set", f"{name}={value}"]
    if asked.places is not None and asked.places.data is not None and ":" not in asked.task:
        parts += ["--data", asked.places.data]
    return shlex.join(parts) + at(results)


def check_line(store: Store | None, asked: StudyToml, data: Fingerprint, seeds: int) -> str | None:
    """One line where the study's baseline has no check, or one that it does not pass."""
    if asked.check:
        return None
    stored = find_check(store, asked, data) if store else None
    if store is None or stored is None:
        command = check_command(asked, store.root if store else RESULTS)
        return (
            f"the baseline was not checked: `{command}` tells from some short runs whether it is "
            "worth ablating"
        )
    found = checked(store, stored, seeds)
    if found.passed:
        return None
    what = "; ".join(finding.reason.partition(": ")[0] for finding in found.open)
    return f"the baseline did not pass its check ({what}): `{found.command}` says it in full"


def _mend(command: str, finding: Finding) -> str:
    """`command` with what the finding asks to change."""
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
    stored: StoredStudy, rows: Mapping[str, Mapping[str, Cell]], images: int | None
) -> dict[tuple[float, int], Sample]:
    """The accuracies of each arm, by lr_scale and epochs; arms without runs among them."""
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


def _training(stored: StoredStudy, rows: Mapping[str, Mapping[str, Cell]]) -> float | None:
    """Mean accuracy of the baseline's runs on clean training images, per cent."""
    references = {name: levels[0] for name, levels in stored.levels.items()}
    found: Sequence[float] = [
        float(row["probe_accuracy"])
        for run in stored.runs
        if all(run[name] == level for name, level in references.items())
        and (row := rows.get(str(run["id"]))) is not None
        and row["state"] == "ok"
        and row["probe_accuracy"] is not None
    ]
    return sum(found) / len(found) if found else None


def _first(store: Store, stored: StoredStudy) -> Record | None:
    """A record of the baseline; None without one."""
    references = {name: levels[0] for name, levels in stored.levels.items()}
    for run in stored.runs[:LOOKED_AT]:
        if all(run.get(name) == level for name, level in references.items()):
            record = store.record(str(run["id"]))
            if record is not None and record.data is not None:
                return record
    return None


def _references(store: Store, first: Record | None) -> Kept | None:
    from runner.records.references import key, load

    if first is None or first.data is None or first.recipe is None:
        return None
    return load(store, key(first.data, first.recipe.values))


def _same(one: Mapping[str, JsonValue] | None, other: Mapping[str, JsonValue]) -> bool:
    return one is not None and canonical_text(dict(one)) == canonical_text(dict(other))
