"""The classes: confusions of the recommended recipe, and the change of each class's accuracy."""

from __future__ import annotations

from runner.reporting.contents import section
from runner.reporting.document import Details, Note, Section, present
from runner.reporting.material import Material
from runner.reporting.numbers import count_cell, interval_cell, plain_cell, signed_cell
from runner.reporting.plots.classes import ROWS, class_changes, confusions
from runner.reporting.plotting import figure
from runner.reporting.tables import Row, table
from runner.text import counted


@section(place=95)
def classes(m: Material) -> Section | None:
    """Both plots and a table; None without predictions of both arms."""
    found = m.classes
    if found is None:
        return None
    changes = figure("class-changes", "change of each class's accuracy", class_changes, found)
    matrices = figure("confusion", "confusion matrices of both arms", confusions, found)
    most = " The plot shows the classes that changed most." if len(found.names) > ROWS else ""
    note = Note(
        f"Test images, {counted(len(found.before), 'run')} of the baseline and "
        f"{len(found.after)} of {found.label}. Each interval is for its class alone "
        f"(Welch). Among many classes some intervals exclude 0 by chance.{most}"
    )
    rows: list[Row] = [
        [c.name, count_cell(c.images), plain_cell(c.before), plain_cell(c.after),
         signed_cell(c.change), interval_cell(c.low, c.high)]
        for c in found.changes
    ]  # fmt: skip
    header = ["class", "images", "baseline (%)", "with it (%)", "change (pp)", "95 % interval"]
    folded = Details("Every class as a table", present(table(header, rows)))
    return Section(
        f"Classes: the baseline and {found.label}", present(changes, note, matrices, folded)
    )
