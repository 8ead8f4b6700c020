"""A tuned study: effects at the fixed value beside effects at each arm's tuned value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from runner.reporting.contents import section
from runner.reporting.document import (
    Block,
    Cell,
    Column,
    Details,
    Emphasis,
    Note,
    Paragraph,
    Section,
    Strong,
    Table,
    Text,
    items,
    present,
)
from runner.reporting.material import Material
from runner.reporting.numbers import plain
from runner.reporting.plots import tuned as plots
from runner.reporting.plots.tuned import paired
from runner.reporting.plotting import figure
from runner.reporting.tables import Row, table
from runner.reporting.two_stages import changed, side_by_side
from runner.studies.stages import ArmTuning, StudyTuning
from runner.studies.tuned_comparison import TunedComparison, TuningCost
from runner.text import counted, some_of

FEW_ARMS = 40
NAMED = 12  # arms


@section(place=50)
def fixed_and_tuned(m: Material) -> Section | None:
    """Both stages, the values that the arms chose, the cost of tuning; None for other studies."""
    return None if m.tuning is None else compared(m.tuning)


def compared(t: TunedComparison) -> Section:
    """The effects at both values, and the values that the arms chose."""
    alt = "effects at the fixed value and at each arm's tuned value"
    tuning, fixed = t.tuning, t.fixed
    seen = f"validation accuracy by {tuning.field} for each arm"
    chosen = present(
        items(remarks(t)),
        Details("Validation accuracy of each value in each arm", _choices(tuning)),
        figure("tuning", seen, plots.tuning, tuning),
        Paragraph(cost(t.cost)),
    )
    return Section(
        "Fixed and tuned",
        present(
            effects_table(t),
            Paragraph(f"There are no effects at the fixed value yet: {fixed}")
            if isinstance(fixed, str)
            else None,
            _basis(tuning),
            figure("fixed-tuned", alt, plots.fixed_tuned, t),
            Section("Values that the arms chose", chosen),
        ),
    )


def _basis(t: StudyTuning) -> Note:
    field = t.field
    return Note(
        f"Fixed: {field} is {t.fixed} in every arm. Tuned: each arm has the "
        f"{field} that was best in its tuning, out of {', '.join(t.values)}, by "
        f"validation accuracy after the last epoch. The accuracy is a mean over {_seeds(t)} that "
        "no other run has. All arms had the same budget. An effect at the tuned values compares "
        "the arms after this choice. Its interval is over seeds, given the chosen values; it does "
        "not include that another tuning could choose other values. Estimand, error term and "
        "adjustment are the same as for the effects above."
    )


def effects_table(t: TunedComparison) -> Table | None:
    """Effects at the fixed and at the tuned value, and the values that their arms chose."""
    if isinstance(t.fixed, str):
        return None
    base = next((arm for arm in t.tuning.arms if arm.label == "baseline"), None)
    first: list[Row] = []
    if base:
        first = [[Emphasis("baseline"), *[""] * 6, base.choice.best or "not chosen yet"]]
    return side_by_side(
        t.fixed, paired(t.fixed, t.tuned), ("fixed", "tuned"), [f"{t.tuning.field} chosen"],
        lambda e: [chosen_by(t.tuning, e.factor, e.level)], first,
    )  # fmt: skip


def chosen_by(t: StudyTuning, factor: str, level: str) -> str:
    """The values that arms with `level` chose; if only one arm lacks it, also that arm's value.

    `2`, or `1 ×16, 2 ×16`, or `1 ×8; without it 2`.
    """
    having = [arm for arm in t.arms if arm.levels[factor] == level]
    lacking = [arm for arm in t.arms if arm.levels[factor] != level]
    text = value_counts(t, having)
    return f"{text}; without it {value_counts(t, lacking)}" if len(lacking) == 1 else text


def value_counts(t: StudyTuning, arms: Sequence[ArmTuning]) -> str:
    """The values that `arms` chose, in the order of the tuned values, with counts of arms."""
    none = "not chosen yet"
    counts = Counter(arm.choice.best or none for arm in arms)
    order = [value for value in (*t.values, none) if value in counts]
    if len(arms) == 1:
        return order[0]
    return ", ".join(f"{value} ×{counts[value]}" for value in order)


def remarks(t: TunedComparison) -> list[Text]:
    """Remarks on changed verdicts, edges of the range, missing and lost runs."""
    tuning = t.tuning
    at = (f"at {tuning.field}={tuning.fixed} in all arms", "at each arm's tuned value")
    said = changed(paired(t.fixed, t.tuned), at)
    if not isinstance(t.fixed, str) and isinstance(t.tuned, str):
        said.append(f"There are no effects at the tuned values yet: {t.tuned}")
    edges = [f"{arm.label} ({arm.choice.best})" for arm in tuning.arms if arm.choice.edge]
    if edges:
        said.append(
            f"In {len(edges)} of {len(tuning.arms)} arms the best value is at the edge of the "
            "range. Widen the range, because a better value may lie beyond: "
            f"{some_of(edges, NAMED)}."
        )
    tied = [arm for arm in tuning.arms if arm.choice.tied]
    if tied:
        said.append(
            f"Arms with several best values: {len(tied)}. The value nearest to {tuning.fixed} "
            "(by ratio) was taken, and of equally near values the first listed."
        )
    lost = sum(score.diverged for arm in tuning.arms for score in arm.choice.scores)
    if lost:
        said.append(f"{counted(lost, 'tuning run')} diverged: each counts as chance accuracy.")
    waiting = [arm for arm in tuning.arms if arm.choice.best is None]
    if waiting:
        missing = sum(score.missing for arm in waiting for score in arm.choice.scores)
        said.append(
            f"Arms without a choice so far: {len(waiting)}, because tuning runs are missing or "
            f"failed ({missing}). An arm chooses only when all its tuning runs are done."
        )
    said.append(f"Chosen values over all arms: {value_counts(tuning, tuning.arms)}.")
    return said


def _choices(t: StudyTuning) -> tuple[Block, ...]:
    """Mean validation accuracy of each value of each arm; empty for more than FEW_ARMS arms."""
    if len(t.arms) > FEW_ARMS:
        return ()
    header = [Column(f"{t.field}={value}", unit="%") for value in t.values]
    rows = []
    for arm in t.arms:
        row: Row = [arm.label]
        choice = arm.choice
        for score in choice.scores:
            text = plain(score.mean)
            text += f" ({score.diverged} diverged)" if score.diverged else ""
            best = score.value == choice.best
            row.append(Cell(Strong(text) if best else text, score.mean))
        notes = [f"{choice.edge} value of the range: widen it"] if choice.edge else []
        notes += [f"tied with {', '.join(choice.tied)}"] if choice.tied else []
        rows.append([*row, "; ".join(notes)])
    caption = Note(
        f"Validation accuracy (%) after the last epoch, mean over {_seeds(t)}; bold: chosen. The "
        "best of several means is lucky as well as good: expect a lower mean on other seeds."
    )
    return present(table([Column("arm", left=True), *header, ""], rows), caption)


def cost(spent: TuningCost) -> str:
    """Runs and hours of tuning and of the study itself."""
    tuning, study = spent.tuning, spent.study
    again = f" ({spent.shared} of them count as fixed and as tuned)" if spent.shared else ""
    return (
        f"Tuning took {tuning.runs} runs, {tuning.core_hours:.2f} core-hours of CPU and "
        f"{tuning.hours:.2f} h of run time. The study itself took {study.runs} fixed and tuned "
        f"runs{again}, {study.core_hours:.2f} core-hours and {study.hours:.2f} h."
    )


def _seeds(t: StudyTuning) -> str:
    return f"{t.seeds} tuning seed{'s' if t.seeds > 1 else ''}"
