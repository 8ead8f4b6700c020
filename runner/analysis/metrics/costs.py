"""The cost of a training: time, memory, parameters."""

from __future__ import annotations

from runner.analysis.metrics.metric import Metric

_TIMES = {
    "train_seconds": "Wall-clock seconds in training steps.",
    "cpu_seconds": "CPU seconds in training steps.",
    "evaluate_seconds": "Wall-clock seconds in evaluations.",
    "wait_seconds": "Wall-clock seconds in which training waited for images.",
    "total_seconds": "Wall-clock seconds of the whole run.",
}

METRICS = (
    *(Metric(name, "s", larger_is_better=False, what=what) for name, what in _TIMES.items()),
    Metric(
        "images_per_second", "images/s", larger_is_better=True,
        what="Training images per wall-clock second.",
    ),
    Metric("peak_memory_mb", "MB", larger_is_better=False, what="The largest memory in use."),
    Metric("parameters", "parameters", larger_is_better=False, what="Parameters of the network."),
)  # fmt: skip
