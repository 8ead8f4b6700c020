"""What a metric's name says: its unit, and whether more of it is better."""

from __future__ import annotations

SMALLER = ("loss", "error", "seconds", "time", "memory", "parameters", "flops", "latency", "gap")
UNITS = (("seconds", "s"), ("memory_mb", "MB"), ("images_per_second", "images/s"))


def is_share(metric: str) -> bool:
    """Whether the metric is a percentage, so that its effects are percentage points."""
    name = metric.lower()
    shares = ("acc", "top1", "top5", "generalisation_gap")
    return "accuracy" in name or name in shares or name.endswith("_acc")


def unit(metric: str) -> str:
    """The unit of the metric's effects; a metric without a known unit is its own unit.

    >>> unit("val_accuracy"), unit("cpu_seconds"), unit("loss")
    ('pp', 's', 'loss')
    """
    if is_share(metric):
        return "pp"
    return next((symbol for end, symbol in UNITS if metric.lower().endswith(end)), metric)


def larger_is_better(metric: str) -> bool:
    """Whether a larger value is the better one."""
    return not any(word in metric.lower() for word in SMALLER)
