"""Results beside the effects: test-image noise, pairing at equal seeds, accuracy and cost."""

from __future__ import annotations

from dataclasses import replace

from runner.analysis.comparisons.pairing import pairing
from runner.analysis.data.experiment import Experiment
from runner.analysis.pareto import pareto
from runner.analysis.published import published
from runner.analysis.result import Analysis
from runner.analysis.test_set.noise_floor import noise_floor
from runner.analysis.test_set.population import with_population
from runner.designs.layout import FACTORIAL


def with_beside(experiment: Experiment, analysis: Analysis) -> Analysis:
    """The analysis with each effect in general, and `noise`, `pairing`, `floor`, `published` and
    `pareto`."""
    metric = analysis.metric
    return replace(
        with_population(experiment, analysis),
        pairing=pairing(experiment, metric),
        floor=noise_floor(experiment, metric, analysis.effects, analysis.level),
        published=published(experiment.factors),
        pareto=pareto(experiment, metric, analysis.layout == FACTORIAL),
    )
