"""The next steps with a study: commands to copy, each with its cost."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.analysis.effects import BASELINE, Effect
from runner.analysis.recommended import Recommended
from runner.analysis.result import Analysis
from runner.designs.factor import PLACEBO
from runner.designs.layout import FACTORIAL
from runner.planning.checked import baseline_words
from runner.records.layout import RESULTS, results_option
from runner.records.study_toml import StudyToml
from runner.studies.confirm import Winner
from runner.text import counted, duration, some_of
from tricks.bag import parse
from tricks.errors import BadInput

FEASIBLE = 4  # times the present runs: steps that need more are not suggested
TUNE = "lr_scale=0.5,1,2"
TUNE_SEEDS = 2
# Recipe fields that often need another learning rate than the baseline's.
RATE = frozenset(
    {"optimizer", "norm", "init", "schedule", "warmup", "clip", "groups", "wrappers", "batch_size"}
)


@dataclass(frozen=True)
class Step:
    """A suggestion. command: to copy; None if there is nothing to run.

    runs: the most runs that it trains. seconds: of run time, summed over these runs.
    """

    suggestion: str
    command: str | None = None
    runs: int = 0
    seconds: float | None = None

    @property
    def cost(self) -> str:
        """`10 runs, about 1 min of run time`; "" if it trains nothing."""
        if not self.runs:
            return ""
        took = "" if self.seconds is None else f", about {duration(self.seconds)} of run time"
        return counted(self.runs, "run") + took


@dataclass(frozen=True)
class Situation:
    """The situation that decides the next steps.

    asked: the study. missing: number of its runs without a record. run: the id of a run of the
    recommended recipe. seconds: of a run. results: the store.
    """

    asked: StudyToml
    analysis: Analysis
    recommended: Recommended | None
    missing: int = 0
    run: str | None = None
    seconds: float | None = None
    results: Path = RESULTS

    @property
    def seeds(self) -> int:
        """Runs of each arm."""
        return self.asked.seeds or max((arm.runs for arm in self.analysis.arms), default=1)

    @property
    def again(self) -> list[str]:
        """The words of the command that runs this study again."""
        return ["tricks-bench", "run", "--study", str(self.asked.name)]

    def step(self, suggestion: str, words: Sequence[str], runs: int) -> Step:
        """A step that trains `runs` runs."""
        seconds = None if self.seconds is None else runs * self.seconds
        return Step(suggestion, shlex.join(words) + results_option(self.results), runs, seconds)

    def beside(self, ending: str, effects: Iterable[Effect], *more: str) -> list[str] | None:
        """The command of a study of these effects only, on the same baseline; None if impossible.

        ending: of the study's name.
        """
        kinds = {factor.name: factor.kind for factor in self.asked.factors}
        tricks: list[str] = []
        fields: dict[str, list[str]] = {}
        for e in effects:
            kind = kinds.get(e.factor)
            if kind == "field":
                fields.setdefault(e.factor, [e.reference]).append(e.level)
            elif kind in ("trick", "group"):
                tricks.append(e.factor if kind == "trick" else e.level)
            else:
                return None
        words = ["tricks-bench", "run", *baseline_words(self.asked, leave=fields)]
        words += ["--tricks", ",".join(tricks) or "none"]
        for name, levels in fields.items():
            words += ["--factor", f"{name}={','.join(levels)}"]
        return [*words, *more, "--name", f"{self.asked.name}-{ending}"]


def next_steps(s: Situation) -> tuple[Step, ...]:
    """Suggestions, the most useful first; none for a study without a plain name."""
    asked = s.asked
    if not re.fullmatch(r"[\w.-]+", asked.name or "") or asked.check:
        return ()
    found = [_complete(s), _confirm(s)]
    if not asked.until and not asked.stages and not asked.confirm:
        found += [*_more_seeds(s), _together(s), _tuned(s)]
    return tuple(step for step in (*found, _use(s)) if step is not None)


def _complete(s: Situation) -> Step | None:
    if not s.missing:
        return None
    return s.step("Train the missing runs of the study.", s.again, s.missing)


def _confirm(s: Situation) -> Step | None:
    """Train the winner on fresh seeds: in part, luck made it the best of many."""
    found = s.recommended
    if found is None or found.is_baseline or s.asked.confirm or s.asked.stages:
        return None
    same = "the recommended recipe" if found.best == found.label else found.best
    suggestion = (
        f"Train the arm of the best validation accuracy ({same}) again on fresh seeds: the best "
    )
    suggestion += "of many arms is lucky as well as good."
    words = ["tricks-bench", "run", "--confirm", "--study", str(s.asked.name)]
    return s.step(suggestion, words, 2 * Winner.default_seeds)


def _more_seeds(s: Situation) -> list[Step]:
    """More seeds for effects that they can decide, and a line about effects that they cannot."""
    real = [e for e in s.analysis.effects if e.factor != PLACEBO and e.effect is not None]
    if real and all(e.ci_low is None for e in real) and s.seeds < 3:
        suggestion = "Train three seeds of each arm: with fewer, the noise cannot be estimated."
        words = [*s.again, "--seeds", "3"]
        return [s.step(suggestion, words, (3 - s.seeds) * len(s.analysis.arms))]
    wanting = [(e.to_decide.times, e) for e in real if e.verdict == "undecided" and e.to_decide]
    near = [(times, e) for times, e in wanting if times is not None and 1 < times <= FEASIBLE]
    far = [e for times, e in wanting if times is None or times > FEASIBLE]
    steps = []
    if near:
        seeds = max(s.seeds + 1, math.ceil(max(times for times, _ in near) * s.seeds))
        steps.append(_extended(s, [e for _, e in near], seeds))
    if far:
        suggestion = (
            f"Do not add seeds for {_named(far)}: a verdict would take more than {FEASIBLE} "
        )
        steps.append(Step(suggestion + "times the runs, if the effects are what they seem."))
    return steps


def _extended(s: Situation, effects: Sequence[Effect], seeds: int) -> Step:
    """The study at `seeds` seeds; in an add-one study only the arms of `effects`."""
    arms, words = len(s.analysis.arms), [*s.again, "--seeds", str(seeds)]
    if s.asked.grid == "add-one":
        alone = s.beside("more", effects, "--grid", "add-one", "--seeds", str(seeds))
        if alone is not None:
            arms, words = 1 + len(effects), alone
    suggestion = (
        f"Train {seeds} seeds instead of {s.seeds} to decide {_named(effects)}, if the effects "
    )
    suggestion += "are what they seem."
    return s.step(suggestion, words, arms * (seeds - s.seeds))


def _together(s: Situation) -> Step | None:
    """A leave-one-out study of the tricks that help alone."""
    a = s.analysis
    if a.layout == FACTORIAL or a.estimand != BASELINE:
        return None
    best: dict[str, Effect] = {}
    for e in a.effects:
        held = best.get(e.factor)
        better = held is None or abs(e.effect or 0) > abs(held.effect or 0)
        if e.verdict == "helps" and e.factor != PLACEBO and better:
            best[e.factor] = e
    if len(best) < 2:
        return None
    seeds = str(s.seeds)
    words = s.beside("together", best.values(), "--grid", "leave-one-out", "--seeds", seeds)
    if words is None:
        return None
    suggestion = (
        f"Try {_named([*best.values()])} together, and without each of them: alone they help."
    )
    return s.step(suggestion, words, (1 + len(best)) * s.seeds)


def _tuned(s: Situation) -> Step | None:
    """Each arm at its own learning rate, for effects that may come from the rate."""
    if any(factor.name == "lr_scale" for factor in s.asked.factors):
        return None
    decided = ("helps", "hurts", "depends")
    mine = [e for e in s.analysis.effects if e.verdict in decided and _moves_the_rate(s.asked, e)]
    seeds = min(max(s.seeds, 3), 5)
    more = ("--grid", "add-one", "--tune", TUNE, "--seeds", str(seeds))
    words = s.beside("tuned", mine, *more) if mine else None
    if words is None:
        return None
    suggestion = (
        f"Give {_listed(['the baseline', *(e.label for e in mine)])} each their own learning "
    )
    suggestion += "rate: at one rate for all, an effect is in part one of the rate."
    values = TUNE.count(",") + 1
    return s.step(suggestion, words, (1 + len(mine)) * (values * TUNE_SEEDS + seeds))


def _moves_the_rate(asked: StudyToml, e: Effect) -> bool:
    kind = next((factor.kind for factor in asked.factors if factor.name == e.factor), None)
    if kind == "field":
        return e.factor in RATE
    try:
        edits = parse(e.factor if kind == "trick" else e.level).edits()
    except BadInput:  # the trick of a plug-in that is not loaded
        return False
    return not RATE.isdisjoint((*edits.sets, *edits.adds))


def _use(s: Situation) -> Step | None:
    if s.recommended is None or s.run is None or s.asked.script is not None:
        return None
    suggestion = (
        "Use the recommended recipe elsewhere: a PyTorch script that trains it without this tool."
    )
    words = ["tricks-bench", "recipe", s.run, "--as", "pytorch"]
    return Step(suggestion, shlex.join(words) + results_option(s.results))


def _named(effects: Sequence[Effect]) -> str:
    return _listed([e.label for e in effects])


def _listed(names: Sequence[str], most: int = 7) -> str:
    if len(names) > most:
        return some_of(names, most - 1)
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
