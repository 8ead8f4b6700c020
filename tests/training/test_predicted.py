"""The predictions that a training keeps, and the metrics that follow from them."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score

from runner.analysis.metrics import registry
from runner.records.predictions import unpack
from runner.training import evaluation
from runner.training.evaluation import evaluate, outputs
from runner.training.loop import train
from tests.bag import outcome
from tests.training.resuming import CPU


@pytest.mark.parametrize("tricks", [(), ("shift-tta",)], ids=["plain", "averaged"])
def test_they_are_those_of_the_evaluated_model(recipe, tiny, tricks):
    made = recipe(*tricks, epochs=2)
    result = outcome(made, tiny, 0, CPU)
    found = unpack(result["predictions"], len(tiny.test))
    model = train(made, tiny, 0, CPU).model
    logits, labels = next(iter(outputs(model, tiny.test, tiny, made, CPU)))
    logs = torch.log_softmax(logits, 1).detach().numpy()
    truth = labels.numpy()
    assert np.array_equal(found.truth, truth)
    assert np.array_equal(found.predicted, logs.argmax(1))
    assert np.array_equal(found.log_truth, logs[range(len(truth)), truth])
    assert np.allclose(found.confidence, np.exp(logs.max(1)))
    assert np.array_equal(found.rank, (logs > logs[range(len(truth)), truth][:, None]).sum(1))
    bits = np.unpackbits(np.frombuffer(base64.b64decode(result["correct"]), np.uint8), count=16)
    assert np.array_equal(found.correct, bits.astype(bool))


def test_metrics_on_test_and_validation_are_in_the_outcome(recipe, tiny):
    made = recipe(epochs=2)
    result = outcome(made, tiny, 0, CPU)
    json.dumps(result["metrics"], allow_nan=False)
    test, validation = result["metrics"]["test"], result["metrics"]["validation"]
    assert test == registry.metric_values(unpack(result["predictions"], len(tiny.test)))
    assert test["accuracy"] == pytest.approx(result["test_accuracy"])
    assert test["nll"] == pytest.approx(result["test_loss"], rel=1e-5)
    assert validation["accuracy"] == pytest.approx(result["val_accuracy"])
    assert validation["nll"] == pytest.approx(result["val_loss"], rel=1e-5)
    model = train(made, tiny, 0, CPU).model
    logits, labels = next(iter(outputs(model, tiny.validation, tiny, made, CPU)))
    wanted = f1_score(labels.numpy(), logits.argmax(1).numpy(), average="macro")
    assert validation["macro_f1"] == pytest.approx(100 * wanted)


def test_only_the_last_evaluations_keep_them(recipe, tiny, monkeypatch):
    kept = []
    original = evaluation.predicted
    monkeypatch.setattr(
        evaluation, "predicted", lambda *args: kept.append(len(args[1])) or original(*args)
    )
    outcome(recipe(epochs=3), tiny, 0, CPU)
    assert kept == [16, 16], "validation after the last epoch, then the test images"


def test_a_diverged_run_has_none(recipe, tiny):
    result = outcome(recipe(lr_scale=1e12, epochs=3), tiny, 0, CPU)
    assert (result["state"], result["predictions"], result["metrics"]) == ("diverged", None, {})


def test_keeping_them_changes_no_result(recipe, tiny):
    model = train(recipe(), tiny, 0, CPU).model
    plain, kept = (evaluate(model, tiny.test, tiny, recipe(), CPU, 0, keep) for keep in (0, 1))
    assert plain.loss == kept.loss
    assert torch.equal(plain.correct, kept.correct)
    assert plain.predictions is None
    assert len(kept.predictions) == 16
