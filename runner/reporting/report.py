"""write_report: report.md with its plots as PNG and SVG, sections in the order of their value."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.analysis.analyze import analyze
from runner.analysis.to_json import to_json
from runner.reporting import (
    arms,
    contrasts,
    design,
    effects,
    facts,
    front,
    interactions,
    noise,
    seeds,
    training,
    trouble,
)
from runner.reporting.drawing import draw
from runner.reporting.findings import findings, footnote
from runner.reporting.lead import lead, warnings
from runner.reporting.markdown import escape
from runner.reporting.tuning import section as fixed_and_tuned
from tricks.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

Answer = dict[str, Any]


def write_report(
    experiment: Any,
    curves: pd.DataFrame,
    asked: Mapping[str, Any],
    records: list[dict[str, Any]],
    out: Path,
    metric: str = "accuracy",
    negligible: float | None = None,
    planned: int | None = None,
    tuning: Mapping[str, Any] | None = None,
    diagnostics: Mapping[str, Any] | None = None,
    costs: pd.DataFrame | None = None,
) -> Path:
    """Write `out`/report.md and its plots; returns the path of report.md.

    experiment: an `Experiment`. curves: one row an epoch of a run (id, epoch, val_accuracy, lr).
    asked: what the study asked for. records: what its runs left behind.
    planned: the number of runs in the study's own list; by default what is recorded.
    tuning: of a tuned study, both its stages and what the arms chose: see `reporting.tuning`.
    costs: the runs whose seconds are summed; by default those of the experiment.
    diagnostics: of the design, see `reporting.design`; without it there is no such section.
    An earlier report in `out` is replaced, with those of its plots that this one does not have.
    Raises BadInput, before anything is written, if there is nothing to report.
    """
    a: Answer = to_json(analyze(experiment, metric, negligible=negligible))
    out = Path(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".writing-", dir=out) as aside:
            new = Path(aside)
            figures = draw(experiment, curves, records, a, new, tuning)
            states = {k: v for k, v in a["runs"].items() if k in facts.STATES}
            total = max(planned or 0, sum(states.values()))
            notes = [note for note in experiment.notes if note in a["notes"]]
            blocks = [f"# {escape(asked.get('name') or 'study')}", lead(total, a, states, notes)]
            said = findings(a, asked)
            blocks += ["## Findings", "\n".join(f"- {line}" for line in said), footnote(a, said)]
            blocks += warnings(a, notes, diagnostics)
            drawn = int(curves["id"].nunique())
            blocks += _sections(a, figures, records, tuning, diagnostics, drawn)
            run = facts.what_was_run(asked, records, states, len(a["arms"]), total)
            spent = facts.cost(experiment.runs if costs is None else costs)
            blocks += ["## What was run", run, spent, facts.footprint(records)]
            blocks += arms.section(a)
            blocks += noise.published(a)
            text = "\n\n".join(block for block in blocks if block) + "\n"
            (new / "report.md").write_text(text, encoding="utf-8")
            stale = _pictures(out / "report.md")
            for file in new.iterdir():  # a full disk leaves the report that was there
                stale.discard(file.name)
                os.replace(file, out / file.name)
            for name in stale:
                (out / name).unlink(missing_ok=True)
    except OSError as error:
        raise BadInput(f"cannot write the report to {out}: {error.strerror or error}") from error
    return out / "report.md"


def _pictures(report: Path) -> set[str]:
    """The files beside `report` that it shows; none if it is not there."""
    try:
        return set(re.findall(r"\]\(([a-z-]+\.(?:png|svg))\)", report.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError):
        return set()


def _sections(
    a: Answer,
    figures: Mapping[str, str],
    records: list[dict[str, Any]],
    tuning: Mapping[str, Any] | None,
    diagnostics: Mapping[str, Any] | None,
    drawn: int,
) -> list[str]:
    """Between the findings and what was run, the most valuable first.

    drawn: runs with learning curves.
    """
    return [
        *effects.section(a, figures),
        *(fixed_and_tuned(tuning, figures) if tuning else []),
        *noise.section(a, figures),
        *seeds.section(a, figures),
        *interactions.section(a, figures),
        *front.section(a, figures),
        *contrasts.half_normal(a, figures),
        *contrasts.steps(a, figures),
        *training.section(a, figures, drawn),
        *trouble.section(a, records),
        *design.section(a, diagnostics),
    ]
