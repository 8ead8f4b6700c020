"""Accuracy on training images, the generalisation gap, and facts about the test set."""

from __future__ import annotations

from runner.analysis.metrics.metric import Metric

METRICS = (
    Metric(
        "probe_accuracy", "pp", larger_is_better=True, share=True,
        what="The share of a probe of training images that are predicted correctly.",
    ),
    Metric(
        "generalisation_gap", "pp", larger_is_better=False, share=True,
        what="Accuracy on the probe of training images minus accuracy on validation images.",
    ),
    Metric(
        "chance_accuracy", "pp", larger_is_better=True, share=True,
        what="The share of test images in the most common class.",
    ),
    Metric("test_images", "test_images", larger_is_better=True, what="Images of the test set."),
)  # fmt: skip
