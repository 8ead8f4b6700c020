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
SPREADS = ("std", "sd", "stdev", "sem", "var", "variance")
# Words that turn a metric's direction round, or leave it open: a drop of accuracy, neg_log_loss.
UNSURE = (
    "drop", "decrease", "degradation", "reduction", "improvement", "change", "delta", "diff",
    "difference", "rank", "neg", "negative", "minus", "inaccuracy", *SPREADS,
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
    >>> [guessed(name).larger_is_better for name in ("accuracy_drop", "neg_log_loss")]
    [None, None]
    """
    name = column.lower()
    parts = words(name)
    unsure = any(part in UNSURE for part in parts)
    share = "accuracy" in name or name == "top1" or any(part in SHARES for part in parts)
    unit = next((symbol for end, symbol in UNITS if name.endswith(end)), column)
    more = share or name.endswith("images_per_second") or _has(parts, LARGER)
    less = _has(parts, SMALLER) and not name.endswith("images_per_second")
    return Metric(
        column,
        "pp" if share else unit,
        larger_is_better=None if unsure or more == less else more,
        share=share and not unsure,
    )


def names_metric(column: str) -> bool:
    """Whether the name of a column is that of a metric, whatever its direction.

    Settings such as drop_path and init_std have words that a metric may have, too.

    >>> names_metric("accuracy_loss"), names_metric("std"), names_metric("drop_path")
    (True, True, False)
    """
    parts = words(column)
    return _has(parts, (*LARGER, *SMALLER)) or column.lower() in SPREADS


def words(name: str) -> list[str]:
    """The parts of a column's name.

    >>> words("Val/top1_ema")
    ['val', 'top1', 'ema']
    """
    return [part for part in re.split(r"[^a-z0-9]+", name.lower()) if part]


def _has(parts: list[str], known: tuple[str, ...]) -> bool:
    """Whether a part is one of the words, or ends in a long word: walltime, valloss."""
    return any(p == word or (len(word) > 3 and p.endswith(word)) for p in parts for word in known)
