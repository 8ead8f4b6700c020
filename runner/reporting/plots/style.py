"""The style of all plots: colour-blind safe, legible on a web page, the same bytes every time."""

from __future__ import annotations

import io
import textwrap
from pathlib import Path
from typing import Any, Literal

import matplotlib

matplotlib.use("Agg")

from matplotlib.figure import Figure
from matplotlib.text import Text

from runner.text import visible

# Okabe & Ito 2008, without yellow, which is hard to see on white.
BLUE, ORANGE, GREEN, RED, PURPLE, SKY, BLACK = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#222222",
)  # fmt: skip
GREY = "#8A8A8A"
GRID, BAND, PAPER = "#E4E4E4", "#EFEFEF", "#FFFFFE"  # PAPER: what hides lines behind a label
# Colours that a page replaces, in light and in dark mode.
THEMED = {BLACK: "ink", GREY: "grey", GRID: "grid", BAND: "band", PAPER: "paper"}
CYCLE = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY, BLACK)
DASHES: tuple[Literal["-", "--", "-.", ":"], ...] = ("-", "--", "-.", ":")

# Verdicts differ in colour and in marker.
VERDICTS = {
    "helps": (GREEN, "^"), "hurts": (RED, "v"), "negligible": (GREY, "s"),
    "depends": (PURPLE, "D"), "undecided": (BLUE, "o"), "raises": (ORANGE, "^"),
    "lowers": (ORANGE, "v"),
}  # fmt: skip
PLACEBO = ("#555555", "X")  # the factor that changes nothing

RC: Any = {
    "svg.hashsalt": "tricks-bench", "svg.fonttype": "path", "font.size": 11,
    "font.family": "DejaVu Sans", "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "grid.color": GRID, "text.color": BLACK, "axes.labelcolor": BLACK,
    "axes.edgecolor": BLACK, "xtick.color": BLACK, "ytick.color": BLACK, "axes.axisbelow": True,
    "legend.frameon": False, "figure.facecolor": "white", "text.parse_math": False,
    "axes.titlesize": 11, "axes.titlelocation": "left",
}  # fmt: skip


def figure(width: float, height: float) -> Figure:
    """An empty figure, in inches, made outside pyplot, which would keep it in memory."""
    return Figure(figsize=(width, height), layout="constrained")


def short(text: str, most: int = 44) -> str:
    """A label that fits beside an axis, without invisible characters."""
    line = visible(" ".join(text.split()))
    return line if len(line) <= most else line[: most - 1] + "…"


def lines(text: str, width: int, most: int) -> str:
    """The text on at most `most` lines of `width` letters; the last line is cut if needed.

    >>> lines("what the network looked at", 16, 2)
    'what the network\\nlooked at'
    """
    kept = visible(" ".join(text.split()))
    return "\n".join(textwrap.wrap(kept, width, max_lines=most, placeholder="…"))


def folded(text: str, most: int = 44) -> str:
    """A label on up to two lines, broken between the tricks of an arm.

    >>> folded("cosine + warmup + zero-gamma", 20)
    'cosine + warmup\\n+ zero-gamma'
    """
    if len(text) <= most:
        return short(text, most)
    head = text.rfind(" + ", 0, most)
    if head < 1:
        return short(text, most)
    return f"{short(text[:head], most)}\n{short(text[head + 1 :], most)}"


def encoded(fig: Figure, kind: str, text: bool = False) -> bytes:
    """The figure as .png, .svg or .pdf: the same bytes each time.

    text: for an SVG within a page, which keeps text as text and has no background.
    """
    data = io.BytesIO()
    nothing: dict[str, Any] = {
        ".png": {"Software": None},
        ".svg": {"Date": None, "Creator": None},
        ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    }[kind]
    _clean(fig)
    looks = {**RC, "svg.fonttype": "none"} if text else RC
    with matplotlib.rc_context(looks):
        fig.savefig(data, format=kind[1:], dpi=150, metadata=nothing, transparent=text)
    return data.getvalue()


def save(fig: Figure, out: Path, name: str) -> str:
    """Write out/name.png and out/name.svg; returns the PNG's name."""
    _clean(fig)
    with matplotlib.rc_context(RC):
        fig.savefig(out / f"{name}.png", dpi=150, metadata={"Software": None})
        fig.savefig(out / f"{name}.svg", metadata={"Date": None, "Creator": None})
    return f"{name}.png"


def _clean(fig: Figure) -> None:
    """Remove invisible characters from all text: a control character makes an SVG invalid."""
    for text in fig.findobj(Text):
        text.set_text(visible(text.get_text()))
