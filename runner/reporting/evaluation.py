"""An evaluation as text and tables, the confusion matrix as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runner.reporting.markdown import escape, plain, table

LARGEST_TABLE = 20  # classes: above, the matrix is in the CSV and the picture only

Answer = Mapping[str, Any]


def files(a: Answer, about: Sequence[str]) -> dict[str, bytes]:
    """Name -> content: evaluation.md, and the confusion matrix as confusion.png and .svg.

    a: `to_json` of a `Classification`. about: lines on what was evaluated.
    """
    import matplotlib

    from runner.reporting.plots.confusion import confusion
    from runner.reporting.plots.style import RC, encoded

    names = [item["class"] for item in a["classes"]]
    with matplotlib.rc_context(RC):
        figure = confusion(names, a["confusion"])
        plots = {f"confusion{kind}": encoded(figure, kind) for kind in (".png", ".svg")}
    return {"evaluation.md": markdown(a, about).encode(), **plots}


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


def markdown(a: Answer, about: Sequence[str]) -> str:
    """The whole evaluation as markdown."""
    blocks = [
        "# Evaluation",
        "\n".join(f"- {escape(line)}" for line in about),
        f"**{headline(a)}**",
    ]
    blocks += ["## Classes", _classes(a)]
    blocks.append(
        "*Accuracy: of the images of a class, those predicted as such (recall); 95 % Wilson "
        "intervals, each of its class alone. Precision: of the images predicted to be of a class, "
        "those that are.*"
    )
    blocks += ["## Confusion", "![confusion matrix](confusion.png)\n\n([SVG](confusion.svg))"]
    names = [item["class"] for item in a["classes"]]
    if len(names) <= LARGEST_TABLE:
        head = ["class \\ predicted", *map(escape, names)]
        rows = zip(names, a["confusion"], strict=True)
        blocks.append(table(head, [[escape(name), *map(str, row)] for name, row in rows]))
    pairs = a["confused"]
    if pairs:
        blocks += ["Most often confused:", _pairs(pairs)]
    return "\n\n".join(blocks) + "\n"


def _classes(a: Answer) -> str:
    rows = [
        [
            escape(item["class"]), f"{item['images']:,}", plain(item["accuracy"]),
            "–" if item["ci_low"] is None else f"{item['ci_low']:.2f} to {item['ci_high']:.2f}",
            plain(item["precision"]),
        ]
        for item in a["classes"]
    ]  # fmt: skip
    return table(["class", "images", "accuracy (%)", "95 % interval", "precision (%)"], rows)


def _pairs(pairs: Sequence[Answer]) -> str:
    rows = [
        [escape(p["class"]), escape(p["predicted"]), str(p["images"]), plain(p["share"])]
        for p in pairs
    ]
    return table(["class", "predicted as", "images", "of the class (%)"], rows, left=2)
