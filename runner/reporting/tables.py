"""Tables of effects, and the note under a table or plot: estimand, error term, df, runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from runner.analysis.data.estimates import Estimate
from runner.analysis.effects import GRID, BaselineEffect, Effect
from runner.analysis.result import Analysis
from runner.designs.layout import CUMULATIVE, FACTORIAL
from runner.reporting.document import Cell, Column, Emphasis, Note, Table, Text
from runner.reporting.numbers import (
    count_cell,
    decimals,
    interval_cell,
    p_cell,
    plain,
    plain_cell,
    ratio_cell,
    signed,
    signed_cell,
)
from runner.reporting.wording import confidence, dependence, df_text, is_placebo

Row: TypeAlias = "list[Cell | Text]"
UNKNOWN = BaselineEffect(Estimate(None))


def table(
    header: Sequence[Column | str], rows: Sequence[Sequence[Cell | Text]], left: int = 1
) -> Table | None:
    """A table of columns (or titles) and rows of cells (or texts); None without rows.

    left: the number of first columns that are left-aligned, if they are given as titles.
    """
    if not rows:
        return None
    columns = (c if isinstance(c, Column) else Column(c, i < left) for i, c in enumerate(header))
    cells = (tuple(c if isinstance(c, Cell) else Cell(c) for c in row) for row in rows)
    return Table(tuple(columns), tuple(cells))


def caption(a: Analysis) -> Note:
    """The note under the table: estimand, error term, df, sigma, runs, adjustment."""
    what = "residual sd" if a.sigma_source.startswith("residual") else "run-to-run sd"
    source = a.sigma_source.removeprefix("residual: ")
    sigma = f"{what} {plain(a.sigma)} {a.unit} ({source})"
    if a.sigma is None:
        sigma = "run-to-run sd not estimable"
    df = f", {a.df:.0f} df of sigma" if a.df is not None else ""
    own = df_text(a.df_of_intervals)
    margin = f" Negligible: within ±{a.negligible:g} {a.unit}." if a.negligible else ""
    return Note(
        f"Estimand: effect on {a.title} {a.estimand}. "
        f"Error term: {a.error_term}{own and '; '}{own}; {sigma}{df}; "
        f"{a.runs.used} runs. "
        f"{a.adjustment[:1].upper() + a.adjustment[1:]}.{margin}"
    )


def basis(a: Analysis) -> Note:
    """The one line under a plot or a side table: estimand, error term, df, runs."""
    own = df_text(a.df_of_intervals)
    return Note(
        f"Effect on {a.title} {a.estimand}; error term: "
        f"{a.error_term}{own and '; '}{own}; {a.runs.used} runs."
    )


def row_name(e: Effect) -> str:
    """A row's name; the placebo's name says that its true effect is 0."""
    return e.label + (" (changes nothing: true effect 0)" if is_placebo(e) else "")


def places(a: Analysis) -> int:
    """Decimals of the effects."""
    return decimals([e.effect for e in a.effects]) if a.unit != "pp" else 2


def effects(a: Analysis) -> Table | None:
    """The table that fits the layout."""
    return _grid(a) if a.layout == FACTORIAL else _comparisons(a)


def _verdict(a: Analysis, e: Effect) -> str:
    return dependence(a, e) if e.verdict == "depends" else e.verdict


def _comparisons(a: Analysis) -> Table | None:
    """add-one, leave-one-out, cumulative and pairs: one row for each arm."""
    d = places(a)
    first = "step" if a.layout == CUMULATIVE else "trick"
    header: list[Column | str] = [first, f"{a.title} of the arm"]
    header.append(Column(f"effect ({a.unit})", unit=a.unit))
    header += [
        f"{confidence(a)} interval",
        "p, adjusted",
        "verdict",
        "runs (both arms)",
        "time ratio",
    ]
    rows = _reference_row(a, d)
    step = "+ " if a.layout == CUMULATIVE else ""
    for e in a.effects:
        rows.append(
            [
                step + row_name(e), plain_cell(e.mean, d), signed_cell(e.effect, d),
                interval_cell(e.ci_low, e.ci_high, d), p_cell(e.p_adjusted),
                _verdict(a, e), count_cell(e.runs), ratio_cell(e.time),
            ]
        )  # fmt: skip
    return table(header, rows)


def _reference_row(a: Analysis, d: int) -> list[Row]:
    """The row of the reference arm; no row if the arm was not run."""
    label = "baseline"
    if a.estimand.startswith("at the reference: "):
        label = a.estimand.removeprefix("at the reference: ")
    arm = next((arm for arm in a.arms if arm.label == label), None)
    if arm is None:
        return []
    mean, runs = plain_cell(arm.mean, d), count_cell(arm.ok)
    return [[Emphasis(label), mean, "", "", "", "", runs, Cell("1.00×", 1.0)]]


def beside_baseline(a: Analysis) -> bool:
    """Whether some effect at the baseline is known beside its average over the grid."""
    known = any(e.at_baseline and e.at_baseline.effect is not None for e in a.effects)
    return known and a.estimand == GRID


def _grid(a: Analysis) -> Table | None:
    """Factorials: the effect averaged over the grid beside the effect at the baseline."""
    d = places(a)
    average = beside_baseline(a)
    header: list[Column | str] = ["trick"]
    header.append(Column(f"effect, {a.estimand} ({a.unit})", unit=a.unit))
    header += [f"{confidence(a)} interval", "p, Holm", "verdict"]
    if average:
        header.append(Column("effect at the baseline", unit=a.unit))
        header += [f"{confidence(a)} interval", "from", "time ratio"]
    elsewhere = not average and any(e.at_baseline_from for e in a.effects)
    header += ["from", "runs"] if elsewhere else []
    rows = []
    for e in a.effects:
        row: Row = [
            row_name(e), signed_cell(e.effect, d), interval_cell(e.ci_low, e.ci_high, d),
            p_cell(e.p_adjusted), _verdict(a, e),
        ]  # fmt: skip
        if average:
            b = e.at_baseline or UNKNOWN
            row += [signed_cell(b.effect, d), interval_cell(b.ci_low, b.ci_high, d)]
            row += [e.at_baseline_from or "–", ratio_cell(e.time)]
        row += [e.at_baseline_from or "–", count_cell(e.runs)] if elsewhere else []
        rows.append(row)
    return table(header, rows)


def simple_effects(a: Analysis) -> Table | None:
    """Effects of a factor at both levels of each factor it depends on; None without any."""
    d = places(a)
    rows: list[Row] = []
    for e in a.effects:
        for on in e.depends_on:
            named_levels = on.label != on.factor
            off_name = on.reference if named_levels else "off"
            on_name = on.level if named_levels else "on"
            off, there = on.off, on.on
            rows.append(
                [
                    e.label, on.factor,
                    Cell(f"{signed(off.effect, d)} ({off_name})", off.effect),
                    interval_cell(off.ci_low, off.ci_high, d),
                    Cell(f"{signed(there.effect, d)} ({on_name})", there.effect),
                    interval_cell(there.ci_low, there.ci_high, d),
                ]
            )  # fmt: skip
    spread = f"{confidence(a)} interval"
    header = ["effect of", "beside", "where it is off", spread, "where it is on", spread]
    return table(header, rows, left=2)
