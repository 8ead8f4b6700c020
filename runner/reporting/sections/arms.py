"""The arms: their means, all of them or the best and the worst."""

from __future__ import annotations

from runner.reporting.contents import section
from runner.reporting.document import Block, Cell, Details, Note, Paragraph, Section, present
from runner.reporting.material import Answer, Material
from runner.reporting.numbers import count_cell, decimals, plain_cell, range_cell
from runner.reporting.tables import Row, table, time_column
from runner.reporting.wording import confidence

FEW_ARMS = 40
SHOWN = 10
LUCK = Note(
    "The best of many arms is lucky as well as good: expect it to do worse when it is run "
    "again on fresh seeds."
)


@section(place=160)
def arms(m: Material) -> Section:
    """All arms, or the ten best by validation where it is known, and the ten worst."""
    a = m.a
    note = Note(
        f"Means over the replicates of an arm; {confidence(a)} t-intervals of each arm alone from "
        "its own sd (runs − 1 df), not simultaneous, not of differences. “Not ok” counts diverged "
        "and failed runs."
    )
    total = len(a["arms"])
    if total <= FEW_ARMS:
        held = present(means(a, a["arms"]), note)
        return Section("Arms", (Details(f"{total} arm{'s' * (total > 1)}", held),))
    held = present(*_best_and_worst(a), note)
    return Section("Arms", (Details(f"The best and the worst of {total} arms", held),))


def _best_and_worst(a: Answer) -> tuple[Block | None, ...]:
    by = "val_accuracy" if any(arm.get("val_accuracy") for arm in a["arms"]) else "mean"
    ranked = sorted((arm for arm in a["arms"] if arm.get(by) is not None), key=lambda arm: -arm[by])
    if by == "mean" and not a["larger_is_better"]:
        ranked.reverse()
    lost = [arm for arm in a["arms"] if not arm["ok"]]
    name = by if by != "mean" else a["metric"]
    return (
        Paragraph(f"Ten best by {name}:"),
        means(a, ranked[:SHOWN]),
        LUCK,
        Paragraph("Ten worst:"),
        means(a, [*lost, *ranked[::-1]][:SHOWN]),
    )


def means(a: Answer, arms: list[Answer]) -> Block | None:
    """Means of arms over their replicates, as a table."""
    d = 2 if a["unit"] == "pp" else decimals([arm["mean"] for arm in arms])
    header = ["arm", a["metric"], "sd", f"{confidence(a)} interval of the mean", "runs", "not ok"]
    time = time_column(a)
    also = [name for name in ("val_accuracy", "accuracy") if name != a["metric"]]
    also = [name for name in [*also, time] if any(arm.get(name) is not None for arm in arms)]
    rows = []
    for arm in arms:
        spread = range_cell(arm["low"], arm["high"], d)
        lost = arm["runs"] - arm["ok"]
        row: Row = [
            arm["label"], plain_cell(arm["mean"], d), plain_cell(arm["sd"], d), spread,
            count_cell(arm["ok"]), Cell(str(lost or ""), lost),
        ]  # fmt: skip
        rows.append(row + [plain_cell(arm.get(name), 2) for name in also])
    return table([*header, *also], rows)
