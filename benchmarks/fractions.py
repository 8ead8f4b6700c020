"""How often a fraction's intervals contain the whole factorial's effects, and the saved runs.

`python -m benchmarks.fractions` reads a recorded full factorial with many seeds. One half of each
arm's seeds, analyzed as the full grid, serves as the truth. Each design draws its runs from the
other half, many times, with other factors in its columns, other levels as references, and other
seeds. So every draw is a study that could have been run.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from runner.analysis.analyze import analyze
from runner.analysis.data.estimates import wilson
from runner.analysis.data.experiment import Experiment
from runner.analysis.to_json import to_json
from runner.designs.factor import Factor, Level
from runner.designs.registry import make
from runner.records.export import read_export
from runner.studies.experiments import experiment as as_experiment
from tricks.recipe import Recipe

RECORDED = Path("results/ten-epochs/digits-five")
OUT = Path("reports/reference/fractions")
NOTE = (
    "*The truth is the analysis of half of the recorded seeds. It has an error of its own, small "
    "for averages over the grid; at the baseline it rests on a few runs of two arms, so there only "
    "the column that allows for it counts. Real effects are those that the truth calls helps or "
    "hurts. One at a time: runs of an add-one study with such a median half-width, by the recorded "
    "sd.*"
)


@dataclass(frozen=True)
class Row:
    """One design over all its draws. Shares in 0..1, half-widths in pp.

    held: share of intervals that contain the truth's estimate. held_low, held_high: Wilson's 95 %
    interval with the number of draws, since the effects of one draw are dependent.
    held_both: share within both errors, including the truth's error.
    alone: runs with which one-at-a-time comparisons would have equally short intervals.
    called: share of the truth's helps and hurts that the design also calls helps or hurts.
    wrong: share of all effects called with the opposite sign.
    """

    design: str
    estimand: str
    runs: int
    draws: int
    held: float
    held_low: float
    held_high: float
    held_both: float
    half_width: float
    alone: int
    called: float
    wrong: float


def split(runs: pd.DataFrame, names: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Each arm's first half of seeds, in the order of the study, and the other half."""
    place = runs.groupby(names, sort=False).cumcount()
    size = runs.groupby(names, sort=False)["id"].transform("size")
    return runs[place < size // 2], runs[place >= size // 2]


def design_arms(grid: str, count: int, runs: int | None) -> list[tuple[int, ...]]:
    """The arms of the tool's design over `count` nameless factors of two levels."""
    levels = (Level("off"), Level("on"))
    factors = [Factor(f"x{i}", levels, "trick") for i in range(count)]
    return list(make(grid, factors, Recipe(), runs=runs))


def draws(
    arms: list[tuple[int, ...]],
    fresh: dict[tuple[int, ...], list[int]],
    number: int,
    balanced: bool,
) -> Iterator[list[int]]:
    """Row numbers of `number` random studies: columns and levels shuffled, seeds drawn.

    balanced: whether levels may be swapped, which one-at-a-time arms do not allow.
    """
    source = np.random.default_rng(0)
    width = len(arms[0])
    for _ in range(number):
        columns = source.permutation(width)
        flips = source.integers(2, size=width) if balanced else np.zeros(width, dtype=int)
        chosen = [tuple(int(x) for x in np.array(arm)[columns] ^ flips) for arm in arms]
        left = {arm: list(source.permutation(rows)) for arm, rows in fresh.items()}
        yield [int(left[arm].pop()) for arm in chosen]


def effects(found: Experiment, estimand: str | None = None) -> dict[str, dict[str, Any]]:
    """The effects of `found` by factor, each interval of its effect alone."""
    answer = to_json(analyze(found, "accuracy", estimand))
    return {e["factor"]: e for e in answer["effects"]}


def measure(
    name: str,
    grid: str,
    arms: list[tuple[int, ...]],
    whole: Experiment,
    truth: dict[str, dict[str, Any]],
    fresh: dict[tuple[int, ...], list[int]],
    number: int,
) -> Row:
    """One row: `number` studies of `arms`, each against the truth."""
    estimand = "baseline" if grid == "add-one" else "grid"
    held, both, halves, called, wrong, sure = [], [], [], [], [], []
    for rows in draws(arms, fresh, number, balanced=estimand == "grid"):
        part = replace(whole, runs=whole.runs.loc[rows], grid=grid, notes=())
        for factor, e in effects(part).items():
            low, high = e["ci_alone"] or (math.nan, math.nan)
            true = truth[factor]
            error = math.hypot(e["se"] or math.nan, true["se"])
            held.append(low <= true["effect"] <= high)
            both.append(abs(e["effect"] - true["effect"]) <= stats.t.isf(0.025, e["df"]) * error)
            halves.append((high - low) / 2)
            sign = {"helps": 1, "hurts": -1}.get(e["verdict"], 0)
            real = {"helps": 1, "hurts": -1}.get(true["verdict"], 0)
            wrong.append(sign * np.sign(true["effect"]) < 0)
            if real:
                called.append(sign == real)
                sure.append(factor)
    low, high = wilson(round(np.mean(held) * number), number)
    return Row(
        name, estimand, len(arms), number, float(np.mean(held)), low, high, float(np.mean(both)),
        float(np.median(halves)), one_at_a_time(whole, float(np.median(halves))),
        float(np.mean(called)) if called else math.nan, float(np.mean(wrong)),
    )  # fmt: skip


def one_at_a_time(whole: Experiment, half_width: float) -> int:
    """Runs of an add-one study (every arm the same number) with such a median half-width.

    From the recorded sd of the baseline and of the arms with one change, all seeds taken.
    """
    names = list(whole.factors)
    changed = np.stack(
        [whole.runs[name].ne(levels[0]).to_numpy() for name, levels in whole.factors.items()]
    ).sum(axis=0)
    near = whole.runs[changed <= 1]
    variances = near.groupby(names, sort=False)["accuracy"].var()
    base = variances.loc[tuple(levels[0] for levels in whole.factors.values())]
    others = variances.drop(tuple(levels[0] for levels in whole.factors.values()))
    seeds = 2
    while True:
        se = np.sqrt((base + others) / seeds)
        if stats.t.isf(0.025, 2 * (seeds - 1)) * float(np.median(se)) <= half_width:
            return seeds * len(variances)
        seeds += 1


def table(rows: list[Row]) -> str:
    """The rows as Markdown."""
    lines = [
        "| design | estimand | runs | intervals that hold the truth | allowing for the truth's own "
        "error | median half-width (pp) | runs one at a time for that | real effects called | "
        "called with the wrong sign |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        where = "at the baseline" if row.estimand == "baseline" else "averaged over the grid"
        lines.append(
            f"| {row.design} | {where} | {row.runs} | {row.held:.1%} ({row.held_low:.0%} to "
            f"{row.held_high:.0%}) | {row.held_both:.1%} | {row.half_width:.2f} | "
            f"{row.alone} | {row.called:.0%} | {row.wrong:.1%} |"
        )
    return "\n".join(lines)


def picture(rows: list[Row], out: Path) -> None:
    """Coverage of each design, and half-width against runs."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    from runner.reporting.plots.style import RC

    with matplotlib.rc_context(RC):
        fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
        # At the baseline eight runs serve as the truth: too few to count coverage.
        grids = [row for row in rows[::-1] if row.estimand == "grid"]
        for y, row in enumerate(grids):
            ends = [100 * row.held_low, 100 * row.held_high]
            left.plot(ends, [y, y], color="#0072B2", linewidth=2)
            left.plot(100 * row.held, y, "o", color="#0072B2")
        left.axvline(95, color="black", linewidth=1, linestyle="--")
        left.set_yticks(range(len(grids)), [f"{row.design}: {row.runs} runs" for row in grids])
        left.set_xlabel("intervals that hold the full factorial's effect (%)")
        for estimand, colour, marker, label in (
            ("grid", "#0072B2", "o", "factorial designs: average over the grid"),
            ("baseline", "#D55E00", "s", "one at a time: effect at the baseline"),
        ):
            mine = sorted((row.runs, row.half_width) for row in rows if row.estimand == estimand)
            right.plot(*zip(*mine, strict=True), marker, color=colour, label=label)
        right.set_xscale("log")
        right.set_xticks([12, 16, 24, 32, 48, 64], ["12", "16", "24", "32", "48", "64"])
        right.minorticks_off()
        right.set_ylim(bottom=0)
        right.set_xlabel("runs")
        right.set_ylabel("median half-width of a 95 % interval (pp)")
        right.legend(fontsize=9)
        fig.savefig(out / "fractions.png", dpi=150)
        fig.savefig(out / "fractions.svg")
        plt.close(fig)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recorded", type=Path, default=RECORDED, help="an exported full grid")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--draws", type=int, default=200)
    asked = parser.parse_args()
    found = read_export(asked.recorded)
    whole = as_experiment(found.study, found.runs.reset_index(drop=True))
    names = list(whole.factors)
    # Without the bits of the test images, which some thousand studies would analyze, too.
    whole = replace(whole, runs=whole.runs[["id", "state", "seed", "accuracy", *names]])
    first, second = split(whole.runs, names)
    average = effects(replace(whole, runs=first))
    baseline = effects(replace(whole, runs=first), "baseline")
    fresh: dict[tuple[int, ...], list[int]] = {}
    levels = [list(whole.factors[name]) for name in names]
    for row, arm in zip(second.index, second[names].to_numpy(), strict=True):
        key = tuple(known.index(str(x)) for known, x in zip(levels, arm, strict=True))
        fresh.setdefault(key, []).append(int(row))
    count = len(names)
    seeds = min(map(len, fresh.values()))
    one = design_arms("add-one", count, None)
    chosen = [
        ("fraction, 12 chosen by exchange", "fraction", design_arms("fraction", count, 12)),
        ("fraction, half the grid", "fraction", design_arms("fraction", count, 16)),
        ("screen", "screen", design_arms("screen", count, None)),
        ("full, once", "full", design_arms("full", count, None)),
        ("half the grid, three times", "fraction", 3 * design_arms("fraction", count, 16)),
        ("full, twice", "full", 2 * design_arms("full", count, None)),
        *(
            (f"add-one, {n} seeds", "add-one", n * one)
            for n in (3, 5)
            if n < seeds  # of all seeds there is but one draw
        ),
    ]  # fmt: skip
    rows = [
        measure(
            name, grid, arms, whole, baseline if grid == "add-one" else average, fresh, asked.draws
        )
        for name, grid, arms in chosen
    ]
    asked.out.mkdir(parents=True, exist_ok=True)
    truth = {
        f: {k: e[k] for k in ("effect", "ci_low", "ci_high", "verdict")} for f, e in average.items()
    }
    content = {
        "recorded": str(asked.recorded),
        "truth": truth,
        "rows": [asdict(row) for row in rows],
    }
    (asked.out / "fractions.json").write_text(json.dumps(content, indent=1) + "\n")
    text = f"{table(rows)}\n\n{NOTE}"
    (asked.out / "fractions.md").write_text(text + "\n")
    picture(rows, asked.out)
    print(text)


if __name__ == "__main__":
    main()
