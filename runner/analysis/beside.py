"""What stands beside the effects: test-image noise, pairing at equal seeds, accuracy and cost."""

from __future__ import annotations

from dataclasses import replace

from runner.analysis.comparisons.pairing import pairing
from runner.analysis.data.experiment import Experiment
from runner.analysis.effects import Analysis
from runner.analysis.pareto import pareto
from runner.analysis.published import published
from runner.analysis.test_set.noise_floor import floor
from runner.analysis.test_set.population import with_population
from runner.designs.layout import FACTORIAL


def with_beside(experiment: Experiment, analysis: Analysis) -> Analysis:
    """The analysis with each effect in general, and the JSON keys `noise`, `pairing`, `floor`,
    `published` and `pareto`."""
    found = with_population(experiment, analysis)
    also = {
        "pairing": pairing(experiment, analysis.metric),
        "floor": floor(experiment, analysis),
        "published": published(experiment.factors),
        "pareto": pareto(experiment, analysis.metric, analysis.layout == FACTORIAL),
    }
    return replace(found, beside={**found.beside, **also})
