"""A plot as a figure of a document."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ParamSpec

from runner.reporting.document import Figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

P = ParamSpec("P")


def draw(plot: Callable[P, Picture | None], *args: P.args, **kwargs: P.kwargs) -> Picture | None:
    """`plot` of its arguments, drawn in the common style of all plots."""
    import matplotlib

    from runner.reporting.plots.style import RC

    with matplotlib.rc_context(RC):
        return plot(*args, **kwargs)


def figure(
    name: str, alt: str, plot: Callable[P, Picture | None], *args: P.args, **kwargs: P.kwargs
) -> Figure | None:
    """The plot as a block; None where the data do not allow it.

    name: of its files; alt: a description in words.
    """
    drawn = draw(plot, *args, **kwargs)
    return None if drawn is None else Figure(name, alt, drawn)
