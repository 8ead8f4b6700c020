"""A figure in the size of a paper: one or two columns wide, with letters of the paper's size."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Annotation, Text

WIDTHS = {1: 3.4, 2: 7.0}  # inches
SHRINK = {1: 0.62, 2: 0.72}  # factor for letters, lines and heights
NARROW_PANELS = 1  # a figure of more panels is never narrower than two columns


def sized(fig: Figure, columns: int) -> Figure:
    """The figure itself, changed for good to a width of 1 or 2 columns."""
    panels = [ax for ax in fig.axes if ax.get_visible() and not _is_bar(ax)]
    if len(panels) > NARROW_PANELS:
        columns = 2
    shrink, height = SHRINK[columns], fig.get_size_inches()[1]
    fig.set_size_inches(WIDTHS[columns], max(height * shrink, 1.2))
    for text in fig.findobj(Text):
        text.set_fontsize(float(text.get_fontsize()) * shrink)
        if isinstance(text, Annotation) and text.anncoords == "offset points":
            x, y = text.xyann
            text.xyann = (x * shrink, y * shrink)
    for line in fig.findobj(Line2D):
        line.set_linewidth(line.get_linewidth() * shrink)
        line.set_markersize(line.get_markersize() * shrink)
    for points in fig.findobj(PathCollection):
        points.set_sizes([size * shrink**2 for size in points.get_sizes()])
    if columns == 1:
        _narrow_legends(fig)
    return fig


def _is_bar(ax: Axes) -> bool:
    return ax.get_label() == "<colorbar>"


def _narrow_legends(fig: Figure) -> None:
    """One or two entries in a row: five entries are wider than a column."""
    for legend in list(fig.legends):
        texts = [text.get_text() for text in legend.get_texts()]
        size = legend.get_texts()[0].get_fontsize() if texts else 7
        handles = legend.legend_handles
        legend.remove()
        fig.legend(
            handles=[handle for handle in handles if handle is not None],
            labels=texts, loc="outside upper center", fontsize=size, frameon=False,
            ncols=2 if max(map(len, texts), default=0) < 24 else 1,
        )  # fmt: skip
