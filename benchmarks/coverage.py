"""How often the tool's intervals and verdicts are right: `python -m benchmarks.coverage`.

It simulates studies of every design with known truth and writes the table of docs/coverage.md, with
the rows of `benchmarks.operating_characteristics`.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.operating_characteristics import (
    FACTORIALS,
    LOOKS,
    NOISES,
    ONE_AT_A_TIME,
    PLAIN,
    SHUFFLED,
    Row,
    average_row,
    baseline_row,
    best_row,
    compared_row,
    error_row,
    general_row,
    interaction_row,
    lenth_row,
    looks_row,
)
from runner.execution.orphans import leave_with_parent

OUT = Path("docs/coverage.md")
BEST = (
    "add-one", "full 2^5", "full 2^5 × 2", "full 2^5 × 8", "fraction 16 of 2^5, × 4", "fraction 64",
)  # fmt: skip


def cases() -> list[Callable[[int], Row]]:
    """The rows of the table, each from a number of studies."""
    found: list[Callable[[int], Row]] = []

    def add(row: Callable[..., Row], **of: object) -> None:
        found.append(functools.partial(_case, row, of))

    for design, (kind, _) in FACTORIALS.items():
        for noise in NOISES[kind]:
            add(average_row, design=design, noise=noise)
        for noise in ("constant", SHUFFLED):
            add(error_row, design=design, noise=noise)
    for design, (kind, _) in FACTORIALS.items():
        if not design.startswith(("screen 24 of 9", "fraction 32 of 9", "exchange")):
            for noise in NOISES[kind]:
                add(interaction_row, design=design, noise=noise)
    for design in ("full 2^5", "full 2^5 × 2", "full 2^5 × 8", "fraction 16 of 2^5, × 4"):
        for noise in NOISES["five"]:
            add(baseline_row, design=design, noise=noise)
    for grid, noise in itertools.product(ONE_AT_A_TIME, NOISES["five"]):
        add(compared_row, grid=grid, noise=noise, seeds=5)
    for grid, noise in itertools.product(("add-one", "leave-one-out"), ("constant", "digits")):
        add(compared_row, grid=grid, noise=noise, seeds=10, control=0)
    for noise in ("constant", SHUFFLED):
        add(lenth_row, noise=noise)
    for grid, seeds in (("add-one", 5), ("full", 2)):
        add(general_row, grid=grid, seeds=seeds)
    for grid, noise in itertools.product(LOOKS, ("constant", "digits")):
        add(looks_row, grid=grid, noise=noise)
    for design in BEST:
        for noise in (*PLAIN, SHUFFLED):
            add(best_row, design=design, noise=noise)
    return found


def _case(row: Callable[..., Row], of: dict[str, object], studies: int) -> Row:
    return row(studies=studies, **of)


def table(found: list[Row]) -> str:
    """The rows as Markdown."""
    lines = [
        "| procedure | design | noise | studies | coverage | of the worst effect | all at once | "
        "family-wise error | negligible at the margin | placebo called | remark |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for r in found:
        shares = (r.coverage, r.lowest, r.together, r.family, r.negligible, r.placebo)
        said = " | ".join("" if x is None else f"{x:.1%}" for x in shares)
        lines.append(
            f"| {r.procedure} | {r.design} | {r.noise} | {r.studies:,} | {said} | {r.note} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    asked = parser.parse_args()
    found = []
    with ProcessPoolExecutor(asked.jobs, initializer=leave_with_parent) as pool:
        for waiting in [pool.submit(case, asked.studies) for case in cases()]:
            found.append(waiting.result())
            print(table(found[-1:]).splitlines()[-1], flush=True)
    text = asked.out.read_text() if asked.out.exists() else "<!-- table -->\n"
    head = text.split("<!-- table -->")[0]
    asked.out.write_text(f"{head}<!-- table -->\n\n{table(found)}\n")


if __name__ == "__main__":
    main()
