"""How often the tool's intervals and verdicts are right, for a design and a kind of noise.

Each function simulates studies with known truth and returns a row of docs/coverage.md. The tests
call the same functions with fewer studies.
"""

from __future__ import annotations

import base64
import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from benchmarks import procedures
from benchmarks.best_arm import best_arm
from benchmarks.comparisons import compared
from benchmarks.in_general import in_general
from benchmarks.looks import looks
from benchmarks.populations import (
    Array,
    Population,
    constant,
    digits_five,
    digits_full,
    fixed,
    recorded_runs,
    without_effects,
)
from benchmarks.procedures import Found
from benchmarks.simulation import Layout, layout
from runner.designs.hadamard import hadamard

FIVE, NINE, BAG = (2,) * 5, (2,) * 9, (2, 2, 2, 2, 3, 2, 2, 2, 2)
COLUMNS = 20  # random columns of a placebo
FORBIDDEN = ((2, 1, 3, 1), (6, 1, 7, 1))  # two pairs of tricks that exclude each other
SHUFFLED = "digits, shuffled"
PLAIN = ("constant", "constant, interactions")
NOISES = {
    "five": (*PLAIN, "digits", "digits, runs resampled", SHUFFLED),
    "nine": (*PLAIN, SHUFFLED),
    "bag": (*PLAIN, SHUFFLED),
}


@dataclass(frozen=True)
class Row:
    """Shares in 0..1, None where they do not apply. lowest: the smallest coverage of an effect.

    together: all simultaneous intervals hold. family: some effect is called helps or hurts although
    none is real. negligible: an effect as large as the margin is called negligible (the worst one).
    """

    procedure: str
    design: str
    noise: str
    studies: int
    coverage: float | None = None
    lowest: float | None = None
    together: float | None = None
    family: float | None = None
    negligible: float | None = None
    placebo: float | None = None
    note: str = ""


@functools.cache
def populations(kind: str) -> dict[str, Population]:
    """Populations by name. kind: five (2^5), nine (2^9), bag (2^8 × 3)."""
    sizes = {"five": FIVE, "nine": NINE, "bag": BAG}[kind]
    found = {"constant": constant(sizes), "constant, interactions": constant(sizes, True)}
    if kind == "five":
        real = digits_five()
        found |= {"digits": real, "digits, runs resampled": digits_five(resampled=True)}
    else:
        real = digits_full(two_level=kind == "nine")
    found["digits, shuffled"] = replace(real, name=f"{real.name}, shuffled", shuffled=True)
    return found


def _design(
    grid: str, sizes: tuple[int, ...], seeds: int = 1, runs: int | None = None,
    forbidden: tuple[tuple[int, int, int, int], ...] = (),
) -> Callable[..., Layout]:  # fmt: skip
    """(placebo, draw) -> the layout; see `layout`."""

    def make(placebo: bool = False, draw: int = 0) -> Layout:
        return layout(grid, sizes, seeds, runs, placebo, forbidden, draw)

    return make


# By kind of population.
FACTORIALS: dict[str, tuple[str, Callable[..., Layout]]] = {
    "full 2^5": ("five", _design("full", FIVE)),
    "full 2^5 × 2": ("five", _design("full", FIVE, 2)),
    "full 2^5 × 8": ("five", _design("full", FIVE, 8)),
    "full 2^8 × 3 levels": ("bag", _design("full", BAG)),
    "fraction 16 of 2^5": ("five", _design("fraction", FIVE, 1, 16)),
    "fraction 16 of 2^5, × 4": ("five", _design("fraction", FIVE, 4, 16)),
    "fraction 64": ("bag", _design("fraction", BAG)),
    "fraction 64, × 3": ("bag", _design("fraction", BAG, 3)),
    "fraction 48, × 2": ("bag", _design("fraction", BAG, 2, 48)),
    "fraction 32 of 9": ("nine", _design("fraction", NINE, 1, 32)),
    "screen 24 of 5": ("five", _design("screen", FIVE)),
    "screen 24 of 9": ("nine", _design("screen", NINE)),
    "screen 24 of 9, × 2": ("nine", _design("screen", NINE, 2)),
    "exchange 32, forbidden arms": ("nine", _design("fraction", NINE, 1, 32, FORBIDDEN)),
    "exchange 32, forbidden arms, × 2": ("nine", _design("fraction", NINE, 2, 32, FORBIDDEN)),
}
ONE_AT_A_TIME = ("add-one", "leave-one-out", "cumulative", "pairs")


