"""The planned looks of a sequential study: when it is analyzed, and when it stops."""

from __future__ import annotations

import math
from dataclasses import dataclass

from runner.analysis.metrics.registry import CHOOSES
from runner.designs.design import Design
from runner.records.studies import StoredStudy
from runner.records.study_toml import StoredLooks, StudyToml
from runner.studies.asked import Asked
from tricks.errors import BadInput

DECIDED = "decided"
HALF_WIDTH = "half-width"
LOOKS = 4
SEEDS_A_LOOK = 5  # if arms share seeds; a factorial adds one seed per look


@dataclass(frozen=True)
class Looks:
    """When a study stops, and at how many seeds of each arm it is analyzed.

    until: the value of --until. seeds: of each arm at each look, increasing; the last is the
    budget. half_width: stop once every interval has this half-width, in pp; None: once every factor
    is decided. level: error rate of each look, so that the rate over all looks is 5 %; None before
    the analysis has computed it. tests: number of effects that share the level.
    """

    until: str
    asked: int
    seeds: tuple[int, ...]
    half_width: float | None = None
    level: float | None = None
    tests: int | None = None

    def as_stored(self) -> StoredLooks:
        """The table of study.toml from which a reader gets the level of intervals."""
        return StoredLooks(seeds=self.seeds, level=self.level, tests=self.tests)


def asked_seeds(asked: Asked, design: type[Design]) -> int:
    """The seeds of each arm; by default the grid's default, or the budget of a few looks.

    Raises BadInput for a number below 1.
    """
    if asked.seeds is not None:
        if asked.seeds < 1:
            raise BadInput(f"--seeds must be at least 1, not {asked.seeds}")
        return asked.seeds
    if not asked.until:
        return design.default_seeds
    return (asked.looks or LOOKS) * (SEEDS_A_LOOK if design.shared_seeds else 1)


def asked_looks(asked: Asked, seeds: int) -> Looks | None:
    """The looks of `asked` with at most `seeds` seeds of each arm; None without --until.

    Raises BadInput for an --until other than `decided` or a half-width, and for --looks below 1.
    """
    if not asked.until:
        if asked.looks is not None:
            raise BadInput(
                "--looks is the number of analyses of a growing study: it needs --until decided "
                "or --until half-width=0.3"
            )
        return None
    if asked.tune:
        raise BadInput("--until does not go with --tune: choose one")
    looks = LOOKS if asked.looks is None else asked.looks
    if looks < 1:
        raise BadInput(f"--looks must be at least 1, not {looks}")
    at = tuple(sorted({-(-seeds * k // looks) for k in range(1, looks + 1)}))
    return Looks(asked.until, looks, at, _half_width(asked.until))


def _half_width(until: str) -> float | None:
    """The requested half-width in pp; None for `decided`."""
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


def stored_looks(asked: StudyToml) -> tuple[tuple[int, ...], float, int] | None:
    """A stored study's looks: seeds of each arm at each look, their level, tests that share it.

    None for a study without looks. Raises BadInput if the looks cannot be read, since the study
    must not be analyzed as one without looks.
    """
    if not asked.until:
        return None
    held = asked.sequential or StoredLooks()
    if not held.seeds or held.level is None or not 0 < held.level < 1 or held.tests is None:
        raise BadInput(
            f"the study {asked.name or ''} was run --until {asked.until}, but its study.toml has "
            "no readable table [sequential] (seeds, level, tests): restore the file"
        )
    return held.seeds, held.level, held.tests


def check_looks(name: str, stored: StudyToml, asked: StudyToml) -> None:
    """Raises BadInput if `asked` has other looks than the study `name` in the store.

    An unplanned look, or looks that are planned after the data were seen, would make the study's
    stated error rate wrong.
    """
    if not stored.until and not asked.until:
        return
    way = "; choose another name with --name: recorded runs are not trained again"
    if not stored.until:
        raise BadInput(
            f"the study {name} was not planned with looks, and its runs may have been seen{way}"
        )
    held = f"--until {stored.until} --looks {stored.looks} --seeds {stored.seeds}"
    if not asked.until:
        raise BadInput(
            f"the study {name} was planned with {held}, and a look at other seeds would make its "
            f"error rate wrong: `tricks-bench run --study {name}` continues the plan{way}"
        )
    for key in ("until", "looks", "seeds", "control_seeds"):
        if getattr(stored, key) != getattr(asked, key):
            flag = f"--{key.replace('_', '-')} {getattr(asked, key) or 'none'}"
            raise BadInput(f"the study {name} was planned with {held}, not with {flag}{way}")
    levels = [
        {factor.name: sorted(factor.levels) for factor in each.factors} for each in (stored, asked)
    ]
    if levels[0] != levels[1]:
        raise BadInput(
            f"the study {name} was planned with {held} for other factors, which share its error "
            f"rate{way}"
        )


def looks_note(stored: StoredStudy, recorded: int) -> str:
    """The note beside every result of a study with looks."""
    from runner.analysis.sequential import describe

    looks = stored_looks(stored.asked)
    assert looks is not None
    note = (
        f"Run --until {stored.asked.until}, decided on {CHOOSES}: intervals, tests and verdicts "
        f"are {describe(looks[0], looks[1])}, for every metric, so that they hold after stopping."
    )
    if recorded < len(stored.runs):
        note += " The latest look is not complete; the level is that of complete looks."
    return note
