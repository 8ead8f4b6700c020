"""The smallest detectable effect, and the number of runs that would decide each open effect."""

from __future__ import annotations

from dataclasses import replace

from runner.analysis.effects import Effect
from runner.analysis.power import POWER, Detectable, MoreRuns, detectable, more_runs
from runner.analysis.result import Analysis


def with_power(analysis: Analysis) -> Analysis:
    """The analysis with `to_decide` for every undecided effect, and the `detectable` effect.

    `detectable` is the smallest effect that these runs detect with 80 % probability, for the most
    and the least precise row. Both hold for all effects of the table at once (Šidák). Both are
    missing if the error is Lenth's.
    """
    if analysis.by_lenth:
        return analysis
    known = [e for e in analysis.effects if e.estimate.p() is not None]
    tests = max(1, len(known))
    found = [detectable(e.estimate.se, e.estimate.df, POWER, analysis.level, tests) for e in known]
    sizes = [x for x in found if x is not None]
    seen = Detectable(POWER, min(sizes), max(sizes)) if sizes else None
    return replace(
        analysis,
        effects=tuple(
            replace(e, to_decide=_to_decide(e, analysis, tests)) for e in analysis.effects
        ),
        detectable=seen,
    )


def _to_decide(effect: Effect, analysis: Analysis, tests: int) -> MoreRuns | None:
    """Runs still needed, None for an effect that is decided."""
    if effect.verdict != "undecided":
        return None
    more = more_runs(
        effect.estimate, effect.runs, analysis.negligible, analysis.level, tests,
        margin_tests=effect.simultaneous,
    )  # fmt: skip
    if more.runs == 0:  # decided alone, but not after the adjustment for all effects
        return MoreRuns(None, reason="it is at the edge of being decided")
    return more
