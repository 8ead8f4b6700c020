"""The looks that a sequential study plans: when it is analysed, and until when it goes on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runner.analysis.metrics.registry import CHOOSES
from runner.designs.design import Design
from runner.records.studies import StoredStudy
from runner.studies.asked import Asked
from tricks.errors import BadInput

DECIDED = "decided"
HALF_WIDTH = "half-width"
LOOKS = 4
SEEDS_A_LOOK = 5  # where arms share seeds; a factorial adds itself once


@dataclass(frozen=True)
class Looks:
    """Until when a study goes on, and at how many seeds of each arm it is analysed.

    until: as asked for. seeds: of each arm at each look, increasing; the last is the budget.
    half_width: of every interval, in pp, at which it stops; None: until every factor is decided.
    level: error rate of each look, so that 5 % hold over all; None until the analysis has told it.
    tests: effects that share it.
    """

    until: str
    asked: int
    seeds: tuple[int, ...]
    half_width: float | None = None
    level: float | None = None
    tests: int | None = None

    def to_toml(self) -> dict[str, Any]:
        """The keys that a study.toml gets; `seeds` there is the budget."""
        held = {"seeds": list(self.seeds), "level": self.level, "tests": self.tests}
        return {
            "until": self.until,
            "looks": self.asked,
            "seeds": self.seeds[-1],
            "sequential": held,
        }


def default_seeds(asked: Asked, design: type[Design]) -> int:
    """Seeds of each arm where none are asked for: the grid's, or the budget of a few looks."""
    if not asked.until:
        return design.default_seeds
    return (asked.looks or LOOKS) * (SEEDS_A_LOOK if design.shared_seeds else 1)


def asked_looks(asked: Asked, seeds: int) -> Looks | None:
    """The looks of `asked` with at most `seeds` seeds of each arm; None without --until.

    Raises BadInput for an --until that is neither `decided` nor a half-width, or no looks.
    """
    if not asked.until:
        if asked.looks is not None:
            raise BadInput(
                "--looks says how often a study is analysed while it grows: it needs --until "
                "decided or --until half-width=0.3"
            )
        return None
    if asked.tune:
        raise BadInput(
            "--until does not go with --tune: the tuned arms are not those that the looks count"
        )
    looks = LOOKS if asked.looks is None else asked.looks
    if looks < 1:
        raise BadInput(f"--looks must be at least 1, not {looks}")
    at = tuple(sorted({-(-seeds * k // looks) for k in range(1, looks + 1)}))
    return Looks(asked.until, looks, at, _half_width(asked.until))


def _half_width(until: str) -> float | None:
    """The half-width asked for in pp; None for `decided`."""
    name, _, value = until.partition("=")
    if until == DECIDED:
        return None
    try:
        width = float(value)
    except ValueError:
        width = math.nan
    if name != HALF_WIDTH or not 0 < width < math.inf:
        raise BadInput(
            f"--until {until}: use decided (every factor has a verdict) or half-width=0.3 (every "
            "interval is at most ± 0.3 pp)"
        )
    return width


def stored_looks(asked: Mapping[str, Any]) -> tuple[tuple[int, ...], float, int] | None:
    """Seeds of each arm at each look, their level and the tests that share it, of a stored study.

    None for a study without looks. Raises BadInput where the plan cannot be read: its intervals
    must not be taken for those of a study that was planned without looks.
    """
    if not asked.get("until"):
        return None
    held = asked.get("sequential")
    held = held if isinstance(held, Mapping) else {}
    seeds, level, tests = held.get("seeds"), held.get("level"), held.get("tests")
    if (
        not isinstance(seeds, list)
        or not seeds
        or not all(isinstance(n, int) for n in seeds)
        or not isinstance(level, float)
        or not 0 < level < 1
        or not isinstance(tests, int)
    ):
        raise BadInput(
            f"the study {asked.get('name', '')} was run --until {asked['until']}, but its "
            "study.toml has no readable table [sequential] (seeds, level, tests): was it cut?"
        )
    return tuple(seeds), level, tests


def check_plan(name: str, stored: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Raises BadInput if `asked` is not of the same looks as the study `name` in the store.

    A look that was not planned, or a plan made after the data were seen, would make the error
    rate that the study states untrue. Both are `Study.to_toml()`.
    """
    if not stored.get("until") and not asked.get("until"):
        return
    way = "; choose another name with --name: what is recorded is not trained again"
    if not stored.get("until"):
        raise BadInput(
            f"the study {name} was not planned with looks, and its runs may have been seen{way}"
        )
    plan = f"--until {stored['until']} --looks {stored.get('looks')} --seeds {stored.get('seeds')}"
    if not asked.get("until"):
        raise BadInput(
            f"the study {name} was planned with {plan}, and a look at other seeds would spoil its "
            f"error rate: `tricks-bench run --study {name}` goes on with the plan{way}"
        )
    for key in ("until", "looks", "seeds", "control_seeds"):
        if stored.get(key) != asked.get(key):
            flag = f"--{key.replace('_', '-')} {asked.get(key) or 'none'}"
            raise BadInput(f"the study {name} was planned with {plan}, not with {flag}{way}")
    levels = [
        {factor["name"]: sorted(factor["levels"]) for factor in each.get("factors", [])}
        for each in (stored, asked)
    ]
    if levels[0] != levels[1]:
        raise BadInput(
            f"the study {name} was planned with {plan} for other factors, which share its error "
            f"rate{way}"
        )


def looks_note(stored: StoredStudy, recorded: int) -> str:
    """What stands beside every result of a study with looks."""
    from runner.analysis.sequential import describe

    looks = stored_looks(stored.asked)
    assert looks is not None
    note = (
        f"Run --until {stored.asked['until']}, which {CHOOSES} decides: intervals, tests and "
        f"verdicts are {describe(looks[0], looks[1])}, for every metric, so that they hold after "
        "stopping."
    )
    if recorded < len(stored.runs):
        note += " The latest look is not complete; the level is that of complete looks."
    return note
