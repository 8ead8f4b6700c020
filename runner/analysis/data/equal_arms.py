"""Equal arms: with each shared seed they gave the same network to the last digit."""

from __future__ import annotations

import itertools
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from runner.analysis.data.arm_statistics import distinct
from runner.analysis.data.experiment import Experiment, succeeded
from runner.analysis.data.labels import arm_label, level_names
from runner.text import some_of

LOSSES = ("loss", "val_loss")  # with ten or more digits; equal values are no coincidence
FIGURES = (*LOSSES, "accuracy", "val_accuracy", "probe_accuracy", "correct", "weights_sha256")
SHOWN = 6  # most arms that a note names


@dataclass(frozen=True)
class EqualArms:
    """Labels of equal arms, and the number of seeds that show it."""

    arms: tuple[str, ...]
    seeds: int

    def __str__(self) -> str:
        named = some_of([f"`{label}`" for label in self.arms], SHOWN)
        seeds = f"each of {self.seeds} shared seeds" if self.seeds > 1 else "the one shared seed"
        return (
            f"The arms {named} gave the same network with {seeds}. Their difference changed "
            "nothing, so they are not independent results."
        )


def equal_arms(experiment: Experiment) -> tuple[EqualArms, ...]:
    """Sets of arms whose finished runs agree in all figures for each seed that they share.

    Empty if runs have no seed or no loss. A run that is in two arms agrees with itself.
    """
    runs = experiment.runs
    known = [name for name in FIGURES if name in runs]
    if "seed" not in runs or not set(known) & set(LOSSES):
        return ()
    codes, where = distinct(experiment.codes)
    frame = runs[["seed", *known]].assign(arm=where)
    frame = frame[succeeded(runs) & frame[[n for n in LOSSES if n in known]].notna().any(axis=1)]
    seeds = frame.groupby("arm")["seed"].agg(set)
    alike = _alike(frame[frame.duplicated(["seed", *known], keep=False)], known)
    same = {
        pair: shared for pair, shared in alike.items() if shared == seeds[pair[0]] & seeds[pair[1]]
    }
    labels = [arm_label(level_names(experiment.factors, arm), experiment.factors) for arm in codes]
    left, found = sorted({arm for pair in same for arm in pair}), []
    while left:
        members = [left[0], *(arm for arm in left[1:] if (left[0], arm) in same)]
        left = [arm for arm in left if arm not in members]
        if len(members) > 1:
            shown = min(len(same[pair]) for pair in itertools.product(members[:1], members[1:]))
            found.append(EqualArms(tuple(labels[arm] for arm in members), shown))
    return tuple(found)


def _alike(frame: pd.DataFrame, known: list[str]) -> dict[tuple[int, int], set[Hashable]]:
    """(arm, later arm) -> the seeds for which all figures agree."""
    found: dict[tuple[int, int], set[Hashable]] = {}
    for _, rows in frame.groupby(["seed", *known], dropna=False):
        seed = rows["seed"].iloc[0]
        for pair in itertools.combinations(np.unique(rows["arm"]).tolist(), 2):
            found.setdefault(pair, set()).add(seed)
    return found
