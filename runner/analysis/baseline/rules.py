"""The rules by which a baseline passes its check; every interval here is on validation.

A part with a limit passes when the one-sided 95 % bound on the good side lies within the limit, and
fails when that on the other side lies beyond it; else it is unknown, and more seeds would tell. So
a baseline whose true value is beyond a limit passes in at most 5 % of checks, one within it fails
in at most 5 %, and since all parts must pass, the same holds for the whole. Both bounds together
are a 90 % interval, which is the one that is shown. tests/analysis/test_baseline.py simulates it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from scipy import stats

from runner.analysis.baseline.finding import Finding, Sample
from runner.analysis.power import critical, detectable, upper_sd
from runner.text import counted

ALPHA = 0.05
GAIN = 0.5  # pp of validation accuracy: what twice the epochs, or another rate, may give at most
COARSE = 3.0  # pp: half-width beyond which few runs say nothing of a learning rate
SD = 1.0  # pp: the run-to-run sd of a baseline that effects of a few pp can be seen on
STEPS = 300  # optimizer steps below which it is said that they are few
TOO_FEW = "the baseline has fewer than two runs that ended well"


def budget(base: Sample, twice: Sample, epochs: int) -> Finding:
    """Whether twice the epochs move validation accuracy by at most `GAIN`; Welch's interval.

    epochs: of the baseline.
    """
    more = ("epochs", str(2 * epochs))
    if base.n < 2:
        return Finding("budget", "unknown", TOO_FEW, limit=GAIN)
    if twice.n < 2:
        what = f"{twice.lost} runs with twice the epochs were lost: nothing is known"
        return Finding("budget", "unknown", what, limit=GAIN)
    gain = twice.mean - base.mean
    parts = [sample.sd**2 / sample.n for sample in (base, twice)]
    se = math.sqrt(sum(parts))
    down = sum(part**2 / (s.n - 1) for part, s in zip(parts, (base, twice), strict=True))
    half = critical(sum(parts) ** 2 / down, 2 * ALPHA) * se if se else 0.0
    low, high = gain - half, gain + half
    said = f"{gain:+.1f} pp ({low:+.1f} to {high:+.1f}) by twice the epochs"
    if high <= GAIN:
        return Finding("budget", "pass", f"learnt out: {said}", gain, low, high, GAIN)
    unsure = f"; not known to be within {GAIN:g} pp"
    if low > GAIN:
        return Finding(
            "budget", "fail", f"still learning: {said}", gain, low, high, GAIN, "pp", more
        )
    if low > 0:
        said = f"still learning: {said}{unsure}"
        return Finding("budget", "unknown", said, gain, low, high, GAIN, "pp", more)
    seeds = ("seeds", str(2 * base.n))
    said = f"still learning or not: {said}{unsure}"
    return Finding("budget", "unknown", said, gain, low, high, GAIN, "pp", seeds)


def noise(base: Sample, seeds: int) -> Finding:
    """Whether the run-to-run sd is at most `SD`, with its χ² interval.

    It also says the smallest effect that `seeds` runs of each of two arms detect (t test at 5 %,
    power 0.8), planned with the sd's upper 80 % bound as `tricks-bench plan` does.
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
        said = f"noisy: {said}; longer training or a lower rate make it quieter"
        return Finding("noise", "fail", said, sd, low, high, SD)
    said += f"; not known to be within {SD:g} pp"
    return Finding("noise", "unknown", said, sd, low, high, SD, "pp", more)


def rate(own: float, base: Sample, others: Mapping[float, Sample]) -> Finding:
    """Whether another learning rate is better than the baseline's, or the best one at the edge.

    own: the baseline's lr_scale; others: by lr_scale. It fails if some rate is better by more than
    noise (one-sided, 5 % over all of them; see `_better`). Unknown: the best mean is at the edge,
    and above the baseline's by more than `GAIN`; or the noise hides gains of more than `COARSE`. A
    rate of which a run was lost is no candidate, nor is one that is `_unstable`.
    """
    name = "learning rate"
    if base.n < 2:
        return Finding(name, "unknown", TOO_FEW, limit=GAIN)
    sound = {scale: arm for scale, arm in others.items() if arm.n and not arm.lost}
    if not sound:
        return Finding(name, "unknown", "no other rate has runs that ended well", limit=GAIN)
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
    """Whether all runs are below the baseline's worst, and noisier (F test, 5 %).

    So are those of a rate far too high, whose noise tells nothing of the rates that count.
    """
    if arm.n < 2 or max(arm.values) >= min(base.values):
        return False
    return bool(arm.sd**2 > base.sd**2 * stats.f.isf(ALPHA, arm.n - 1, base.n - 1))


def _pooled(arms: Sequence[Sample]) -> tuple[float, int]:
    """Sd in pp pooled over arms of two and more runs, and its df; 0 df without any."""
    df = sum(arm.n - 1 for arm in arms)
    squares = sum((arm.n - 1) * arm.sd**2 for arm in arms)
    return (math.sqrt(squares / df), df) if df else (0.0, 0)


def _better(
    base: Sample, arm: Sample, pooled: tuple[float, int], level: float
) -> tuple[float, float]:
    """Both bounds of mean(arm) - mean(base) in pp, each one-sided at `level`.

    Two runs of a rate tell little of their noise, and a high rate may be noisier than the baseline:
    so the sd is the largest of the arm's own, the baseline's and that pooled over the other rates.
    """
    other, df = pooled
    sd = max(base.sd, other, arm.sd if arm.n > 1 else 0.0)
    se = math.sqrt(base.sd**2 / base.n + sd**2 / arm.n)
    half = critical(min(base.n - 1, df or base.n - 1), 2 * level) * se
    gain = arm.mean - base.mean
    return gain - half, gain + half


def steps(count: int, epochs: int) -> Finding:
    """How many optimizer steps a run takes, and whether they are few; a note."""
    said = f"{counted(count, 'optimizer step')} a run"
    if count >= STEPS:
        return Finding("steps", "note", said, count, limit=STEPS, unit="steps")
    said = f"{said}, which is few: warmup, schedules and averages of weights need more"
    change = ("epochs", str(math.ceil(epochs * STEPS / max(count, 1))))
    return Finding("steps", "note", said, count, limit=STEPS, unit="steps", change=change)


def fit(base: Sample, training: float | None) -> Finding:
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

    As if the two were scored on images of their own: on the same images they are surer.
    """
    share = min(max(base.mean / 100, 1 / images), 1 - 1 / images) if base.n else 0.5
    half = 100 * critical(math.inf) * math.sqrt(2 * share * (1 - share) / images)
    said = (
        f"{counted(images, 'test image')}: one is {100 / images:.2g} pp, and beyond these images "
        f"differences of two networks below about {half:.1f} pp are uncertain, however many seeds"
    )
    return Finding("test set", "note", said, half)
