"""What an unknown metric's name suggests."""

from __future__ import annotations

from runner.analysis.metrics.metric import Metric

SMALLER = ("loss", "error", "seconds", "time", "memory", "parameters", "flops", "latency", "gap")
UNITS = (("seconds", "s"), ("memory_mb", "MB"), ("images_per_second", "images/s"))


def guessed(column: str) -> Metric:
    """A guess, from parts of its name, at what a column of a user's table holds.

    An accuracy is in per cent; what has no unit that is known is its own unit.

    >>> guessed("train_acc").unit, guessed("gpu_seconds").unit, guessed("bleu").unit
    ('pp', 's', 'bleu')
    """
    name = column.lower()
    share = "accuracy" in name or name in ("acc", "top1") or name.endswith("_acc")
    unit = next((symbol for end, symbol in UNITS if name.endswith(end)), column)
    return Metric(
        column,
        "pp" if share else unit,
        larger_is_better=not any(word in name for word in SMALLER),
        share=share,
    )
