"""Notes on the model of a factorial: its error term, its fit, and terms that are not in it."""

from __future__ import annotations

import numpy as np

from runner.analysis.data.arm_statistics import group
from runner.analysis.data.experiment import Experiment
from runner.analysis.model.factorial import Factorial, clear_mains, prepare
from runner.analysis.model.grid_effects import name
from runner.analysis.model.regression import FEWEST_DF

SOURCES = {
    "replicates": "replicates: each arm's own sd, Satterthwaite's df",
    "pooled": "replicates: one sd, pooled over all arms",
    "hc2": "residual after {terms}, HC2 (robust to unequal noise)",
    "classical": "residual after {terms}, constant sd assumed{why}",
    "none": "none: no replicates and no residual degrees of freedom",
}
# With 2 df (48 runs twice) the test finds the three-factor interactions of a recorded grid in 2 of
# 3 studies. If two-factor interactions are not found either, only this note warns of them.
FEW_LACK_DF = 5
NAMED = 4  # most interactions in a note, and most aliases of each


def error_text(fitted: Factorial) -> str:
    """The error term in words, with a flag where interactions are in the residual."""
    terms = "all estimable two-factor interactions" if fitted.interactions else "main effects only"
    few = fitted.fit.df < FEWEST_DF
    why = " (too few residual df for HC2)" if few else ""
    text = SOURCES[fitted.fit.error].format(terms=terms, why=why)
    if not fitted.interactions and fitted.fit.error in ("hc2", "classical"):
        text += "; interactions, if any, are part of it"
        text += " but not of the effects" if clear_mains(fitted) else " and may bias the effects"
    without = _without(fitted)
    text += f"; without {without}" if without else ""
    lack = fitted.fit.lack
    if lack is None:
        return text
    test = f"F({lack.df}, {lack.pure_df}) = {lack.mean_square / lack.pure:.3g}, p = {lack.p:.2g}"
    if lack.used:
        why = "larger than the replicates' noise"
        if not lack.significant:
            why = f"because interactions are real (p = {lack.interactions:.2g})"
        out = f" without {without}" if without else ""
        how = ""
        if fitted.fit.split is not None:
            how = ", split by REML into noise and interactions"
        return f"lack of fit of the arms' means to {terms}{out}{how}, {why}: {test}"
    return f"{text}; lack of fit {'significant' if lack.significant else 'not significant'}: {test}"


def _without(fitted: Factorial) -> str:
    """The interactions taken out of the error term, in words; empty if there are none."""
    large = fitted.fit.large
    if large is None or not large.members:
        return ""
    order = {2: "two", 3: "three"}[len(large.members[0][0])]
    if large.everything:
        mixed = ", except for effects that these arms mix with them" if np.any(large.shift) else ""
        return f"all {large.df} visible interactions of {order} factors{mixed}"
    return f"the interactions of {order} factors that stand out of it ({large.df} df)"


def model_notes(experiment: Experiment, fitted: Factorial, lenth: bool) -> list[str]:
    """Notes on the model behind a factorial's effects.

    lenth: whether Lenth's pseudo standard error is used because there are no error df.
    """
    notes = []
    for share, (factor, levels) in zip(fitted.weights, experiment.factors.items(), strict=True):
        if fitted.interactions and share.max() - share.min() > 0.1:
            said = ", ".join(f"{a} {b:.0%}" for a, b in zip(levels, share, strict=True))
            notes.append(f"Averages over the grid weight {factor} as the design does: {said}.")
    if not fitted.interactions and len(fitted.coding.mains) > 1:
        why = "too few arms to separate them"
        if _separable(experiment):
            why = "separating them needs the arms without a usable run"
        notes.append(
            f"Two-factor interactions are not in the model ({why}): "
            + (
                "main effects are clear of them, and they are part of the error term."
                if clear_mains(fitted)
                else "effects hold if there are no interactions."
            )
        )
    note = large_interactions_note(experiment, fitted)
    if note:
        notes.append(note)
    misfit = fit_note(fitted)
    if misfit:
        notes.append(misfit)
    if fitted.fit.error == "none" and not lenth:
        notes.append("No intervals: there are as many terms as arms. Intervals need more seeds.")
    return notes


def large_interactions_note(experiment: Experiment, fitted: Factorial) -> str | None:
    """A note on interactions that are not in the error term, as they stand out; None if none."""
    large = fitted.fit.large
    if large is None or large.everything or not large.members:
        return None
    said = []
    for members in large.members[:NAMED]:
        names = [
            " × ".join(name(experiment, fitted.coding.mains[i]) for i in one)
            for one in members[:NAMED]
        ]
        more = [f"{len(members) - NAMED} more"] if len(members) > NAMED else []
        said.append(" or ".join([*names, *more]))
    more = [f"and {len(large.members) - NAMED} more"] if len(large.members) > NAMED else []
    freed = ", and is removed from the effects that are partly mixed with it"
    return (
        f"These interactions stand out of the error: {'; '.join([*said, *more])}. Each is left out "
        f"of the error term{freed if np.any(large.shift) else ''}. If an equally large interaction "
        "is aliased with an effect in these arms, the interval of that effect does not cover it."
    )


def _separable(experiment: Experiment) -> bool:
    """Whether all arms, also lost ones, separate two-factor interactions from main effects."""
    codes = experiment.codes
    return bool(prepare(group(codes, np.zeros(len(codes))), experiment.sizes)[0].pairs)


def fit_note(fitted: Factorial) -> str | None:
    """A note on the consequence of a model that does not fit its arms; None if it fits."""
    lack = fitted.fit.lack
    if lack is None:
        return None
    if not lack.significant and lack.used:
        return (
            "Two-factor interactions are real, so three-factor interactions may be real too. "
            "Averages over a fraction are mixed with them. Their intervals use the deviation of "
            f"the arms' means from the model, a mean square of {lack.mean_square:,.4g} on "
            f"{lack.df} df, instead of the replicates' {lack.pure:,.4g}."
        )
    if not lack.significant:
        if not (lack.missing and fitted.interactions and lack.df < FEW_LACK_DF):
            return None
        return (
            f"Lack of fit has only {lack.df} df, so it often misses interactions of three or more "
            "factors. Averages over a fraction are mixed with them. If these interactions are "
            "large, intervals are too narrow; a larger fraction would show them."
        )
    said = (
        "Interactions that are not in the model are real: the mean square of the arms' means about "
        f"the model is {lack.mean_square:,.4g} on {lack.df} df, that of the replicates "
        f"{lack.pure:,.4g}."
    )
    if not lack.used:
        return (
            f"{said} All arms are there with equal numbers of runs, so averages over the grid are "
            "not mixed with these interactions."
        )
    taken = "the larger mean square"
    if fitted.fit.split is not None:
        taken = "the part of it that REML assigns to each average"
    elif lack.rest_df < lack.df:
        taken = f"the rest of it, {lack.rest:,.4g} on {lack.rest_df} df"
    return (
        f"{said} In a fraction, or where arms have unequal numbers of runs, averages over the grid "
        "are mixed with these interactions (at resolution IV main effects with three-factor "
        f"interactions). So the intervals of averages use {taken}. Interactions are tested against "
        "the replicates' noise: a real interaction may be one of higher order."
    )
