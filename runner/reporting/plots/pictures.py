"""Images in rows, and learning rates, to show the action of a trick."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from runner.reporting.plots.style import BLUE, GREY, ORANGE, RC, figure, lines, short

TINY = 64  # up to so many pixels a side, every pixel is drawn as a square
LETTERS = 11  # letters of a title per inch
CELL = 1.5  # inches: 224 pixels at the saved resolution


class PictureRow(NamedTuple):
    """A row of pictures, uint8 (H, W, 3) each, with captions or an empty list."""

    label: str
    images: list[np.ndarray]
    captions: list[str]


def pictures(title: str, rows: Sequence[PictureRow]) -> Figure:
    """A figure of the rows, one below the other."""
    with matplotlib.rc_context(RC):
        columns = max(len(row.images) for row in rows)
        fig = figure(0.5 + CELL * columns, 0.5 + (CELL + 0.16) * len(rows))
        axes = fig.subplots(len(rows), columns, squeeze=False)
        for line, row in zip(axes, rows, strict=True):
            for i, ax in enumerate(line):
                ax.set(xticks=[], yticks=[])
                ax.spines[:].set_visible(False)
                if i >= len(row.images):
                    continue
                tiny = max(row.images[i].shape[:2]) <= TINY
                ax.imshow(row.images[i], interpolation="nearest" if tiny else "antialiased")
                if row.captions:
                    caption = lines(row.captions[i], 26, 2)
                    ax.set_title(caption, fontsize=7, loc="center", pad=2)
            line[0].set_ylabel(lines(row.label, 20, 2), fontsize=9)
        if title:
            width = int(LETTERS * fig.get_size_inches()[0])
            fig.suptitle(lines(title, width, 4), fontsize=11)
        return fig


def rates(
    title: str,
    epochs: int,
    lrs: Sequence[float],
    before: Sequence[float],
    momenta: Sequence[float] | None,
) -> Figure:
    """Learning rate by epoch, the baseline's in grey; momentum below it if it changes."""
    with matplotlib.rc_context(RC):
        fig = figure(6.4, 3.6 if momenta is None else 5.2)
        count = 1 if momenta is None else 2
        axes = fig.subplots(count, 1, squeeze=False, sharex=True)[:, 0]
        places = [epochs * (i + 0.5) / len(lrs) for i in range(len(lrs))]
        axes[0].plot(places, before, color=GREY, linestyle="--", label="baseline")
        axes[0].plot(places, lrs, color=BLUE, linewidth=2, label=short(title, 40))
        axes[0].set_ylabel("learning rate")
        axes[0].set_ylim(bottom=0)
        axes[0].legend(fontsize=9)
        if momenta is not None:
            axes[1].plot(places, momenta, color=ORANGE, linewidth=2)
            axes[1].set_ylabel("momentum")
        axes[-1].set_xlabel("epoch")
        axes[-1].set_xlim(0, epochs)
        return fig
