"""The rules by which a baseline passes its check; every interval here is on validation.

A part with a limit passes if its interval lies within the limit, and fails if its interval lies
beyond the limit. Otherwise it is unknown, and more seeds are needed. The interval is 90 %: its
ends are one-sided 95 % bounds. So a baseline whose true value is beyond a limit passes in at most
5 % of checks, and a baseline within the limit fails in at most 5 %. All parts must pass, so the
same holds for the whole check. tests/analysis/test_baseline.py simulates the rules.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from scipy import stats

from runner.analysis.baseline.finding import Finding, Sample
from runner.analysis.data.estimates import critical
from runner.analysis.power import detectable, upper_sd
from runner.text import counted

ALPHA = 0.05
GAIN = 0.5  # pp of validation accuracy: largest gain by twice the epochs, or by another rate
COARSE = 3.0  # pp: with a larger half-width the runs say nothing about a learning rate
SD = 1.0  # pp: largest run-to-run sd at which effects of a few pp can be detected
STEPS = 300  # with fewer optimizer steps the note says that they are few
TOO_FEW = "the baseline has fewer than two runs that succeeded"


def budget(base: Sample, twice: Sample, epochs: int) -> Finding:
    """Whether twice the epochs gain at most `GAIN` on validation; Welch's interval.

    epochs: of the baseline.
    """
    more = ("epochs", str(2 * epochs))
    if base.n < 2:
        return Finding("budget", "unknown", TOO_FEW, limit=GAIN)
    if twice.n < 2:
        what = f"{twice.lost} runs with twice the epochs were lost, so the gain is not known"
        return Finding("budget", "unknown", what, limit=GAIN)
    gain = twice.mean - base.mean
    parts = [sample.sd**2 / sample.n for sample in (base, twice)]
    se = math.sqrt(sum(parts))
    down = sum(part**2 / (s.n - 1) for part, s in zip(parts, (base, twice), strict=True))
    half = critical(sum(parts) ** 2 / down, 2 * ALPHA) * se if se else 0.0
    low, high = gain - half, gain + half
    said = f"{gain:+.1f} pp ({low:+.1f} to {high:+.1f}) by twice the epochs"
    if high <= GAIN:
        return Finding("budget", "pass", f"trained long enough: {said}", gain, low, high, GAIN)
    unsure = f"; not shown to be within {GAIN:g} pp"
    if low > GAIN:
        return Finding(
            "budget", "fail", f"still learning: {said}", gain, low, high, GAIN, "pp", more
        )
    if low > 0:
        said = f"still learning: {said}{unsure}"
        return Finding("budget", "unknown", said, gain, low, high, GAIN, "pp", more)
    seeds = ("seeds", str(2 * base.n))
    said = f"too noisy to tell whether it is still learning: {said}{unsure}"
    return Finding("budget", "unknown", said, gain, low, high, GAIN, "pp", seeds)


def noise(base: Sample, seeds: int) -> Finding:
    """Whether the run-to-run sd is at most `SD`, with its χ² interval.

    It also says the smallest effect that `seeds` runs in each of two arms detect (t test at 5 %,
    power 0.8). Like `tricks-bench plan`, this uses the upper 80 % bound of the sd.
    """
    if base.n < 2:
        return Finding("noise", "unknown", TOO_FEW, limit=SD)
    sd, df = base.sd, base.n - 1
    low, high = (
        sd * math.sqrt(df / float(stats.chi2.ppf(chance, df))) for chance in (1 - ALPHA, ALPHA)
    )
    said = f"run-to-run sd {sd:.2f} pp ({low:.2f} to {high:.2f})"
    if seeds > 1:
        planned = upper_sd(sd, df)
        seen = detectable(planned * math.sqrt(2 / seeds), 2 * seeds - 2)
        said += f": {seeds} seeds an arm detect an effect of {seen:.1f} pp"
    if high <= SD:
        return Finding("noise", "pass", said, sd, low, high, SD)
    more = ("seeds", str(2 * base.n))
    if low > SD:
        said = f"noisy: {said}; longer training or a lower rate reduces the noise"
        return Finding("noise", "fail", said, sd, low, high, SD)
    said += f"; not shown to be within {SD:g} pp"
    return Finding("noise", "unknown", said, sd, low, high, SD, "pp", more)


def rate(own: float, base: Sample, others: Mapping[float, Sample]) -> Finding:
    """Whether another learning rate is better than the baseline's, or the best rate at the edge.

    own: the baseline's lr_scale; others: by lr_scale. It fails if some rate is better by more than
    noise (one-sided, 5 % over all rates; see `_better`). It is unknown if the best mean is at the
    edge and above the baseline's by more than `GAIN`, or if the noise could hide gains of more than
    `COARSE`. A rate with a lost run is no candidate, and neither is an `_unstable` rate.
    """
    name = "learning rate"
    if base.n < 2:
        return Finding(name, "unknown", TOO_FEW, limit=GAIN)
    sound = {scale: arm for scale, arm in others.items() if arm.n and not arm.lost}
    if not sound:
        return Finding(name, "unknown", "no other rate has runs that succeeded", limit=GAIN)
    lost = [f"{scale:g}" for scale, arm in sorted(others.items()) if arm.lost]
    tail = f"; runs lost at lr_scale={','.join(lost)}" if lost else ""
    sound = {scale: arm for scale, arm in sound.items() if not _unstable(base, arm)}
    if not sound:
        said = f"all other rates are worse, and noisy{tail}"
        return Finding(name, "pass", said, limit=GAIN)
    pooled = _pooled([arm for arm in sound.values() if arm.n > 1])
    level = ALPHA / len(others)
    bounds = {scale: _better(base, arm, pooled, level) for scale, arm in sound.items()}
    best = max(sound, key=lambda scale: sound[scale].mean)
    shown = [scale for scale in sound if bounds[scale][0] > 0]
    if shown:
        best = max(shown, key=lambda scale: sound[scale].mean)
    gain = sound[best].mean - base.mean
    low, high = bounds[best]
    edge = best in (min(*others, own), max(*others, own))
    said = f"{gain:+.1f} pp ({low:+.1f} to {high:+.1f}) by lr_scale={best:g}"
    change = ("lr_scale", f"{best:g}")
    if shown:
        where = "the best rate is at the edge of those tried" if edge else "another rate is better"
        said = f"{where}: {said}{tail}"
        return Finding(name, "fail", said, gain, low, high, GAIN, "pp", change)
    if edge and gain > GAIN:
        said = f"the best mean is at the edge of the rates tried, within noise: {said}{tail}"
        return Finding(name, "unknown", said, gain, low, high, GAIN, "pp", change)
    if high - gain > COARSE:
        said = f"too noisy to tell the rates apart: {said}{tail}"
        more = ("seeds", str(2 * base.n))
        return Finding(name, "unknown", said, gain, low, high, GAIN, "pp", more)
    said = f"no rate tried is better than the baseline's by more than noise: {said}{tail}"
    return Finding(name, "pass", said, gain, low, high, GAIN)


def _unstable(base: Sample, arm: Sample) -> bool:
    """Whether all runs are below the baseline's worst run, and noisier (F test, 5 %).

    A rate that is far too high has such runs. Their noise says nothing about the other rates.
    """
    if arm.n < 2 or max(arm.values) >= min(base.values):
        return False
    return bool(arm.sd**2 > base.sd**2 * stats.f.isf(ALPHA, arm.n - 1, base.n - 1))


def _pooled(arms: Sequence[Sample]) -> tuple[float, int]:
    """Sd in pp pooled over arms with two or more runs, and its df; 0 df without such arms."""
    df = sum(arm.n - 1 for arm in arms)
    squares = sum((arm.n - 1) * arm.sd**2 for arm in arms)
    return (math.sqrt(squares / df), df) if df else (0.0, 0)


def _better(
    base: Sample, arm: Sample, pooled: tuple[float, int], level: float
) -> tuple[float, float]:
    """Both bounds of mean(arm) - mean(base) in pp, each one-sided at `level`.

    Two runs of a rate give a poor estimate of its noise, and a high rate may be noisier than the
    baseline. So the sd is the largest of three: the arm's, the baseline's, and the sd pooled over
    the other rates.
    """
    other, df = pooled
    sd = max(base.sd, other, arm.sd if arm.n > 1 else 0.0)
    se = math.sqrt(base.sd**2 / base.n + sd**2 / arm.n)
    half = critical(min(base.n - 1, df or base.n - 1), 2 * level) * se
    gain = arm.mean - base.mean
    return gain - half, gain + half


def steps(count: int, epochs: int) -> Finding:
    """A note on the number of optimizer steps of a run, and whether they are few."""
    said = f"{counted(count, 'optimizer step')} a run"
    if count >= STEPS:
        return Finding("steps", "note", said, count, limit=STEPS, unit="steps")
    said = f"{said}, too few for warmup, schedules and averages of weights"
    change = ("epochs", str(math.ceil(epochs * STEPS / max(count, 1))))
    return Finding("steps", "note", said, count, limit=STEPS, unit="steps", change=change)


def fit_gap(base: Sample, training: float | None) -> Finding:
    """Clean training accuracy (per cent) against validation; a note."""
    if training is None or not base.n:
        return Finding("fit", "note", "the training accuracy is not known")
    gap = training - base.mean
    said = f"training images {training:.1f} %, validation {base.mean:.1f} %: a gap of {gap:.1f} pp"
    if training < 98 and gap < 2:
        said += "; regularisation cannot help where training images are not learnt either"
    return Finding("fit", "note", said, gap)


def test_size(base: Sample, images: int) -> Finding:
    """The smallest difference of two networks that a test set of `images` can resolve; a note.

    It assumes that the two networks are scored on different images. On the same images smaller
    differences can be resolved.
    """
    share = min(max(base.mean / 100, 1 / images), 1 - 1 / images) if base.n else 0.5
    half = 100 * critical(math.inf) * math.sqrt(2 * share * (1 - share) / images)
    said = (
        f"{counted(images, 'test image')}: one image is {100 / images:.2g} pp. For other images, "
        f"differences of two networks below about {half:.1f} pp stay uncertain with any number of "
        "seeds"
    )
    return Finding("test set", "note", said, half)
