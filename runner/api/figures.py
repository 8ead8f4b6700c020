"""The figures of a study, as matplotlib draws them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.reporting.material import Material, Question
from runner.reporting.plotting import draw
from tricks.errors import BadInput

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Plots:
    """Each method draws a figure. A notebook shows it; `.savefig("file.pdf")` writes it.

    material: gives the study's analysis for a question. Each method raises BadInput if the runs do
    not allow the figure.
    """

    material: Callable[[Question], Material]

    def effects(self, metric: str = "accuracy") -> Figure:
        """Every effect with its interval, and what is negligible."""
        from runner.reporting.plots.forest import forest

        return _drawn("effects", draw(forest, self._of(metric).analysis))

    def noise(self, metric: str = "accuracy") -> Figure:
        """How interval widths would shrink with more runs or more test images."""
        from runner.reporting.plots.noise_panel import noise_panel

        return _drawn("noise", draw(noise_panel, self._of(metric).analysis))

    def seeds(self, metric: str = "accuracy") -> Figure:
        """Every run as a point."""
        from runner.reporting.plots.seeds import seeds

        found = self._of(metric)
        runs = found.experiment
        return _drawn("seeds", draw(seeds, found.analysis, runs.runs, runs.factors))

    def interactions(self, metric: str = "accuracy") -> Figure:
        """How much the effect of each factor changes with each other factor."""
        from runner.reporting.plots.heatmap import heatmap

        return _drawn("interactions", draw(heatmap, self._of(metric).analysis))

    def accuracy_time(self, metric: str = "accuracy") -> Figure:
        """Each arm's metric against its training time, with the Pareto front."""
        from runner.reporting.plots.pareto import pareto

        return _drawn("accuracy-time", draw(pareto, self._of(metric).analysis))

    def learning_curves(self, metric: str = "accuracy") -> Figure:
        """Validation accuracy by epoch."""
        from runner.reporting.plots.learning import learning

        found = self._of(metric)
        runs = found.experiment
        drawn = draw(learning, found.analysis, runs.runs, found.curves, runs.factors)
        return _drawn("learning curves", drawn)

    def steps(self, metric: str = "accuracy") -> Figure:
        """What each step of a cumulative study adds."""
        from runner.designs.layout import CUMULATIVE
        from runner.reporting.plots.waterfall import waterfall

        analysis = self._of(metric).analysis
        drawn = draw(waterfall, analysis) if analysis.layout == CUMULATIVE else None
        return _drawn("steps", drawn)

    def _of(self, metric: str) -> Material:
        return self.material(Question(metric))


def _drawn(title: str, figure: Figure | None) -> Figure:
    if figure is None:
        raise BadInput(
            f"these runs do not allow the figure of {title}: `found.analysis().notes` may say why"
        )
    return figure
