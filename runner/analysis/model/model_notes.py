"""The model of a factorial in words: its error term, its fit, and what is not in it."""

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
# With 2 df (48 runs twice) the test finds the interactions of three factors of a recorded grid in
# 2 of 3 studies; where those of two are not seen either, nothing else would tell.
FEW_LACK_DF = 5
NAMED = 4  # interactions, and as many that each may be, to name


def error_text(fitted: Factorial) -> str:
    """The error term in words, with a flag where interactions are in the residual."""
    terms = "all estimable two-factor interactions" if fitted.interactions else "main effects only"
    few = fitted.fit.df < FEWEST_DF
    why = " (too few residual df for HC2)" if few else ""
    text = SOURCES[fitted.fit.error].format(terms=terms, why=why)
    if not fitted.interactions and fitted.fit.error in ("hc2", "classical"):
        text += "; interactions, if any, are in it"
        text += ", not in the effects" if clear_mains(fitted) else " and may bias the effects"
    without = _without(fitted)
    text += f"; without {without}" if without else ""
    lack = fitted.fit.lack
    if lack is None:
        return text
    test = f"F({lack.df}, {lack.pure_df}) = {lack.mean_square / lack.pure:.3g}, p = {lack.p:.2g}"
    if lack.used:
        why = "larger than the replicates' noise"
        if not lack.significant:
            why = f"as interactions are real (p = {lack.interactions:.2g})"
        out = f" without {without}" if without else ""
        how = ""
        if fitted.fit.split is not None:
            how = ", split by REML into noise and interactions"
        return f"lack of fit of the arms' means to {terms}{out}{how}, {why}: {test}"
    return f"{text}; lack of fit {'significant' if lack.significant else 'not significant'}: {test}"


def _without(fitted: Factorial) -> str:
    """What is taken out of the error term, in words; empty if nothing is."""
    apart = fitted.fit.apart
    if apart is None or not apart.members:
        return ""
    order = {2: "two", 3: "three"}[len(apart.members[0][0])]
    if apart.everything:
        mixed = ", but for effects that these arms mix with them" if np.any(apart.shift) else ""
        return f"all {apart.df} visible interactions of {order} factors{mixed}"
    return f"what stands out of it ({apart.df} of the interactions of {order} factors)"


def model_notes(experiment: Experiment, fitted: Factorial, lenth: bool) -> list[str]:
    """What a reader of a factorial's effects has to know of the model behind them.

    lenth: whether Lenth's pseudo standard error stands in where there are no error df.
    """
    notes = []
    for share, (factor, levels) in zip(fitted.weights, experiment.factors.items(), strict=True):
        if fitted.interactions and share.max() - share.min() > 0.1:
            said = ", ".join(f"{a} {b:.0%}" for a, b in zip(levels, share, strict=True))
            notes.append(f"Averages over the grid weigh {factor} as its design does: {said}.")
    if not fitted.interactions and len(fitted.coding.mains) > 1:
        why = "too few arms to separate them"
        if _separable(experiment):
            why = "the arms without a usable run were needed to separate them"
        notes.append(
            f"Two-factor interactions are not in the model ({why}): "
            + (
                "main effects are clear of them, and they are in the error term."
                if clear_mains(fitted)
                else "effects hold if there are none."
            )
        )
    apart = apart_note(experiment, fitted)
    if apart:
        notes.append(apart)
    misfit = fit_note(fitted)
    if misfit:
        notes.append(misfit)
    if fitted.fit.error == "none" and not lenth:
        notes.append("No interval: there are as many terms as arms. More seeds would give some.")
    return notes


def apart_note(experiment: Experiment, fitted: Factorial) -> str | None:
    """Which interactions are not in the error term since they stand out of it; None if none."""
    apart = fitted.fit.apart
    if apart is None or apart.everything or not apart.members:
        return None
    said = []
    for members in apart.members[:NAMED]:
        names = [
            " × ".join(name(experiment, fitted.coding.mains[i]) for i in one)
            for one in members[:NAMED]
        ]
        more = [f"{len(members) - NAMED} more"] if len(members) > NAMED else []
        said.append(" or ".join([*names, *more]))
    more = [f"and {len(apart.members) - NAMED} more"] if len(apart.members) > NAMED else []
    freed = "; effects that are partly mixed with it are freed of it" if np.any(apart.shift) else ""
    return (
        f"As far as these runs tell, what stands out of the error is {'; '.join([*said, *more])}. "
        f"It is not in the error term{freed}. Where an interaction as large is the same as an "
        "effect in these arms, that effect's interval does not hold it."
    )


def _separable(experiment: Experiment) -> bool:
    """Whether the arms as run, lost ones too, hold two-factor interactions beside main effects."""
    codes = experiment.codes
    return bool(prepare(group(codes, np.zeros(len(codes))), experiment.sizes)[0].pairs)


def fit_note(fitted: Factorial) -> str | None:
    """What a model that does not fit its arms means for the effects; None if it fits."""
    lack = fitted.fit.lack
    if lack is None:
        return None
    if not lack.significant and lack.used:
        return (
            "Interactions of two factors are real, so those of three, with which averages over a "
            "fraction are mixed, may be so too: their intervals take the deviation of the arms' "
            f"means from the model, a mean square of {lack.mean_square:,.4g} on {lack.df} df, "
            f"rather than the replicates' {lack.pure:,.4g}."
        )
    if not lack.significant:
        if not (lack.missing and fitted.interactions and lack.df < FEW_LACK_DF):
            return None
        return (
            f"Lack of fit rests on {lack.df} df: it would often miss interactions of three or more "
            "factors, with which averages over a fraction are mixed. If those may be large, "
            "intervals are too narrow; a larger fraction would tell."
        )
    said = (
        "Interactions beyond those in the model are real: the arms' means deviate from it by a "
        f"mean square of {lack.mean_square:,.4g} on {lack.df} df, the replicates by "
        f"{lack.pure:,.4g}."
    )
    if not lack.used:
        return (
            f"{said} Every arm is there, with as many runs as the others, so averages over the "
            "grid are not mixed with them."
        )
    taken = "the larger mean square"
    if fitted.fit.split is not None:
        taken = "what REML's split of it finds in each"
    elif lack.rest_df < lack.df:
        taken = f"what is left of it, {lack.rest:,.4g} on {lack.rest_df} df"
    return (
        f"{said} In a fraction, or where arms have unequal numbers of runs, averages over the grid "
        "are mixed with them (at resolution IV main effects with three-factor interactions), so "
        f"their intervals take {taken}. Interactions are tested against the replicates' noise: a "
        "real one may stand for one of higher order."
    )
