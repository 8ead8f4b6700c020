"""run --save-models: which runs keep their weights, and which are trained again for them."""

import dataclasses
import json

import pytest

from runner.execution import executor
from runner.execution.events import Summary
from runner.records.models import fault, model_file
from runner.records.spec import RunSpec
from runner.records.store import Store
from runner.tasks.recipe_run import RecipeRun
from tests.records.damage import a_model


@pytest.mark.parametrize("kind", ["missing", "a byte", "a folder"])
def test_runs_without_weights_are_trained_again_and_compared(
    cli, stub, tmp_path, monkeypatch, kind
):
    """With stubbed training: the runs, their store, and the line about a different accuracy."""
    assert cli("run", "--tricks", "warmup", "--seeds", "1").code == 0
    store = Store(tmp_path / "results")
    first, second = stub.ids
    a_model(store, first)
    if kind == "a folder":
        model_file(store, second).mkdir()
    elif kind == "a byte":
        path = a_model(store, second)
        path.write_bytes(path.read_bytes()[:-1] + b"!")
    asked = []

    def execute(runs, again, order, on_event):
        for run in runs:
            asked.append((run.id, order.work.models, order.work.best))
            again.commit({**store.read(run.id), "test_accuracy": 12.5})
        return Summary(ok=len(asked), diverged=0, failed=0, infra=0, skipped=0, interrupted=False)

    stubbed = executor.execute
    monkeypatch.setattr(
        "runner.execution.executor.execute",
        lambda runs, where, order, on_event: (
            stubbed if where.root == store.root.relative_to(tmp_path) else execute
        )(runs, where, order, on_event),
    )
    line = ("run", "--tricks", "warmup", "--seeds", "1", "--save-models")
    assert "1 recorded without weights" in cli(*line, "--dry-run").out
    result = cli(*line)
    assert result.code == 0, result.err
    assert asked == [(second, str(tmp_path / "results" / "models"), False)]
    assert f"{second}: test accuracy 12.50 % this time, 9" in result.out
    assert "the record stays as it is" in result.out
    assert store.read(second)["test_accuracy"] != 12.5
    assert not model_file(store, second).exists()  # nothing stands in the way of the new one
    assert fault(model_file(store, first)) == ""


def test_of_the_winner_alone_the_weights_are_kept(cli, stub, tmp_path, monkeypatch):
    line = ("run", "--tricks", "warmup", "--seeds", "2")
    assert cli(*line).code == 0
    store, stubbed, asked = Store(tmp_path / "results"), executor.execute, []

    def execute(runs, where, order, on_event):
        if where.root == store.root.relative_to(tmp_path):
            return stubbed(runs, where, order, on_event)
        asked.extend((run.id, order.work.models, order.work.best) for run in runs)
        for run in runs:
            where.commit(store.read(run.id))
        return Summary(ok=len(asked), diverged=0, failed=0, infra=0, skipped=0, interrupted=False)

    monkeypatch.setattr("runner.execution.executor.execute", execute)
    assert "1 recorded without weights" in cli(*line, "--save-models", "winner", "--dry-run").out
    assert cli(*line, "--save-models", "winner").code == 0
    score = {id: store.read(id)["val_accuracy"] for id in stub.ids}
    by_arm = {tuple(sorted(r["tricks"])): [] for r in map(store.read, stub.ids)}
    for id in stub.ids:
        by_arm[tuple(sorted(store.read(id)["tricks"]))].append(id)
    arm = max(by_arm.values(), key=lambda ids: sum(score[id] for id in ids))
    assert asked == [(max(arm, key=score.get), str(tmp_path / "results" / "models"), False)]


@pytest.mark.slow
def test_models_are_saved_and_recorded_runs_trained_again_for_them(cli, tmp_path):
    line = ("run", "--tricks", "ema", "--seeds", "1", "--set", "epochs=2", "--set",
            "train_images=128", "--workers", "1")  # fmt: skip
    assert cli(*line).code == 0
    before = {p.name: p.read_bytes() for p in (tmp_path / "results" / "runs").rglob("*.json")}
    assert "2 recorded without weights" in cli(*line, "--save-models", "--dry-run").out
    result = cli(*line, "--save-models", "best")
    assert result.code == 0, result.err
    assert "2 recorded without weights: training them again" in result.out
    assert "on record" not in result.out
    after = {p.name: p.read_bytes() for p in (tmp_path / "results" / "runs").rglob("*.json")}
    assert after == before
    models = tmp_path / "results" / "models"
    assert len(list(models.glob("*.safetensors"))) == 4
    for name, data in before.items():
        got = cli("evaluate", name[:16], "--data", "digits", "--json")
        assert got.code == 0, got.err
        assert got.json["accuracy"] == pytest.approx(json.loads(data)["test_accuracy"])
    assert "trained again" not in cli(*line, "--save-models").out
    bad = cli(*line, "--save-models=first")
    assert bad.code == 2
    assert "--save-models first: unknown choice" in bad.err


def test_no_models_of_trials_are_kept(tmp_path):
    from runner.launch.weights import saving
    from runner.studies.asked import Asked
    from runner.studies.study import build
    from runner.studies.tuning import known_runs

    plan = build(Asked(tricks=["cosine"], tune={"lr_scale": [0.5, 1]}, seeds=2))
    work, store = RecipeRun("digits", device="cpu"), Store(tmp_path / "results")
    keeping = saving(work, "last", store, plan)
    stages = {run.spec.id: run.stage for run in known_runs(plan, {})}
    assert keeping.trials == {id for id, stage in stages.items() if stage == "tuning"}
    assert len(keeping.trials) == 2 * 2 * 2
    assert saving(work, None, store, plan) == work
    id = next(iter(keeping.trials))
    spec = next(run.spec for run in known_runs(plan, {}) if run.spec.id == id)
    few = RunSpec({**spec.data, "train_images": 64}, spec.recipe, spec.seed)
    trials = frozenset([few.id])
    dataclasses.replace(keeping, trials=trials)(few.run(), print)
    assert not list((tmp_path / "results").rglob("*.safetensors"))
