"""The means of the arms: all arms, or the best and the worst of many."""

from __future__ import annotations

from collections.abc import Sequence

from runner.analysis.data.arms import ArmRow
from runner.analysis.metrics.registry import CHOOSES
from runner.analysis.result import Analysis
from runner.reporting.contents import section
from runner.reporting.document import Block, Cell, Details, Note, Paragraph, Section, present
from runner.reporting.material import Material
from runner.reporting.numbers import count_cell, decimals, plain_cell, range_cell
from runner.reporting.tables import Row, table
from runner.reporting.wording import confidence

FEW_ARMS = 40
SHOWN = 10
LUCK = Note(
    "The best of many arms is lucky as well as good: expect a lower mean when it is run "
    "again on fresh seeds."
)


@section(place=160)
def arms(m: Material) -> Section:
    """All arms; of more than FEW_ARMS the ten best (by validation if known) and ten worst."""
    a = m.analysis
    note = Note(
        f"Means over the replicates of an arm, with {confidence(a)} t-intervals of each arm alone "
        "from the sd of its runs (runs − 1 df). The intervals are not simultaneous and are not for "
        "differences. “Not ok” counts diverged and failed runs."
    )
    total = len(a.arms)
    if total <= FEW_ARMS:
        held = present(means(a, a.arms), note)
        return Section("Arms", (Details(f"{total} arm{'s' * (total > 1)}", held),))
    held = present(*_best_and_worst(a), note)
    return Section("Arms", (Details(f"The best and the worst of {total} arms", held),))


def _best_and_worst(a: Analysis) -> tuple[Block | None, ...]:
    validated = any(arm.val_accuracy for arm in a.arms)
    scored = [(arm.val_accuracy if validated else arm.mean, arm) for arm in a.arms]
    known = [(score, arm) for score, arm in scored if score is not None]
    ranked = [arm for _, arm in sorted(known, key=lambda pair: -pair[0])]
    if not validated and a.larger_is_better is False:
        ranked.reverse()
    lost = [arm for arm in a.arms if not arm.ok]
    return (
        Paragraph(f"Ten best by {CHOOSES if validated else a.metric}:"),
        means(a, ranked[:SHOWN]),
        LUCK,
        Paragraph("Ten worst:"),
        means(a, [*lost, *ranked[::-1]][:SHOWN]),
    )


def means(a: Analysis, arms: Sequence[ArmRow]) -> Block | None:
    """Means of arms over their replicates, as a table."""
    d = 2 if a.unit == "pp" else decimals([arm.mean for arm in arms])
    header = ["arm", a.title, "sd", f"{confidence(a)} interval of the mean", "runs", "not ok"]
    found = {
        CHOOSES: [arm.val_accuracy for arm in arms],
        "accuracy": [arm.accuracy for arm in arms],
    }
    found.pop(a.metric, None)
    found[a.time_column] = [arm.seconds for arm in arms]
    also = {name: held for name, held in found.items() if any(x is not None for x in held)}
    rows = []
    for i, arm in enumerate(arms):
        spread = range_cell(arm.low, arm.high, d)
        lost = arm.runs - arm.ok
        row: Row = [
            arm.label, plain_cell(arm.mean, d), plain_cell(arm.sd, d), spread,
            count_cell(arm.ok), Cell(str(lost or ""), lost),
        ]  # fmt: skip
        rows.append(row + [plain_cell(held[i]) for held in also.values()])
    return table([*header, *also], rows)
