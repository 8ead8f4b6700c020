"""An evaluation as a document and tables, the confusion matrix as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

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

LARGEST_TABLE = 20  # classes: above, the matrix is in the CSV and the picture only

Answer = Mapping[str, Any]


def files(a: Answer, about: Sequence[str]) -> dict[str, bytes]:
    """Name -> content: evaluation.md, and the confusion matrix as confusion.png and .svg.

    a: `to_json` of a `Classification`. about: lines on what was evaluated.
    """
    from runner.reporting.plots.style import encoded

    report = document(a, about)
    plots = {
        f"{figure.name}{kind}": encoded(figure.picture, kind)
        for figure in report.figures()
        for kind in (".png", ".svg")
    }
    return {"evaluation.md": markdown(report).encode(), **plots}


def tables(a: Answer) -> dict[str, list[list[Any]]]:
    """Name -> rows, the header first: classes.csv and confusion.csv."""
    columns = ["class", "images", "accuracy", "ci_low", "ci_high", "precision"]
    names = [item["class"] for item in a["classes"]]
    return {
        "classes.csv": [columns, *([item[c] for c in columns] for item in a["classes"])],
        "confusion.csv": [
            ["class", *names],
            *([name, *row] for name, row in zip(names, a["confusion"], strict=True)),
        ],
    }


def headline(a: Answer) -> str:
    """Accuracy with its interval, and the loss, in a line."""
    loss = "not finite" if a["loss"] is None else f"{a['loss']:.4f}"
    return (
        f"accuracy {a['accuracy']:.2f} % (95 % interval {a['ci_low']:.2f} to {a['ci_high']:.2f}, "
        f"Wilson) on {a['images']:,} images, loss {loss}"
    )


def document(a: Answer, about: Sequence[str]) -> Document:
    """The whole evaluation."""
    from runner.reporting.plots.confusion import confusion
    from runner.reporting.plotting import figure

    names = [item["class"] for item in a["classes"]]
    what = Note(
        "Accuracy: of the images of a class, those predicted as such (recall); 95 % Wilson "
        "intervals, each of its class alone. Precision: of the images predicted to be of a class, "
        "those that are."
    )
    picture = figure("confusion", "confusion matrix", confusion, names, a["confusion"])
    pairs = _pairs(a["confused"])
    often = Paragraph("Most often confused:") if pairs else None
    return Document(
        "Evaluation",
        (
            Section("", (items(about), Paragraph(Strong(headline(a))))),
            Section("Classes", present(_classes(a), what)),
            Section("Confusion", present(picture, _matrix(names, a), often, pairs)),
        ),
    )


def _matrix(names: Sequence[str], a: Answer) -> Table | None:
    if len(names) > LARGEST_TABLE:
        return None
    rows = zip(names, a["confusion"], strict=True)
    counts: list[Row] = [[name, *map(count_cell, row)] for name, row in rows]
    return table(["class \\ predicted", *names], counts)


def _classes(a: Answer) -> Table | None:
    rows: list[Row] = []
    for item in a["classes"]:
        spread = range_cell(item["ci_low"], item["ci_high"])
        images = Cell(f"{item['images']:,}", item["images"])
        numbers = (images, plain_cell(item["accuracy"]), spread, plain_cell(item["precision"]))
        rows.append([item["class"], *numbers])
    return table(["class", "images", "accuracy (%)", "95 % interval", "precision (%)"], rows)


def _pairs(pairs: Sequence[Answer]) -> Table | None:
    rows = [
        [p["class"], p["predicted"], count_cell(p["images"]), plain_cell(p["share"])] for p in pairs
    ]
    return table(["class", "predicted as", "images", "of the class (%)"], rows, left=2)
