"""Confusion matrix: for each true class, the shares of its images predicted as each class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import seaborn as sns
from matplotlib.figure import Figure

from runner.reporting.plots.style import figure, short

NUMBERED = 25  # with more classes, cells have no numbers
LABELLED = 60  # with more classes, the axes have no names


def confusion(names: Sequence[str], counts: np.ndarray) -> Figure:
    """Colours are shares of the true class, numbers are images. counts: (K, K), rows true."""
    count = len(names)
    totals = counts.sum(1, keepdims=True)
    shares = 100 * counts / np.maximum(totals, 1)
    side = min(0.42 * count, 10.5)
    fig = figure(max(2.6 + side, 4.0), max(2.0 + side, 3.4))
    ax = fig.subplots()
    step = 1 if count <= LABELLED else -(-count // 40)
    texts = np.where(counts > 0, counts.astype(str), "") if count <= NUMBERED else False
    sns.heatmap(
        shares, ax=ax, vmin=0, vmax=100, cmap="Blues", square=True, annot=texts, fmt="",
        annot_kws={"fontsize": 8}, linewidths=0.5 if count <= NUMBERED else 0, linecolor="#EEEEEE",
        xticklabels=False, yticklabels=False, rasterized=count > NUMBERED,
        cbar_kws={"label": "share of the true class (%)", "shrink": 0.8},
    )  # fmt: skip
    size = 9 if count <= NUMBERED else 6.5
    places = range(0, count, step)
    labels = [short(names[i], 24) for i in places]
    ax.set_xticks([i + 0.5 for i in places], labels, rotation=90, fontsize=size)
    ax.set_yticks([i + 0.5 for i in places], labels, rotation=0, fontsize=size)
    ax.set_xlabel("predicted class")
    ax.set_ylabel("true class")
    ax.grid(visible=False)
    return fig
