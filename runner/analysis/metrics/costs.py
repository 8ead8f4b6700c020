"""What a training took: time, memory, parameters."""

from __future__ import annotations

from runner.analysis.metrics.metric import Metric

_TIMES = {
    "train_seconds": "Seconds on the clock in training steps.",
    "cpu_seconds": "Seconds of CPU in training steps.",
    "evaluate_seconds": "Seconds on the clock in evaluations.",
    "wait_seconds": "Seconds on the clock in which training waited for images.",
    "total_seconds": "Seconds on the clock of the whole run.",
}

METRICS = (
    *(Metric(name, "s", larger_is_better=False, what=what) for name, what in _TIMES.items()),
    Metric(
        "images_per_second", "images/s", larger_is_better=True,
        what="Training images a second on the clock.",
    ),
    Metric("peak_memory_mb", "MB", larger_is_better=False, what="The most memory that was in use."),
    Metric("parameters", "parameters", larger_is_better=False, what="Parameters of the network."),
)  # fmt: skip
