"""Reference: the accuracy of a simple method without a network on the same split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from runner.analysis.baseline.finding import Finding, Sample, Verdict
from runner.analysis.data.estimates import critical, wilson
from runner.text import counted


@dataclass(frozen=True)
class Reference:
    """A simple method: `right` of `images` validation images, trained on `trained_on` images.

    of: its input, such as pixels.
    """

    name: str
    of: str
    right: int
    images: int
    trained_on: int
    whole: bool = True  # whether these are all images of both splits

    @property
    def accuracy(self) -> float:
        """Per cent of the validation images."""
        return 100 * self.right / self.images

    def __str__(self) -> str:
        low, high = (100 * end for end in wilson(self.right, self.images))
        some = (
            f", of {counted(self.images, 'image')}, trained on {self.trained_on:,}"
            if not self.whole
            else ""
        )
        seen = f" on {self.of}" if self.of else ""
        return f"{self.name}{seen} {self.accuracy:.1f} % ({low:.1f} to {high:.1f}{some})"


def references(
    base: Sample, found: Sequence[Reference], images: int | None, alpha: float = 0.05
) -> Finding:
    """Whether a simple method is better than the baseline by more than noise.

    The check fails if the lower bound of the difference is above 0 for some method. The bound
    combines Wilson intervals for the choice of validation images on both sides, as if the sides had
    different images, with the t interval of the baseline's mean (Newcombe's square-and-add).
    It is one-sided, at `alpha` over all methods. images: size of the validation set.
    """
    if not found or base.n < 2 or not images:
        why = "they are not computed yet" if not found else "the baseline has fewer than two runs"
        return Finding("references", "unknown", f"simple references: {why}")
    level = alpha / len(found)
    best = max(found, key=lambda method: method.accuracy)
    bounds = {method: _lower(base, method, images, level) for method in found}
    better = [method for method in found if bounds[method] > 0]
    told = ", ".join(str(method) for method in found)
    gain = best.accuracy - base.mean
    if better:
        names = " and ".join(method.name for method in better)
        reason = f"better than the baseline's {base.mean:.1f} %: {names}"
    else:
        reason = f"no simple method exceeds the baseline's {base.mean:.1f} % by more than noise"
    verdict: Verdict = "fail" if better else "pass"
    return Finding("references", verdict, f"{reason}: {told}", gain, bounds[best], None, 0.0)


def _lower(base: Sample, method: Reference, images: int, level: float) -> float:
    """One-sided lower bound of the method's accuracy minus the baseline's, in pp."""
    confidence = 1 - 2 * level
    low = 100 * wilson(method.right, method.images, confidence)[0]
    high = 100 * _wilson_high(base.mean / 100, images, level)
    seeds = critical(base.n - 1, 2 * level) * base.sd / base.n**0.5
    parts = (method.accuracy - low, max(high - base.mean, 0.0), seeds)
    return method.accuracy - base.mean - sum(part**2 for part in parts) ** 0.5


def _wilson_high(share: float, images: int, level: float) -> float:
    """Wilson's one-sided upper bound of a share; the share may be a mean over networks."""
    z = NormalDist().inv_cdf(1 - level)
    middle = share + z**2 / (2 * images)
    around = z * (share * (1 - share) / images + z**2 / (4 * images**2)) ** 0.5
    return float((middle + around) / (1 + z**2 / images))
