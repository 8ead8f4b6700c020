"""Runs that diverged, arms that collapsed, and errors."""

from __future__ import annotations

from collections.abc import Sequence

from runner.analysis.data.arms import ArmRow
from runner.analysis.result import Analysis
from runner.designs.layout import FACTORIAL
from runner.records.record_schema import Record
from runner.reporting.contents import section
from runner.reporting.document import (
    Block,
    Cell,
    Details,
    Note,
    Paragraph,
    Section,
    Table,
    present,
)
from runner.reporting.material import Material
from runner.reporting.numbers import count_cell, p_cell, range_cell, signed_cell
from runner.reporting.tables import Row, row_name, table
from runner.reporting.wording import confidence
from runner.text import some_of

ERRORS = 10
OPEN = 6  # a table with more rows is folded
RANKED = Note(
    "Worst rank: every run counts, and diverged runs have the worst rank. P(better with it): the "
    "probability that a run with the trick is better than a run without it, with ties counted "
    "half (Brunner and Munzel); 0.5 means no difference. All runs at both levels count, for each "
    "trick alone."
)
WEIGHT = Note(
    "Without the collapsed arms the grid is no longer balanced. The second column then answers "
    "another question: the effect where training works. It shows the weight of the collapsed arms."
)


@section(place=130)
def diverged_and_collapsed(m: Material) -> Section:
    """Diverged runs, collapsed arms and errors; one line each where there are none."""
    return Section(
        "Diverged and collapsed",
        present(*_diverged(m.analysis), *_collapsed(m.analysis), errors(m.records)),
    )


def _diverged(a: Analysis) -> tuple[Block | None, ...]:
    if not a.divergence:
        return (Paragraph("No run diverged."),)
    arms = [arm for arm in a.arms if arm.diverged]
    return (
        Paragraph(
            f"Effects on {a.metric} use only the runs that succeeded. If a trick makes runs "
            "diverge, this section shows it; the means do not."
        ),
        *_folded("Diverged runs by level", divergence(a)),
        Paragraph(f"Arms with diverged runs: {named(arms, a)}"),
        *_folded("Effects by worst rank", worst_ranks(a), RANKED),
    )


def _folded(summary: str, found: Table | None, *more: Block) -> tuple[Block, ...]:
    """A long table folded under its summary, a short table as it is."""
    if found is None:
        return ()
    blocks = (found, *more)
    return (Details(summary, blocks),) if len(found.rows) > OPEN else blocks


def _collapsed(a: Analysis) -> tuple[Block | None, ...]:
    found = a.collapsed
    if found.arms is None:
        said = "Collapsed arms are not known, because the runs do not record chance accuracy."
        return (Paragraph(said),)
    if not found.arms:
        return (Paragraph("No arm collapsed (mean accuracy within 5 pp of chance)."),)
    gone = set(found.arms)
    arms = [arm for arm in a.arms if arm.label in gone]
    said = "Collapsed arms (mean accuracy within 5 pp of chance), which stay in all means: "
    without = collapsed(a)
    held = (without, WEIGHT) if without else ()
    return (
        Paragraph(said + named(arms, a)),
        Details("Effects without the collapsed arms", held),
    )


def named(arms: Sequence[ArmRow], a: Analysis, most: int = 6) -> str:
    """The labels of the arms, and the levels that all of them share."""
    first = {e.factor: e.reference for e in a.effects}
    labels = some_of([arm.label for arm in arms], most)
    shared = set.intersection(*(set(arm.levels.items()) for arm in arms))
    common = [
        f"{name} {level}"
        for name, level in arms[0].levels.items()
        if (name, level) in shared and (level != first.get(name) or len(arms) > most)
    ]
    if len(arms) > 1 and common:
        labels += f". All {len(arms)} have {', '.join(common)}"
    return f"{labels}."


def divergence(a: Analysis) -> Table | None:
    """Diverged runs by level with Wilson's interval; one at a time: only levels with any."""
    first = {e.factor: e.reference for e in a.effects}
    rows: list[Row] = [
        [
            x.factor, x.level, count_cell(x.diverged), count_cell(x.runs),
            Cell(f"{x.diverged / x.runs:.1%}", x.diverged / x.runs),
            Cell(f"{x.low:.1%} to {x.high:.1%}", (x.low, x.high)),
        ]
        for x in a.divergence
        if a.layout == FACTORIAL or (x.diverged and x.level != first.get(x.factor))
    ]  # fmt: skip
    header = ["factor", "level", "diverged", "runs", "share", f"{confidence(a)} interval (Wilson)"]
    return table(header, rows, left=2)


def worst_ranks(a: Analysis) -> Table | None:
    """P(a run with the trick beats a run without), diverged runs last; None without any."""
    rows: list[Row] = []
    for e in a.effects:
        line = e.worst_rank
        if not line or line.probability is None:
            continue
        spread = range_cell(line.low, line.high)
        chance = Cell(f"{line.probability:.2f}", line.probability)
        runs = " against ".join(str(n) for n in line.runs)
        rows.append([row_name(e), chance, spread, p_cell(line.p), runs, line.reason or ""])
    header = ["trick", "P(better with it)", f"{confidence(a)} interval", "p of one half", "runs"]
    return table([*header, ""], rows)


def collapsed(a: Analysis) -> Table | None:
    """Effects with and without the collapsed arms; None if none collapsed."""
    without = a.collapsed.without
    if not without:
        return None
    by = {(x.factor, x.level): x.effect for x in without}
    rows: list[Row] = [
        [row_name(e), signed_cell(e.effect), signed_cell(by.get((e.factor, e.level)))]
        for e in a.effects
    ]
    return table(["trick", f"effect, all arms ({a.unit})", "without collapsed arms"], rows)


def errors(records: Sequence[Record]) -> Section | None:
    """A table of runs that ended in an error, at most ten; None without any."""
    rows = [
        [r.id, r.state, " + ".join(r.tricks or ["–"]), ((r.error and r.error.message) or "")[:160]]
        for r in records
        if r.state in ("failed", "infra")
    ]  # fmt: skip
    found = table(["run", "state", "tricks", "error"], rows[:ERRORS], left=4)
    more = Paragraph(f"{len(rows) - ERRORS:,} more are not shown.") if len(rows) > ERRORS else None
    return Section("Errors", present(found, more)) if found else None