def coverage(found: Found) -> tuple[float, float]:
    """Coverage over all effects with an interval, and of the effect with the least coverage."""
    e = found.estimates
    there = ~np.isnan(e.se)
    held, known = (e.covered() & there).sum(axis=0), there.sum(axis=0)
    seen = known > 0
    return float(held.sum() / known.sum()), float((held[seen] / known[seen]).min())


def average_row(design: str, noise: str, studies: int) -> Row:
    """Main effects averaged over the grid: coverage, and the placebo's rate in the same layout."""
    kind, make = FACTORIALS[design]
    of = populations(kind)[noise]
    found = procedures.averages(make(False), of, studies)
    placebo = placebo_rate(make, of, studies, 1)
    lack = found.said["lack of fit"]
    note = f"lack of fit significant in {lack:.0%}" if lack > 0.1 else ""
    return Row(
        "average over the grid", design, noise, studies, *coverage(found), placebo=placebo,
        note=note,
    )  # fmt: skip


def placebo_rate(make: Callable[..., Layout], of: Population, studies: int, seed: int = 0) -> float:
    """How often a placebo is called helps or hurts, over studies with different columns for it."""
    columns = max(1, min(COLUMNS, studies // 20))
    return float(np.mean([
        procedures.averages(make(True, draw), of, studies // columns, seed + draw).placebo
        for draw in range(columns)
    ]))  # fmt: skip


def error_row(design: str, noise: str, studies: int) -> Row:
    """Family-wise error without effects, and negligible at the margin, in a factorial."""
    kind, make = FACTORIALS[design]
    runs = make(False)
    of = populations(kind)[noise]
    none = procedures.averages(runs, without_effects(of), studies)
    se = float(np.nanmedian(none.estimates.se))
    margin = 4 * se
    codes = of.grid.sum(axis=1) if max(of.sizes) == 2 else (of.grid > 0).sum(axis=1)
    there = fixed(of.name, of.sizes, 90 + margin * codes, of.sd)
    at = procedures.averages(runs, there, studies, 1, margin)
    return Row(
        "average over the grid", design, f"{noise}: errors", studies, family=none.family,
        negligible=at.negligible,
    )  # fmt: skip


def baseline_row(design: str, noise: str, studies: int) -> Row:
    """Effects at the baseline from a factorial."""
    kind, make = FACTORIALS[design]
    found = procedures.at_baseline(make(False), populations(kind)[noise], studies)
    note = ", ".join(f"{way} {share:.0%}" for way, share in sorted(found.said.items()))
    return Row("at the baseline", design, noise, studies, *coverage(found), note=note)


def interaction_row(design: str, noise: str, studies: int) -> Row:
    """Interactions of a factorial as in its table: for its arms, mixed with higher orders.

    The remark has the share of intervals that hold the interaction of the whole grid.
    """
    kind, make = FACTORIALS[design]
    whole, here = procedures.two_factor(make(False), populations(kind)[noise], studies)
    return Row(
        "interactions", design, noise, studies, *coverage(here),
        note="" if design.startswith("full") else f"of the whole grid: {coverage(whole)[0]:.1%}",
    )  # fmt: skip


def compared_row(
    grid: str, noise: str, seeds: int, studies: int, control: int | None = None
) -> Row:
    """Comparisons of arms: alone, together, family-wise error, margin and placebo."""
    of = populations("five")[noise]
    name = f"{grid}, {seeds} seeds" + (", √k for the control" if control is not None else "")
    found = compared(grid, of, seeds, studies, 0, control)
    if grid == "pairs":
        return Row("interactions", name, noise, studies, *coverage(found))
    none = compared(grid, without_effects(of), seeds, studies, 1, control)
    margin = 4 * float(np.median(none.estimates.se))
    there = fixed(of.name, of.sizes, 90 + margin * of.grid.sum(axis=1), of.sd)
    at = compared(grid, there, seeds, studies, 2, control, margin=margin)
    placebo = compared(grid, of, seeds, studies, 3, control, placebo=True)
    return Row(
        grid, name, noise, studies, *coverage(found), together=float(found.together.mean()),
        family=none.family, negligible=at.negligible, placebo=placebo.placebo,
    )  # fmt: skip


def lenth_row(noise: str, studies: int) -> Row:
    """A saturated grid, 7 factors in 8 runs, two of them with effects, or arms of digits."""
    matrix = np.array(hadamard(8))[:, 1:]
    runs = Layout("saturated", (1 - matrix) // 2, (2,) * 7)
    sizes = (2,) * 7
    of = constant(sizes)
    flat = fixed("none", sizes, np.full(128, 90.0), of.sd)
    few = fixed("two", sizes, 90 + 3.0 * of.grid[:, :2].sum(axis=1), of.sd)
    if noise != "constant":
        nine = populations("nine")["digits, shuffled"]
        kept = (nine.grid[:, [3, 4]] == 0).all(axis=1)  # without EvoNorm, SGD
        mean = nine.means(np.random.default_rng(0), 1)[0][kept]
        few = replace(fixed(noise, sizes, mean, nine.sd[kept]), shuffled=True)
        flat = replace(without_effects(few), shuffled=True)
    found = procedures.saturated(runs, few, studies)
    none = procedures.saturated(runs, flat, studies, 1)
    return Row(
        "Lenth", "saturated, 7 in 8 runs", noise, studies, *coverage(found), family=none.family,
        placebo=none.placebo,
    )  # fmt: skip


CLAIMS = (0.2, 0.5, 0.8, 0.95, 1.01)  # bounds of probabilities of being the best
FEWEST_CLAIMS = 20
BEST_STUDIES = 4  # divisor of the number of studies for P(best)


def best_row(design: str, noise: str, studies: int) -> Row:
    """How often an arm was the best, by the reported probability of being the best."""
    if design in FACTORIALS:
        kind, make = FACTORIALS[design]
        name, runs, of = design, make(False), populations(kind)[noise]
    else:
        name, runs, of = f"{design}, 3 seeds", layout(design, FIVE, 3), populations("five")[noise]
    said, right = best_arm(runs, of, studies // BEST_STUDIES, design in FACTORIALS)
    parts = []
    for low, high in itertools.pairwise(CLAIMS):
        there = (said >= low) & (said < high)
        if there.sum() >= FEWEST_CLAIMS:
            is_so = f"{right[there].mean():.0%} of {int(there.sum()):,}"
            parts.append(f"{said[there].mean():.0%} said: {is_so}")
    return Row("P(best)", name, noise, len(said), note="; ".join(parts))


def recorded_bits() -> list[Array]:
    """(runs, images) correctness of the runs of each arm of the recorded 2^5 grid."""
    runs, factors = recorded_runs("digits-five")
    images = int(runs["test_images"].iloc[0])
    grouped = dict(list(runs.groupby(list(factors))["correct"]))
    return [
        np.array([
            np.unpackbits(np.frombuffer(base64.b64decode(x), np.uint8), count=images)
            for x in grouped[arm]
        ])
        for arm in itertools.product(*factors.values())
    ]  # fmt: skip


def general_row(grid: str, seeds: int, studies: int) -> Row:
    """Effects in general: seeds and test images are both resampled from the recorded ones."""
    runs = layout(grid, FIVE, seeds)
    here, general = in_general(recorded_bits(), runs, studies)
    held = general.together
    return Row(
        "in general (seeds × images)", f"{grid}, {seeds} seeds", "digits, both resampled", studies,
        float(held.mean()), float(held.mean(axis=0).min()),
        note=f"of these images' interval: {coverage(here)[0]:.1%}",
    )  # fmt: skip


LOOKS = {
    "add-one": (5, 10, 15, 20), "full": (1, 2, 3, 4), "screen": (1, 2, 3, 4),
    "fraction": (1, 2, 3, 4),
}  # fmt: skip


def looks_row(grid: str, noise: str, studies: int) -> Row:
    """Four planned looks over 2^5: ever helps or hurts, ever negligible at the margin."""
    runs = [layout(grid, FIVE, n, 16 if grid == "fraction" else None) for n in LOOKS[grid]]
    of = without_effects(populations("five")[noise])
    none = looks(grid, runs, of, studies)
    margin = 4 * float(np.median(none.estimates.se))
    there = fixed(of.name, FIVE, 90 + margin * of.grid.sum(axis=1), of.sd)
    at = looks(grid, runs, there, studies, 1, margin)
    return Row(
        "four looks", f"{grid}, {LOOKS[grid]} seeds", f"{noise}: errors", studies,
        family=none.family, negligible=at.negligible,
    )  # fmt: skip
