"""An evaluation as a document, as tables, and with the confusion matrix as a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence

from runner.analysis.test_set.classification import Classification, Confused
from runner.reporting.document import (
    Cell,
    Document,
    Note,
    Paragraph,
    Section,
    Strong,
    Table,
    items,
    present,
)
from runner.reporting.markdown import markdown
from runner.reporting.numbers import count_cell, plain_cell, range_cell
from runner.reporting.tables import Row, table

LARGEST_TABLE = 20  # classes; larger matrices are only in the CSV and the picture


def files(a: Classification, about: Sequence[str]) -> dict[str, bytes]:
    """Name -> content: evaluation.md, and the confusion matrix as confusion.png and .svg.

    about: lines that name the model and the data.
    """
    from runner.reporting.plots.style import encoded

    report = document(a, about)
    plots = {
        f"{figure.name}{kind}": encoded(figure.picture, kind)
        for figure in report.figures()
        for kind in (".png", ".svg")
    }
    return {"evaluation.md": markdown(report).encode(), **plots}


def tables(a: Classification) -> dict[str, list[list[str | float | None]]]:
    """Name -> rows, the header first: classes.csv and confusion.csv."""
    columns = ["class", "images", "accuracy", "ci_low", "ci_high", "precision"]
    counts = zip(a.names, a.confusion.tolist(), strict=True)
    return {
        "classes.csv": [
            [*columns],
            *([x.name, x.images, x.accuracy, x.ci_low, x.ci_high, x.precision] for x in a.classes),
        ],
        "confusion.csv": [["class", *a.names], *([name, *row] for name, row in counts)],
    }


def summary_line(a: Classification) -> str:
    """One line: accuracy in per cent with its interval, and the loss."""
    loss = f"{a.loss:.4f}" if math.isfinite(a.loss) else "not finite"
    return (
        f"accuracy {a.accuracy:.2f} % (95 % interval {a.ci_low:.2f} to {a.ci_high:.2f}, "
        f"Wilson) on {a.images:,} images, loss {loss}"
    )


def document(a: Classification, about: Sequence[str]) -> Document:
    """The whole evaluation."""
    from runner.reporting.plots.confusion import confusion
    from runner.reporting.plotting import figure

    what = Note(
        "Accuracy: the share of a class's images that are predicted as this class (recall), with "
        "a 95 % Wilson interval for each class alone. Precision: the share of the images "
        "predicted as a class that belong to it."
    )
    picture = figure("confusion", "confusion matrix", confusion, a.names, a.confusion)
    pairs = _pairs(a.confused)
    often = Paragraph("Most often confused:") if pairs else None
    return Document(
        "Evaluation",
        (
            Section("", (items(about), Paragraph(Strong(summary_line(a))))),
            Section("Classes", present(_classes(a), what)),
            Section("Confusion", present(picture, _matrix(a), often, pairs)),
        ),
    )


def _matrix(a: Classification) -> Table | None:
    if len(a.names) > LARGEST_TABLE:
        return None
    rows = zip(a.names, a.confusion.tolist(), strict=True)
    counts: list[Row] = [[name, *map(count_cell, row)] for name, row in rows]
    return table(["class \\ predicted", *a.names], counts)


def _classes(a: Classification) -> Table | None:
    rows: list[Row] = []
    for item in a.classes:
        spread = range_cell(item.ci_low, item.ci_high)
        images = Cell(f"{item.images:,}", item.images)
        numbers = (images, plain_cell(item.accuracy), spread, plain_cell(item.precision))
        rows.append([item.name, *numbers])
    return table(["class", "images", "accuracy (%)", "95 % interval", "precision (%)"], rows)


def _pairs(pairs: Sequence[Confused]) -> Table | None:
    rows: list[Row] = [
        [p.name, p.predicted, count_cell(p.images), plain_cell(p.share)] for p in pairs
    ]
    return table(["class", "predicted as", "images", "of the class (%)"], rows, left=2)
