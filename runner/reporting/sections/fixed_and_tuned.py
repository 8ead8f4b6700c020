"""A tuned study: effects at the fixed value beside those at each arm's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

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
from runner.reporting.material import Material, Tuning
from runner.reporting.numbers import interval_cell, plain, signed_cell
from runner.reporting.plots import tuned as plots
from runner.reporting.plots.tuned import pairs
from runner.reporting.plotting import figure
from runner.reporting.tables import Row, table
from runner.reporting.wording import confidence

FEW_ARMS = 40


@section(place=50)
def fixed_and_tuned(m: Material) -> Section | None:
    """Both stages, what the arms chose, and what the tuning cost; None for other studies."""
    return None if m.tuning is None else compared(m.tuning)


def compared(t: Tuning) -> Section:
    """The effects at both values, and what the arms chose."""
    alt = "effects at the fixed value and at each arm's"
    chosen = present(
        items(remarks(t)),
        Details("Validation accuracy of each value in each arm", _choices(t)),
        figure("tuning", f"validation accuracy by {t['field']} for each arm", plots.tuning, t),
        Paragraph(cost(t)),
    )
    return Section(
        "Fixed and tuned",
        present(
            effects(t) or _no_effects(t),
            _basis(t),
            figure("fixed-tuned", alt, plots.fixed_tuned, t),
            Section("What the arms chose", chosen),
        ),
    )


def _basis(t: Tuning) -> Note:
    field = t["field"]
    return Note(
        f"Fixed: {field} is {t['fixed']} in every arm. Tuned: each arm has the "
        f"{field} that was best in its own tuning, out of {', '.join(t['values'])}, by "
        f"validation accuracy after the last epoch, mean over {_seeds(t)} that no other run has; "
        "all arms had the same budget. Choosing is part of the procedure: an effect at the tuned "
        "values compares arms as they come out of it, and its interval is over seeds given the "
        "values chosen; it does not hold what another tuning would have chosen. Estimand, error "
        "term and adjustment are those of the effects above."
    )


def effects(t: Tuning) -> Table | None:
    """Effects at the fixed and at the tuned value, and what the arms behind them chose."""
    found = pairs(t)
    if not found:
        return None
    a = t["at"]["fixed"]
    rows: list[Row] = []
    base = [arm for arm in t["arms"] if arm["arm"] == "baseline"]
    if base:
        rows.append([Emphasis("baseline"), *[""] * 6, base[0]["value"] or "not chosen yet"])
    for fixed, tuned in found:
        row = [fixed["label"], *_cells(fixed), *_cells(tuned)]
        rows.append([*row, chosen_by(t, fixed["factor"], fixed["level"])])
    unit = a["unit"]
    spread = f"{confidence(a)} interval"
    header: list[Column | str] = ["trick"]
    for stage in ("fixed", "tuned"):
        header += [Column(f"{stage}: effect ({unit})", unit=unit), spread, "verdict"]
    return table([*header, f"{t['field']} chosen"], rows)


def _cells(e: Mapping[str, Any] | None) -> Row:
    if e is None:
        return ["–", "–", "–"]
    spread = interval_cell(e["ci_low"], e["ci_high"])
    return [signed_cell(e["effect"]), spread, str(e["verdict"])]


def chosen_by(t: Tuning, factor: str, level: str) -> str:
    """What the arms with `level` chose; where a single arm lacks it, what that one chose, too.

    `2`, or `1 ×16, 2 ×16`, or `1 ×8; without it 2`.
    """
    having = [arm for arm in t["arms"] if arm["levels"][factor] == level]
    lacking = [arm for arm in t["arms"] if arm["levels"][factor] != level]
    text = counted(t, having)
    return f"{text}; without it {counted(t, lacking)}" if len(lacking) == 1 else text


def counted(t: Tuning, arms: Sequence[Mapping[str, Any]]) -> str:
    """The values that `arms` chose, in the order listed, with how many chose each."""
    counts = Counter(arm["value"] for arm in arms)
    order = [
        *(value for value in t["values"] if value in counts),
        *([None] if None in counts else []),
    ]
    names = {None: "not chosen yet"}
    if len(arms) == 1:
        return str(names.get(order[0], order[0]))
    return ", ".join(f"{names.get(value, value)} ×{counts[value]}" for value in order)


def _no_effects(t: Tuning) -> Paragraph:
    return Paragraph(f"No effect at the fixed value yet: {t['at'].get('fixed_reason', '')}")


def remarks(t: Tuning) -> list[Text]:
    """What the reader should know: changed verdicts, edges of the range, missing and lost runs."""
    said: list[Text] = []
    for fixed, tuned in pairs(t):
        if tuned is not None and tuned["verdict"] != fixed["verdict"]:
            changed = (
                f": {fixed['verdict']} at {t['field']}={t['fixed']} for all, {tuned['verdict']} "
                "where each arm has its own."
            )
            said.append((Strong(fixed["label"]), changed))
    if t["at"]["fixed"] is not None and t["at"]["tuned"] is None:
        said.append(f"No effect at the tuned values yet: {t['at'].get('tuned_reason', '')}")
    edges = [arm for arm in t["arms"] if arm["edge"]]
    if edges:
        said.append(
            f"In {len(edges)} of {len(t['arms'])} arms the best value is at the edge of the range: "
            f"widen it; a better one may lie beyond: {_named(edges)}."
        )
    tied = [arm for arm in t["arms"] if arm["tied"]]
    if tied:
        said.append(
            f"{len(tied)} arms have several best values; the one nearest {t['fixed']} "
            "(by ratio), then the first listed, was taken."
        )
    lost = sum(value["diverged"] for arm in t["arms"] for value in arm["values"])
    if lost:
        said.append(f"{lost} tuning runs diverged: each counts as an accuracy of chance.")
    waiting = [arm for arm in t["arms"] if arm["value"] is None]
    if waiting:
        missing = sum(value["missing"] for arm in waiting for value in arm["values"])
        said.append(
            f"{len(waiting)} arms have not chosen yet: {missing} of their tuning runs are missing "
            "or failed, and a choice is made on the whole budget only."
        )
    said.append(f"Chosen values over all arms: {counted(t, t['arms'])}.")
    return said


def _named(arms: Sequence[Mapping[str, Any]], most: int = 12) -> str:
    text = ", ".join(f"{arm['arm']} ({arm['value']})" for arm in arms[:most])
    return text + (f" and {len(arms) - most} more" if len(arms) > most else "")


def _choices(t: Tuning) -> tuple[Block, ...]:
    """Mean validation accuracy of each value of each arm; nothing for a crowd of arms."""
    if len(t["arms"]) > FEW_ARMS:
        return ()
    header = [Column(f"{t['field']}={value}", unit="%") for value in t["values"]]
    rows = []
    for arm in t["arms"]:
        row: Row = [arm["arm"]]
        for value in arm["values"]:
            text = plain(value["val_accuracy"])
            text += f" ({value['diverged']} diverged)" if value["diverged"] else ""
            best = value["value"] == arm["value"]
            row.append(Cell(Strong(text) if best else text, value["val_accuracy"]))
        notes = [f"{arm['edge']} value of the range: widen it"] if arm["edge"] else []
        notes += [f"tied with {', '.join(arm['tied'])}"] if arm["tied"] else []
        rows.append([*row, "; ".join(notes)])
    caption = Note(
        f"Validation accuracy (%) after the last epoch, mean over {_seeds(t)}; bold: chosen. The "
        "best of several means is lucky as well as good: expect less of it on other seeds."
    )
    return present(table([Column("arm", left=True), *header, ""], rows), caption)


def cost(t: Tuning) -> str:
    """Runs and hours of tuning and of the study itself."""
    tuning, study = t["cost"]["tuning"], t["cost"]["study"]
    shared = t["cost"]["shared"]
    again = f", {shared} of them both fixed and tuned" if shared else ""
    return (
        f"Tuning took {tuning['runs']} runs, {tuning['core_hours']:.2f} core-hours of CPU and "
        f"{tuning['hours']:.2f} h of run time; the fixed and the tuned runs are "
        f"{study['runs']}{again}, {study['core_hours']:.2f} core-hours and {study['hours']:.2f} h."
    )


def _seeds(t: Tuning) -> str:
    return f"{t['seeds']} tuning seed{'s' if t['seeds'] > 1 else ''}"
