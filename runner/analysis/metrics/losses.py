"""The cross-entropy losses of an evaluation, with hard targets."""

from __future__ import annotations

from runner.analysis.metrics.metric import Metric

METRICS = (
    Metric("loss", "loss", larger_is_better=False, what="Cross-entropy on test images, in nats."),
    Metric(
        "val_loss", "val_loss", larger_is_better=False,
        what="Cross-entropy on validation images, in nats.",
    ),
)  # fmt: skip
