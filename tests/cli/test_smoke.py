"""run --smoke: every arm for two steps on small images, a report, and no files left."""

import tempfile

import pytest

from runner.launch.listener import Silent
from runner.launch.options import Options
from runner.launch.smoke import smoke
from runner.records.spec import RunSpec
from runner.studies.asked import Asked
from runner.studies.study import build


@pytest.fixture
def thrown_away(tmp_path_factory, monkeypatch):
    """The folder of temporary folders."""
    place = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


@pytest.fixture
def seen(stub, monkeypatch):
    """The recipes that are trained, by the run's tricks."""
    from runner.execution import executor

    found, execute = {}, executor.execute

    def watched(runs, store, order, on_event=None):
        runs = list(runs)
        for spec in (RunSpec.from_json(run.payload) for run in runs):
            found[spec.tricks] = (spec.recipe, spec.data)
        return execute(runs, store, order, on_event)

    monkeypatch.setattr("runner.execution.executor.execute", watched)
    return found


def test_every_arm_is_small_whatever_its_level_says(cli, seen, thrown_away, tmp_path):
    (tmp_path / "mine.toml").write_text(
        'tricks = ["cosine"]\nseeds = 3\n[tune]\nlr_scale = [1, 2]\n'
        '[levels.long]\nshort = ""\nlong = "epochs=40 + resolution=96 + mixup"\n'
    )
    done = cli("run", "--study", "mine.toml", "--smoke")
    assert done.code == 0, done.err
    assert len(seen) == 3
    for recipe, data in seen.values():
        assert (recipe.epochs, recipe.batch_size, data["train_images"]) == (1, 32, 64)
        assert recipe.resolution <= 64
    assert "3 arms: 3 trained, 0 failed" in done.out
    assert "the report was written" in done.out
    assert [path.name for path in tmp_path.iterdir()] == ["mine.toml"]
    assert not list(thrown_away.glob("tricks-bench-*"))


def test_a_failed_arm_is_exit_code_1_and_keeps_its_store(cli, stub, thrown_away):
    stub.states[("cosine",)] = "failed"
    done = cli("run", "--tricks", "cosine", "--smoke")
    assert done.code == 1
    assert "2 arms: 1 trained, 1 failed" in done.out
    [left] = thrown_away.glob("tricks-bench-*")
    assert f"their logs stay in {left / 'results'}" in done.out


def test_two_real_steps_and_a_real_report(tmp_path, thrown_away, no_drawing):
    study = build(Asked(tricks=["warmup"], set={"width": 0.05, "threads": 1}))
    found = smoke(study, Options(tmp_path / "results", workers=2, device="cpu"), Silent())
    assert (found.summary.ok, found.arms, found.report, found.logs) == (2, 2, None, None)
    assert not list(tmp_path.iterdir())
