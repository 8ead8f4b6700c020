"""Names that no factor may have: columns of results tables, of this and of other tools."""

from __future__ import annotations

# Columns that are never factors: exported columns of this tool, and usual names of other tools.
BOOKKEEPING = (
    "id", "run", "run_id", "state", "status", "seed", "replicate", "rep", "fold", "split",
    "accuracy", "acc", "top1", "top5", "macro_f1", "nll", "ece", "loss", "val_accuracy", "val_acc",
    "val_top1", "val_top5", "val_macro_f1", "val_nll", "val_ece", "val_loss",
    "test_accuracy", "test_acc", "test_loss", "train_accuracy", "train_loss", "probe_accuracy",
    "generalisation_gap",
    "seconds", "time", "duration", "images_per_second", "peak_memory_mb", "memory", "parameters",
    "chance_accuracy", "test_images", "correct", "weights_sha256", "classes", "steps", "device",
    "host", "hostname", "gpu", "started", "finished", "attempt", "date", "timestamp", "version",
    "versions",
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
