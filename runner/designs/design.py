"""Design: the arms of a grid, generated when they are needed."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, TypeVar

from runner.designs import placebo
from runner.designs.conflicts import Conflicts
from runner.designs.factor import Arm, Factor, level_names
from runner.designs.layout import FACTORIAL, ONE_AT_A_TIME, PAIRS

D = TypeVar("D", bound="Design")
AUTO = 0  # of Design.control
BEYOND = 1 << 31  # every design's seeds are below; tuning, checks and confirmations draw above
BY_NAME: dict[str, type[Design]] = {}  # see `register` and `registry.grids`


@dataclass(frozen=True)
class Design:
    """Arms over `factors`, without arms that `conflicts` forbids.

    on: the level of each factor that "all on" means (designs that need it). order: positions of the
    factors in the order in which they are added (cumulative). asked_runs: runs of one replicate
    (designs that take them); 0: the design's default. control: seeds of the control arm, which all
    other arms are compared with (designs that have one); None: as many as the others; AUTO: √k
    times as many for k other arms, which needs the fewest runs for given intervals. placebo_level:
    how a placebo within a factorial gets its levels, see `placebo`.
    """

    factors: Sequence[Factor]
    conflicts: Conflicts = field(default_factory=Conflicts)
    on: tuple[int, ...] = ()
    order: tuple[int, ...] = ()
    asked_runs: int = 0
    control: int | None = None
    placebo_level: str = placebo.DRAWN

    name: ClassVar[str] = ""
    summary: ClassVar[str] = ""
    rank: ClassVar[int] = 100  # order in lists
    layout: ClassVar[str] = FACTORIAL
    estimand: ClassVar[str] = "averaged over the grid"  # of the design's own table
    leaves_out: ClassVar[bool] = False  # compares "all on" with "all on but one"
    crossed: ClassVar[bool] = False  # has every possible combination
    on_means: ClassVar[str] = '"all on" means'  # begins the note about --reference
    needs_on: ClassVar[bool] = False  # takes --reference
    needs_order: ClassVar[bool] = False  # takes --order
    takes_runs: ClassVar[bool] = False  # takes --runs
    takes_control: ClassVar[bool] = False  # takes --control-seeds
    one_array: ClassVar[bool] = False  # other factors give another design, not a larger one
    # All arms share the seeds 0..n-1, or each arm has its own: in a factorial every effect is an
    # average over arms, and shared seeds would correlate their errors.
    shared_seeds: ClassVar[bool] = True
    default_seeds: ClassVar[int] = 3

    @classmethod
    def plans(cls, level: int) -> bool:
        """Whether each factor has an arm that differs from the common arm only by `level`."""
        return cls.layout in (ONE_AT_A_TIME, PAIRS)

    def compared(self, place: int, level: int) -> tuple[Arm, Arm]:
        """The arms (low, high) whose difference is the effect of a factor's `level`."""
        low = reference_arm(self.factors)
        return low, changed(low, place, level)

    def candidates(self) -> Iterator[Arm]:
        """All arms of the design, impossible arms included."""
        raise NotImplementedError

    def check(self) -> None:
        """Raises BadInput if the design is not possible for these factors."""

    def notes(self) -> list[str]:
        """Notes for the user about this design, before it runs."""
        return []

    @property
    def sizes(self) -> list[int]:
        """The number of levels of each factor."""
        return [len(factor.levels) for factor in self.factors]

    def __iter__(self) -> Iterator[Arm]:
        return (arm for arm in self.candidates() if self.conflicts.allows(arm))

    @cached_property
    def _counts(self) -> tuple[int, int]:
        total = allowed = 0
        for arm in self.candidates():
            total += 1
            allowed += self.conflicts.allows(arm)
        return allowed, total - allowed

    @property
    def count(self) -> int:
        """The number of arms; repeated arms count repeatedly."""
        return self._counts[0]

    @property
    def excluded(self) -> int:
        """The number of arms that are left out because they are impossible."""
        return self._counts[1]

    @cached_property
    def _arms(self) -> frozenset[Arm]:
        return frozenset(self)

    def contains(self, arm: Arm) -> bool:
        """Whether `arm` is in the design, in some replicate."""
        turned = self.turning
        return arm in self._arms or (
            turned is not None and placebo.flipped(arm, turned) in self._arms
        )

    def multiplicity(self, arm: Arm) -> int:
        """How often `arm` is in the design: once, unless the design repeats arms."""
        return 1

    @cached_property
    def turning(self) -> int | None:
        """Position of a placebo that has its other level in every second replicate, if any."""
        return None

    def replicate(self, number: int) -> Iterator[Arm]:
        """The arms of one replicate, the first being number 0."""
        turned = self.turning if number % 2 else None
        return (arm if turned is None else placebo.flipped(arm, turned) for arm in self)

    def times(self, arm: Arm, n: int) -> int:
        """How often `arm` is in `n` replicates."""
        if self.turning is None:
            return n * self.multiplicity(arm)
        other = placebo.flipped(arm, self.turning)
        return -(-n // 2) * self.multiplicity(arm) + n // 2 * self.multiplicity(other)

    @property
    def control_arm(self) -> Arm | None:
        """The arm that all other arms are compared with, if there is one."""
        return None

    def control_seeds(self, n: int) -> int:
        """Seeds of the control arm if the other arms have `n`."""
        if self.control == AUTO:
            return math.ceil(math.sqrt(max(1, self.count - 1)) * n)
        return n if self.control is None else self.control

    def total(self, n: int) -> int:
        """The number of runs of `n` replicates."""
        return self.count * n + self.control_seeds(n) - n

    def seeds(self, arm: Arm, n: int) -> list[int]:
        """All seeds of `arm` in `n` replicates; a larger n only adds seeds."""
        is_control = self.control is not None and arm == self.control_arm
        times = self.control_seeds(n) if is_control else self.times(arm, n)
        return [self.seed(arm, index) for index in range(times)]

    def runs(self, n: int) -> Iterator[tuple[Arm, int]]:
        """Arms with seeds for `n` replicates: the whole design once, then again."""
        control = None if self.control is None else self.control_arm
        for replicate in range(n):
            seen: Counter[Arm] = Counter()
            for arm in self.replicate(replicate):
                if (
                    arm == control
                ):  # spread its seeds evenly, so that any first part of the runs has some
                    whole = self.control_seeds(n)
                    part = range(whole * replicate // n, whole * (replicate + 1) // n)
                    yield from ((arm, self.seed(arm, index)) for index in part)
                    continue
                index = self.times(arm, replicate)
                if self.times(arm, replicate + 1) > index + 1:
                    index += seen[arm]
                    seen[arm] += 1
                yield arm, self.seed(arm, index)

    def seed(self, arm: Arm, index: int) -> int:
        """Seed number `index` of `arm`.

        An arm's own seeds follow from the names of its levels, so that the same arm has the same
        seeds in every factorial and is trained only once.
        """
        if self.shared_seeds:
            return index
        return hashed_seed(*changes(self.factors, arm), index)


def register(cls: type[D]) -> type[D]:
    """Class decorator: register a design for --grid, in this folder or in a plug-in."""
    BY_NAME[cls.name] = cls
    return cls


def changed(arm: Arm, place: int, level: int) -> Arm:
    """`arm` with `level` for the factor at `place`."""
    return (*arm[:place], level, *arm[place + 1 :])


def changes(factors: Sequence[Factor], arm: Arm) -> list[str]:
    """`factor=level` for each level of `arm` that is not the reference, sorted."""
    names = level_names(factors, arm).items()
    return sorted(f"{f}={level}" for (f, level), on in zip(names, arm, strict=True) if on)


def hashed_seed(*words: str | int) -> int:
    """A seed below BEYOND that follows from `words` alone."""
    text = "\n".join(map(str, words))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


def reference_arm(factors: Sequence[Factor]) -> Arm:
    """The arm with every factor at its reference level: the baseline."""
    return (0,) * len(factors)
