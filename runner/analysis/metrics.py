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


# Columns that are never factors: what the tool exports, and the usual names elsewhere.
BOOKKEEPING = (
    "id", "run", "run_id", "state", "status", "seed", "replicate", "rep", "fold", "split",
    "accuracy", "acc", "top1", "top5", "loss", "val_accuracy", "val_loss", "val_acc",
    "test_accuracy", "test_acc", "test_loss", "train_accuracy", "train_loss", "probe_accuracy",
    "generalisation_gap",
    "seconds", "time", "duration", "images_per_second", "peak_memory_mb", "memory", "parameters",
    "chance_accuracy", "test_images", "correct", "classes", "steps", "device", "host", "hostname",
    "gpu", "started", "finished", "attempt", "date", "timestamp", "version", "versions",
    "code_revision", "commit", "error", "checksum", "name", "study", "notes", "comment", "index",
)  # fmt: skip


def is_bookkeeping(column: str) -> bool:
    """Whether a CSV column of this name is never a factor.

    >>> is_bookkeeping("cpu_seconds"), is_bookkeeping("Seed"), is_bookkeeping("mixup")
    (True, True, False)
    """
    name = column.strip().lower()
    return (
        name in BOOKKEEPING or name.endswith("_seconds") or name.startswith(("unnamed:", "tuned_"))
    )
