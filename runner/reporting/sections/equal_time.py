"""A study of equal time: effects at equal epochs beside effects at equal training time."""

from __future__ import annotations

from runner.analysis.effects import Effect
from runner.reporting.contents import section
from runner.reporting.document import (
    Column,
    Emphasis,
    Note,
    Paragraph,
    Section,
    Table,
    Text,
    items,
    present,
)
from runner.reporting.material import Material
from runner.reporting.numbers import plain, plain_cell
from runner.reporting.plots.tuned import paired, two_stages
from runner.reporting.plotting import figure
from runner.reporting.tables import Row, table
from runner.reporting.two_stages import changed, side_by_side
from runner.studies.equal_comparison import ArmEpochs, EqualComparison
from runner.studies.equal_time import equal_epochs

MOST_ARMS = 40  # arms that the table lists


@section(place=51)
def equal_time(m: Material) -> Section | None:
    """Both stages, and the epochs of the arms; None for other studies."""
    return None if m.equal is None else compared(m.equal)


def compared(c: EqualComparison) -> Section:
    """The effects at equal epochs and at equal time, and the derivation of each arm's epochs."""
    epochs = c.time.epochs
    names = (f"{epochs} epochs in all arms", "each arm for the baseline's training time")
    alt = "effects at equal epochs and at equal time"
    fixed = c.fixed
    return Section(
        "Equal epochs and equal time",
        present(
            effects_table(c),
            Paragraph(f"There are no effects at equal epochs yet: {fixed}")
            if isinstance(fixed, str)
            else None,
            _basis(c),
            figure("equal-time", alt, two_stages, c.fixed, c.equal, names),
            Section("The epochs of the arms", present(items(remarks(c)), _arms(c))),
        ),
    )


def _basis(c: EqualComparison) -> Note:
    return Note(
        f"Equal epochs: {c.time.epochs} in every arm. Equal time: each arm has as many epochs as "
        f"fit into the time of the baseline's {c.time.epochs} epochs: {c.time.epochs} divided by "
        "its cost ratio, rounded, at least one. Schedules are shares of training, so they stretch "
        "or shrink with the epochs. The cost ratio is measured on the runs of equal epochs. If the "
        "ratio is not distinguishable from 1, the arm keeps the baseline's epochs. An interval at "
        "equal time is over seeds, given these epochs. Estimand, error term and adjustment are the "
        "same as for the effects above."
    )


def effects_table(c: EqualComparison) -> Table | None:
    """Effects at equal epochs and at equal time, with the epochs and cost of each trick's arms."""
    if isinstance(c.fixed, str):
        return None

    def ends(e: Effect) -> Row:
        having = [arm for arm in c.time.arms if arm.levels[e.factor] == e.level]
        return [_ratios(having), _epochs(having)]

    last = ("cost ratio", "epochs at equal time")
    pairs = paired(c.fixed, c.equal)
    return side_by_side(c.fixed, pairs, ("equal epochs", "equal time"), last, ends)


def _ratios(arms: list[ArmEpochs]) -> str:
    known = [arm.ratio for arm in arms if arm.ratio is not None]
    return _range([f"{ratio:.2f}×" for ratio in sorted(known)])


def _epochs(arms: list[ArmEpochs]) -> str:
    return _range([str(epochs) for epochs in sorted(a.epochs for a in arms if a.epochs)])


def _range(texts: list[str]) -> str:
    """`first to last` of sorted values, one value if both are equal, – without any."""
    ends = list(dict.fromkeys([*texts[:1], *texts[-1:]]))
    return " to ".join(ends) or "–"


def remarks(c: EqualComparison) -> list[Text]:
    """Remarks on changed verdicts, arms without epochs, and uncertain cost ratios."""
    said = changed(paired(c.fixed, c.equal), ("at equal epochs", "at equal time"))
    if not isinstance(c.fixed, str) and isinstance(c.equal, str):
        said.append(f"There are no effects at equal time yet: {c.equal}")
    none = [arm.label for arm in c.time.arms if arm.epochs is None]
    if none:
        said.append(
            f"Not at equal time: {', '.join(none[:12])}{' and others' * (len(none) > 12)}. All "
            "their runs at equal epochs diverged, or some are missing or failed."
        )
    kept = [
        f"{arm.label} ({arm.ratio:.2f}×)"
        for arm in c.time.arms
        if arm.ratio and arm.epochs == c.time.epochs != equal_epochs(c.time.epochs, arm.ratio)
    ]
    if kept:
        said.append(
            "Cost not distinguishable from the baseline's cost, so these arms keep its epochs: "
            f"{', '.join(kept[:12])}. A study with more seeds could distinguish the costs."
        )
    one = [arm for arm in c.time.arms if arm.runs == 1]
    if one:
        said.append(
            f"Arms timed by one run each: {len(one)}. Their cost ratios have no interval and "
            "include the noise of the machine."
        )
    coarse = [a for a in c.time.arms if a.spent is not None and not 0.9 <= a.spent <= 1.1]
    if coarse:
        named = ", ".join(f"{arm.label} ({arm.spent:.2f}×)" for arm in coarse[:12])
        said.append(
            "The time of these arms differs from the baseline's by more than 10 %, because epochs "
            f"are whole or the machine was busy: {named}."
        )
    return said


def _arms(c: EqualComparison) -> Table | None:
    rows: list[Row] = []
    for arm in c.time.arms[:MOST_ARMS]:
        rows.append(
            [
                Emphasis(arm.label) if arm.label == "baseline" else arm.label,
                plain_cell(arm.ratio, 3),
                f"{plain(arm.low)} to {plain(arm.high)}"
                if arm.low and arm.low != arm.high
                else "–",
                plain_cell(arm.runs, 0),
                plain_cell(arm.epochs, 0),
                plain_cell(arm.spent, 2),
            ]
        )
    header = ["cost ratio", "95 % interval", "runs timed", "epochs", "time spent, ratio"]
    return table([Column("arm", left=True), *header], rows)
