"""The unit and direction of an unknown metric, guessed from its name."""

from __future__ import annotations

import re

from runner.analysis.metrics.metric import Metric

SHARES = ("accuracy", "acc")
LARGER = (*SHARES, "top1", "top5", "f1", "auc", "auroc", "precision", "recall", "images_per_second")
SMALLER = (
    "loss", "error", "err", "nll", "ece", "perplexity", "seconds", "time", "memory", "parameters",
    "flops", "latency", "gap",
)  # fmt: skip
UNITS = (("seconds", "s"), ("memory_mb", "MB"), ("images_per_second", "images/s"))


def guessed(column: str) -> Metric:
    """A metric for a column of a user's table, guessed from parts of the column's name.

    An accuracy is in per cent. If the unit is unknown, the column's name is the unit. If the name
    does not tell whether more is better, `larger_is_better` is None.

    >>> guessed("train_acc").unit, guessed("gpu_seconds").unit, guessed("bleu").unit
    ('pp', 's', 'bleu')
    >>> guessed("test/acc").larger_is_better, guessed("walltime").larger_is_better
    (True, False)
    >>> guessed("bleu").larger_is_better is guessed("accuracy_loss").larger_is_better is None
    True
    """
    name = column.lower()
    parts = words(name)
    share = "accuracy" in name or name == "top1" or any(part in SHARES for part in parts)
    unit = next((symbol for end, symbol in UNITS if name.endswith(end)), column)
    more = share or name.endswith("images_per_second") or _has(parts, LARGER)
    less = _has(parts, SMALLER) and not name.endswith("images_per_second")
    return Metric(
        column,
        "pp" if share else unit,
        larger_is_better=None if more == less else more,
        share=share,
    )


def words(name: str) -> list[str]:
    """The parts of a column's name.

    >>> words("Val/top1_ema")
    ['val', 'top1', 'ema']
    """
    return [part for part in re.split(r"[^a-z0-9]+", name.lower()) if part]


def _has(parts: list[str], known: tuple[str, ...]) -> bool:
    """Whether a part is one of the words, or ends in a long word: walltime, valloss."""
    return any(p == word or (len(word) > 3 and p.endswith(word)) for p in parts for word in known)
