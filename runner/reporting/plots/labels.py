"""Names beside points, placed so that they hide no point and no other name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from runner.reporting.plots.style import BLACK, GREY

FONT_SIZE = 9  # points
WIDE, HIGH = 0.62, 1.25  # of a letter and a line, in font sizes
STEPS = (7.0, 16.0, 30.0)  # distances of a name in points; a line leads to the second and third
SIDES = np.array([(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1)], float)


class Named(NamedTuple):
    """A point of a plot, in data coordinates, and its name."""

    x: float
    y: float
    text: str


def annotate(fig: Figure, ax: Axes, named: Sequence[Named], points: np.ndarray) -> None:
    """Write the names. points: (n, 2), all points in data coordinates.

    The figure is laid out first, so that nothing moves afterwards.
    """
    fig.draw_without_rendering()
    scale = 72 / fig.dpi
    everything = ax.transData.transform(points) * scale
    box = ax.get_window_extent()
    inside = np.array([box.x0, box.y0, box.x1, box.y1]) * scale
    taken: list[np.ndarray] = []
    for one in named:
        at = ax.transData.transform((one.x, one.y)) * scale
        width, height = WIDE * FONT_SIZE * len(one.text), HIGH * FONT_SIZE
        best, offset, far = _place(at, (width, height), everything, taken, inside)
        taken.append(best)
        line = {"arrowstyle": "-", "color": GREY, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 3}
        text = ax.annotate(
            one.text, (one.x, one.y), xytext=tuple(offset), textcoords="offset points",
            fontsize=FONT_SIZE, ha="center", va="center", color=BLACK, zorder=5,
            arrowprops=line if far else None,
        )  # fmt: skip
        text.set_in_layout(False)


def _place(
    at: np.ndarray,
    size: tuple[float, float],
    points: np.ndarray,
    taken: Sequence[np.ndarray],
    inside: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, bool]:
    """The box (x0, y0, x1, y1) in points that hides least, its offset, whether it needs a line."""
    found: list[tuple[float, int, np.ndarray, np.ndarray, bool]] = []
    half = np.array(size) / 2
    for far, step in enumerate(STEPS):
        for side in SIDES:
            offset = side * (
                half + step if far == 0 else np.array([half[0] + step, step + half[1]])
            )
            centre = at + offset
            box = np.concatenate([centre - half, centre + half])
            hidden = ((points > box[:2] - 2) & (points < box[2:] + 2)).all(axis=1).sum()
            overlap = sum(_common(box, other) for other in taken)
            out = (
                np.maximum(inside[:2] - box[:2], 0).sum()
                + np.maximum(box[2:] - inside[2:], 0).sum()
            )
            found.append((10.0 * float(hidden) + overlap + 5 * float(out) + 3 * far, len(found),
                          box, offset, far > 0))  # fmt: skip
    _, _, box, offset, away = min(found, key=lambda one: one[:2])
    return box, offset, away


def _common(one: np.ndarray, other: np.ndarray) -> float:
    """The area that two boxes share, in square points."""
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    return float(np.prod(np.maximum(sides, 0)))
