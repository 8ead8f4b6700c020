"""Published effects of these tricks."""

from __future__ import annotations

from runner.reporting.contents import section
from runner.reporting.document import Cell, Details, Paragraph, Section
from runner.reporting.material import Material
from runner.reporting.numbers import count_cell, signed
from runner.reporting.tables import Row, table


@section(place=170)
def published(m: Material) -> Section | None:
    """A folded table; None without published effects."""
    rows: list[Row] = [
        [
            x.trick,
            Cell(signed(x.effect) + ("" if x.verified else " (unverified)"), x.effect),
            x.kind,
            x.data,
            "not stated" if x.runs is None else count_cell(x.runs),
            x.source,
        ]
        for x in m.analysis.published
    ]
    found = table(["trick", "effect (pp)", "added to", "data", "runs per row", "source"], rows)
    if found is None:
        return None
    what = Paragraph(
        "These effects are from other data and other networks, mostly from single runs without "
        "intervals. Cumulative effects depend on the order of their table."
    )
    return Section("", (Details("Published elsewhere", (what, found)),))
