"""Metrics: their numbers by hand and by scikit-learn, and what a column's name means."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from runner.analysis.data.runs_file import from_file
from runner.analysis.metrics import registry
from runner.analysis.metrics.ece import ece
from runner.analysis.metrics.macro_f1 import macro_f1
from runner.analysis.metrics.metric import Metric
from runner.analysis.metrics.nll import nll
from runner.analysis.metrics.predictions import Predictions
from runner.analysis.metrics.top5 import top5
from runner.designs.reserved import is_bookkeeping
from runner.records.record import COLUMNS, TEXT
from runner.training.evaluation import predicted
from tricks.errors import BadInput


def predictions(logits, truth) -> Predictions:
    """Of logits (N, K)."""
    logits = torch.as_tensor(logits, dtype=torch.float32)
    arrays = predicted(logits, torch.as_tensor(truth))
    return Predictions(*(array.numpy() for array in arrays), classes=logits.shape[1])


def of_confidence(confidence, right) -> Predictions:
    """Two classes, all of class 0."""
    right = np.asarray(right, dtype=bool)
    logs = np.log(np.asarray(confidence, dtype=np.float64))
    rank = (~right).astype(int)
    return Predictions(np.zeros(len(right), int), rank, rank, logs, logs, 2)


@pytest.fixture(autouse=True)
def no_others(monkeypatch):
    monkeypatch.setattr(registry, "REGISTERED", {})


@given(st.integers(2, 12), st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_they_are_those_of_scikit_learn(classes, images, seed):
    rng = np.random.default_rng(seed)
    logits, truth = rng.normal(size=(images, classes)), rng.integers(0, classes, images)
    found = predictions(logits, truth)
    chosen = logits.astype(np.float32).argmax(1)
    assert found.predicted.tolist() == chosen.tolist()
    values = registry.metric_values(found)
    assert values["accuracy"] == pytest.approx(100 * sklearn_metrics.accuracy_score(truth, chosen))
    wanted = sklearn_metrics.f1_score(truth, chosen, average="macro", zero_division=0)
    assert values["macro_f1"] == pytest.approx(100 * wanted)
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    wanted = sklearn_metrics.log_loss(truth, shares, labels=range(classes))
    assert values["nll"] == pytest.approx(wanted, rel=1e-5)
    k = min(5, classes)
    best = np.argsort(-logits, axis=1)[:, :k]
    assert values["top5"] == pytest.approx(100 * (best == truth[:, None]).any(1).mean())
    right = chosen == truth
    assert np.array_equal(found.correct, right)
    assert np.allclose(found.truth_probability, shares[range(images), truth], rtol=1e-5)


def test_macro_f1_by_hand():
    # class 0: 1 hit, 2 there, 1 predicted -> 2/3; class 1: 1, 1, 2 -> 2/3; class 2: none at all.
    found = replace(
        of_confidence([0.9, 0.9, 0.9], [True, False, True]),
        truth=np.array([0, 0, 1]), predicted=np.array([0, 1, 1]), classes=3,
    )  # fmt: skip
    assert macro_f1(found) == pytest.approx(100 * 2 / 3)


def test_ece_by_hand():
    # bin (9/15, 10/15]: two images, confidence 0.65, one right: |0.5 - 0.65| × 2/4;
    # bin (14/15, 1]: two images, 0.95 and 1, both right: |1 - 0.975| × 2/4.
    found = of_confidence([0.65, 0.65, 0.95, 1.0], [True, False, True, True])
    assert ece(found) == pytest.approx(100 * (0.15 / 2 + 0.025 / 2))
    # The upper end belongs to a bin: 0.6 is in (8/15, 9/15], 0.61 is not, so nothing cancels.
    assert ece(of_confidence([0.6, 0.61], [True, False])) == pytest.approx(100 * (0.4 + 0.61) / 2)
    assert ece(of_confidence([0.62, 0.62], [True, False])) == pytest.approx(100 * 0.12)


def test_nll_is_exact_where_a_probability_underflows():
    found = predictions([[0.0, 1000.0]], [0])
    assert found.truth_probability[0] == 0
    assert nll(found) == pytest.approx(1000)


def test_a_dead_network_has_no_better_top5_than_its_first_five_classes():
    found = predictions(np.zeros((10, 10)), np.arange(10))
    assert top5(found) == 50
    assert found.rank.tolist() == list(range(10))


TODAY = {
    "accuracy": ("pp", True, True), "val_accuracy": ("pp", True, True),
    "probe_accuracy": ("pp", True, True), "chance_accuracy": ("pp", True, True),
    "generalisation_gap": ("pp", False, True), "loss": ("loss", False, False),
    "val_loss": ("val_loss", False, False), "train_seconds": ("s", False, False),
    "cpu_seconds": ("s", False, False), "evaluate_seconds": ("s", False, False),
    "wait_seconds": ("s", False, False), "total_seconds": ("s", False, False),
    "images_per_second": ("images/s", True, False), "peak_memory_mb": ("MB", False, False),
    "parameters": ("parameters", False, False), "test_images": ("test_images", True, False),
    "top5": ("pp", True, True), "Accuracy": ("pp", True, True), "Loss": ("Loss", False, False),
    # names of other tables
    "acc": ("pp", True, True), "top1": ("pp", True, True), "test_acc": ("pp", True, True),
    "bleu": ("bleu", None, False), "error": ("error", False, False),
    "gpu_seconds": ("s", False, False), "val_top1": ("val_top1", True, False),
}  # fmt: skip


@pytest.mark.parametrize("column", TODAY)
def test_known_names_mean_what_they_meant(column):
    metric = registry.named(column)
    assert (metric.unit, metric.larger_is_better, metric.share) == TODAY[column]


@pytest.mark.parametrize(
    ("column", "unit", "better"),
    [("val_top5", "pp", True), ("macro_f1", "pp", True), ("val_nll", "nat", False),
     ("ece", "pp", False), ("VAL_ECE", "pp", False)],
)  # fmt: skip
def test_new_names(column, unit, better):
    metric = registry.named(column)
    assert (metric.name, metric.unit, metric.larger_is_better) == (column, unit, better)


def test_every_column_of_the_table_is_known_and_never_a_factor():
    for column in COLUMNS.keys() - TEXT:
        found = registry.find(column)
        assert found is not None, column
        assert found.what.endswith("."), column
        assert is_bookkeeping(column), column
    for metric in registry.computed():
        assert {metric.name, f"val_{metric.name}"} <= COLUMNS.keys()


def test_a_metric_is_registered_once_and_cannot_be_changed():
    def zero(found):
        return 0.0

    metric = Metric("mine", "pp", larger_is_better=True, compute=zero)
    assert registry.register(metric) is metric
    assert registry.register(metric) is metric, "its file is loaded again"
    assert registry.find("val_mine") == replace(metric, name="val_mine")
    with pytest.raises(FrozenInstanceError):
        metric.unit = "nat"
    for name in ("accuracy", "loss", "seed", "val_mine2", "Mine", "a b", ""):
        with pytest.raises(BadInput, match="metric"):
            registry.register(replace(metric, name=name))
    with pytest.raises(BadInput, match="no function"):
        registry.register(replace(metric, name="other", compute=None))
    other = replace(metric, compute=np.mean)
    with pytest.raises(BadInput, match="another column"):
        registry.register(other)


def test_a_metric_that_fails_has_no_value_and_spoils_no_training(capsys):
    def broken(found):
        return found.nothing

    registry.register(Metric("broken", "pp", larger_is_better=True, compute=broken))
    values = registry.metric_values(predictions([[1.0, 0.0]], [0]))
    assert values["broken"] is None
    assert values["accuracy"] == 100
    assert "broken cannot be computed: AttributeError" in capsys.readouterr().err


def test_a_table_of_fractions_is_refused_where_it_shows(tmp_path):
    def analysed(metric, values):
        rows = [f"{i % 2},{value}" for i, value in enumerate(values)]
        (tmp_path / "runs.csv").write_text("\n".join([f"mixup,{metric}", *rows]))
        return from_file(tmp_path / "runs.csv", metric=metric)

    with pytest.raises(BadInput, match="multiply them by 100"):
        analysed("macro_f1", (0.9, 0.8, 0.7, 0.85))
    assert len(analysed("ece", (0.9, 0.8, 0.7, 0.85)).runs) == 4, "an error below 1 % can be"
    with pytest.raises(BadInput, match="is no value in per cent"):
        analysed("ece", (0.9, 101, 0.7, 0.85))
