"""The command line in this process, with its own store and stubbed training."""

import json
import shutil
from dataclasses import dataclass

import pytest

from runner.cli import call
from runner.execution.events import Summary
from runner.records.spec import RunSpec
from runner.records.store import Store
from runner.records.studies import save_study
from runner.records.study_toml import from_mapping
from runner.tasks.registry import find
from tests.cli.saved_models import trained
from tricks.loading import plugin_sources


@dataclass
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def cli(tmp_path, monkeypatch, capsys):
    """cli("run", "--seeds", "2") -> Result, in an empty folder with `results` as the store."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        capsys.readouterr()
        code = call([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return run


def outcome(spec):
    """An outcome that depends on the spec, without training."""
    accuracy = 90 + int(spec.id[:4], 16) / 65536
    return {
        "state": "ok",
        "epochs": [
            {"epoch": e, "loss": 1 / e, "val_loss": 1 / e, "val_accuracy": accuracy, "lr": 0.1,
             "probe_accuracy": accuracy}
            for e in (1, 2)
        ],
        "test_accuracy": accuracy, "test_loss": 0.5, "val_accuracy": accuracy, "val_loss": 0.5,
        "probe_accuracy": accuracy, "test_images": 8, "correct": "/w==", "classes": 10,
        "chance_accuracy": 10.0, "images_per_second": 100.0, "peak_memory_mb": 1.0,
        "seconds": {"train": 1.0, "evaluate": 0.1, "wait": 0.0, "cpu": 1.0, "total": 1.2},
        "parameters": 10, "steps": 2, "warmup_steps": 0, "device": "cpu", "versions": {},
        "code_revision": None, "plugins": plugin_sources(spec.recipe),
    }  # fmt: skip


@pytest.fixture
def stub(monkeypatch):
    """Records every run at once instead of training it; gives the list of ids "trained"."""
    trained = []

    def execute(runs, store, order, on_event=None):
        counts = {"ok": 0, "diverged": 0, "failed": 0, "infra": 0}
        skipped = 0
        for spec in (RunSpec.from_json(run.payload) for run in runs):
            record = {"schema": 1, "id": spec.id, **spec.to_json(), **outcome(spec)}
            record["state"] = stub_state(spec)
            for metric in ("test_accuracy", "val_accuracy"):
                record[metric] += sum(shifts.get(trick, 0.0) for trick in spec.tricks)
            if store.commit({**record, "attempt": 1, "error": None}):
                trained.append(spec.id)
                counts[record["state"]] += 1
            else:
                skipped += 1
        return Summary(
            **counts, skipped=skipped, interrupted=False, asked_to_stop=trained_list.asked_to_stop
        )

    def stub_state(spec):
        return trained_as.get(spec.tricks, "ok")

    trained_as, shifts = {}, {}
    monkeypatch.setattr("runner.execution.executor.execute", execute)
    monkeypatch.setattr("runner.planning.probe_run.predict_seconds", lambda *a, **k: 0.01)
    monkeypatch.setattr("runner.planning.probe_run.network_bytes", lambda *a, **k: 1_000)
    trained_list = _Trained(trained)
    trained_list.states, trained_list.shifts = trained_as, shifts
    return trained_list


class _Trained:
    """Ids in the order trained; `states` says which tricks end in another state than ok.

    asked_to_stop: whether a request to stop came during the last run. shifts: trick -> percentage
    points that it adds to both accuracies.
    """

    asked_to_stop = False

    def __init__(self, ids):
        self.ids = ids
        self.states = {}
        self.shifts = {}


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    """A store with a study of two arms, all models saved, and a run that has none."""
    root = tmp_path_factory.mktemp("kept") / "results"
    records = [trained(root), trained(root, "lars"), trained(root, seed=1, models=False)]
    asked = {
        "task": "digits", "grid": "add-one",
        "factors": [{"name": "optimizer", "levels": ["sgd", "lars"]}],
    }  # fmt: skip
    rows = [
        {"id": record["id"], "seed": record["seed"], "optimizer": level}
        for record, level in zip(records[:2], ("sgd", "lars"), strict=True)
    ]
    save_study(Store(root), "small", from_mapping(asked), rows)
    return root, records


@pytest.fixture
def kept(cli, store, tmp_path):
    root, records = store
    shutil.copytree(root, tmp_path / "results")
    return records


@pytest.fixture
def pictures(tmp_path):
    """The first 40 test images of digits as PNGs, one folder per class; some with harmful names."""
    from PIL import Image

    test = find("digits").load(None, None).test
    for i in range(40):
        folder = tmp_path / "pictures" / str(int(test.labels[i]))
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(test.images[i, 0].numpy()).save(folder / f"{i:02}.png")
    return tmp_path / "pictures"
