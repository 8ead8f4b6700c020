"""At the head of a report: the check of whether the baseline is worth ablating."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.planning.checked import check_command
from runner.records.layout import RESULTS
from runner.reporting.contents import section
from runner.reporting.document import (
    Callout,
    Cell,
    Code,
    Column,
    Note,
    Paragraph,
    Section,
    Strong,
    Table,
    Text,
)
from runner.reporting.material import Material
from runner.reporting.numbers import plain

if TYPE_CHECKING:
    from runner.planning.checked import Checked

RULE = (
    "Measured on validation images, on seeds that only the check uses. Intervals are 90 %; for "
    "learning rates they hold for all rates at once. Intervals of references are 95 % (Wilson). "
    "Budget and noise pass or fail only if their one-sided 95 % bound does; otherwise they are "
    "unknown. Notes have no limit."
)
COLUMNS = tuple(Column(title, left=True) for title in ("part", "verdict", "what it says", "limit"))


@section(place=12)
def checked(m: Material) -> Section | None:
    """The result of the baseline's check, or one line that there is none.

    None for a script: only baselines of recipes are checked.
    """
    if m.asked.script is not None:
        return None
    if m.checked is None:
        command = check_command(m.asked, RESULTS)
        told = (
            "The baseline was not checked: ", Code(command),
            " tells whether it is worth ablating.",
        )  # fmt: skip
        return Section("", (Paragraph(told),))
    found = m.checked
    head: Text = (Strong("The baseline passed its check"), f" ({found.study}).")
    blocks: list[Paragraph | Callout | Table | Note] = [Paragraph(head)]
    if not found.passed:
        names = ", ".join(f"{part.name}: {part.verdict}" for part in found.open)
        said = (
            f" ({found.study}; {names}). Effects below hold for this baseline; on a baseline that "
            "passes they may differ."
        )
        blocks = [Callout((Strong("The baseline did not pass its check"), said))]
    return Section("", (*blocks, _table(found), Note(RULE)))


def _table(found: Checked) -> Table:
    rows = []
    for part in found.findings:
        command = found.commands.get(part.name) if part.verdict != "pass" else None
        said: Text = part.reason if command is None else (part.reason, ": ", Code(command))
        limit = Cell("" if part.limit is None else f"{plain(part.limit, 1)} {part.unit}")
        rows.append((Cell(part.name), Cell(part.verdict), Cell(said), limit))
    return Table(COLUMNS, tuple(rows))
