"""Learning-rate curves, computed for every step from the recipe in the records."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from runner.analysis.result import Analysis
from runner.records.json_values import JsonValue
from runner.records.record_schema import Record
from runner.reporting.plots.learning import ids_by_arm
from runner.reporting.plots.style import CYCLE, DASHES, figure, short
from runner.text import counted
from tricks.bag import find, recipe_from_json
from tricks.errors import BadInput
from tricks.learning_rate import curve, warmup_steps

MOST_RATES = 14
MOST_POINTS = 4000  # in one curve
PARTS = ("optimizer", "schedule", "warmup")


@dataclass(frozen=True)
class Rates:
    """One curve. epoch: (n,) from 0; lr: (n,).

    steps: whether each lr holds until the next point (else it was recorded after an epoch).
    """

    epoch: np.ndarray
    lr: np.ndarray
    steps: bool


def learning_rates(
    a: Analysis,
    runs: pd.DataFrame,
    curves: pd.DataFrame,
    records: Sequence[Record],
) -> Figure | None:
    """The distinct learning-rate curves, each named after its simplest arm.

    curves: id, epoch, lr; drawn if the recipe has tricks that are not installed here.
    """
    if "id" not in runs:
        return None
    recipes = {r.id: r for r in records if r.recipe and r.steps}
    noted: dict[str, pd.DataFrame] = {}
    if "lr" in curves and curves["lr"].notna().any():
        noted = _by_run(curves)
    found: dict[str, tuple[str, list[str], int]] = {}
    held = ids_by_arm(a, runs[runs["id"].isin([*recipes, *noted])])
    for name in sorted(held, key=lambda label: label.count(" + ")):
        if held[name]:
            key = _key(held[name], recipes, noted)
            label, ids, count = found.get(key, (name, [], 0))
            found[key] = (label, ids + held[name], count + 1)
    drawn = [(label, _rates(ids, recipes, noted), n) for label, ids, n in found.values()]
    whole = [(label, rates, n) for label, rates, n in drawn if rates is not None]
    return _draw(whole[:MOST_RATES], len(whole)) if whole else None


def _by_run(curves: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The epochs of each run, in order."""
    ordered = curves.sort_values(["id", "epoch"], kind="stable")
    ids = ordered["id"].to_numpy()
    starts = np.flatnonzero(np.append(True, ids[1:] != ids[:-1]))
    ends = np.append(starts[1:], len(ids))
    return {str(ids[i]): ordered.iloc[i:j] for i, j in zip(starts, ends, strict=True)}


def _parts(record: Record) -> dict[str, JsonValue]:
    """The fields of a record's recipe that decide the learning rate."""
    recipe = record.recipe.values if record.recipe else {}
    parts = {name: recipe.get(name) for name in (*PARTS, "epochs", "batch_size")}
    return {**parts, "lr_batch": recipe["lr_batch"]} if recipe.get("lr_batch") else parts


def _key(
    ids: list[str],
    recipes: Mapping[str, Record],
    noted: Mapping[str, pd.DataFrame],
) -> str:
    """A key that is equal for arms with the same curve; it ignores how far a run came."""
    record = next((recipes[i] for i in ids if i in recipes), None)
    if record is None:
        longest = max((noted[i] for i in ids), key=len)
        return json.dumps([f"{x:.6g}" for x in longest["lr"]])
    parts = _parts(record)
    optimizer = parts.pop("optimizer")
    lr = optimizer.get("lr") if isinstance(optimizer, Mapping) else None
    return json.dumps([lr, parts], sort_keys=True)


def _rates(
    ids: list[str],
    recipes: Mapping[str, Record],
    noted: Mapping[str, pd.DataFrame],
) -> Rates | None:
    """The lr of every step by the recipe, or else as recorded by the longest run."""
    record = next((recipes[i] for i in ids if i in recipes), None)
    rates = _computed(record, recipes) if record else None
    if rates is not None:
        return rates
    longest = max((noted[i] for i in ids if i in noted), key=len, default=None)
    if longest is None:
        return None
    return Rates(longest["epoch"].to_numpy(float), longest["lr"].to_numpy(float), False)


def _computed(record: Record, recipes: Mapping[str, Record]) -> Rates | None:
    """The curve of this record's recipe; None if a trick is unknown or of another version."""
    parts = _parts(record)
    data = {name: value for name, value in parts.items() if value is not None}
    like = [r for r in recipes.values() if _length(r) == _length(record)]
    total = max(r.steps or 0 for r in like)  # a run that diverged may have taken fewer
    try:
        # Only the lr of the optimizer counts here.
        tricks = [trick for name in PARTS[1:] if isinstance(trick := data.get(name), Mapping)]
        if any(trick.get("version", 1) != find(str(trick["name"])).version for trick in tricks):
            return None
        recipe = recipe_from_json(data)
        lr = np.array(curve(recipe, total), dtype=float)
        ramp = warmup_steps(recipe, total)
    except (BadInput, AttributeError, KeyError, TypeError, ValueError):
        return None
    if record.warmup_steps not in (None, ramp) and record.steps == total:
        return None  # another version of the formula trained it
    last = record.epochs[-1].lr if record.state == "ok" and record.epochs else None
    if last is not None and not math.isclose(last, lr[-1], rel_tol=1e-6):
        return None  # or the rate was scaled by a set smaller than a batch
    kept = np.unique(np.linspace(0, total - 1, min(total, MOST_POINTS)).astype(int))
    epoch = np.append(kept, total) / total * recipe.epochs
    return Rates(epoch, np.append(lr[kept], lr[-1]), True)


def _length(record: Record) -> tuple[int | None, int | None]:
    return (record.recipe.epochs, record.recipe.batch_size) if record.recipe else (None, None)


def _draw(shown: list[tuple[str, Rates, int]], total: int) -> Figure:
    fig = figure(9, 4.6)
    ax = fig.subplots()
    for i, (label, rates, count) in enumerate(shown):  # the first are wider, to be seen below
        more = f" (+{counted(count - 1, 'arm')})" if count > 1 else ""
        ax.plot(
            rates.epoch, np.where(rates.lr > 0, rates.lr, np.nan), color=CYCLE[i % 7],
            linestyle=DASHES[i // 7 % 4], linewidth=max(1.5, 5 - i),
            marker="" if rates.steps else ".",
            drawstyle="steps-post" if rates.steps else "default",
            label=short(label, 38) + more,
        )  # fmt: skip
    every = np.concatenate([rates.lr for _, rates, _ in shown])
    every = every[np.isfinite(every) & (every > 0)]
    if len(every) and every.max() > 30 * every.min():
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter(lambda x, _: f"{x:g}")
    ax.set_xlabel("epoch")
    ax.set_ylabel("learning rate")
    if total > len(shown):
        ax.set_title(f"{total - len(shown)} more distinct curves are not shown")
    fig.legend(loc="outside right upper", fontsize=9)
    return fig
