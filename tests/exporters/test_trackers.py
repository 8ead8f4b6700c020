"""Runs exported to trackers can be read back, and a second export makes no duplicates."""

import dataclasses
import json
import re
import struct
import sys
from pathlib import Path

import pytest

from runner import exporters as package
from runner.cli import call
from runner.exporters.registry import export_to, exporters
from runner.exporters.run_log import run_logs
from runner.records.export import read_export
from tricks import BadInput

STUDY = Path(__file__).parents[2] / "results" / "ten-epochs" / "digits-add-one-confirm"


@pytest.fixture(scope="module")
def logs():
    """Three runs of a reference study, one of which is said to have failed."""
    first, second, third = run_logs(read_export(STUDY))[:3]
    return [first, second, dataclasses.replace(third, state="failed")]


def test_a_log_holds_a_record(logs):
    log = logs[0]
    record = read_export(STUDY).records[0]
    assert (log.id, log.seed, log.metrics["accuracy"]) == (
        record.id, record.seed, pytest.approx(record.test_accuracy),
    )  # fmt: skip
    assert log.config["optimizer.name"] == "sgd"
    assert log.tags["study"] == "digits-add-one-confirm"
    assert [epoch.epoch for epoch in log.epochs] == list(range(1, record.recipe.epochs + 1))
    assert log.started < log.epochs[0].time < log.epochs[-1].time == pytest.approx(log.ended)
    assert log.epochs[-1].metrics["val_accuracy"] == pytest.approx(log.metrics["val_accuracy"])
    other = dataclasses.replace(log, metrics={**log.metrics, "accuracy": 1.0})
    assert log.digest == dataclasses.replace(log).digest != other.digest


def test_an_unknown_tracker_or_one_that_is_not_installed(logs, tmp_path, monkeypatch, capsys):
    assert list(exporters()) == ["mlflow", "tensorboard", "wandb"]
    with pytest.raises(BadInput, match="unknown tracker 'tensorbord': did you mean tensorboard"):
        export_to("tensorbord", logs, tmp_path)
    monkeypatch.setitem(sys.modules, "mlflow", None)
    assert call(["export", str(STUDY), "--to", "mlflow", "--out", str(tmp_path)]) == 2
    assert "needs mlflow: pip install 'tricks-bench[mlflow]'" in capsys.readouterr().err
    assert call(["export", str(STUDY), "--to", "excel", "--out", str(tmp_path)]) == 2


def twice(name, logs, folder):
    """Export, export again, then with one changed run. Returns the numbers of written runs."""
    changed = dataclasses.replace(logs[0], metrics={**logs[0].metrics, "accuracy": 1.5})
    counts = [export_to(name, logs, folder), export_to(name, logs, folder)]
    return [*counts, export_to(name, [changed, *logs[1:]], folder)]


@pytest.mark.slow
def test_tensorboard(logs, tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams import api_pb2, metadata

    assert twice("tensorboard", logs, tmp_path) == [3, 0, 1]
    assert len(list(tmp_path.rglob("events*"))) == 3
    for log in logs:
        held = EventAccumulator(str(tmp_path / log.study / log.id))
        held.Reload()
        found = [(e.step, e.value, e.wall_time) for e in held.Scalars("epoch/val_accuracy")]
        wanted = [(e.epoch, e.metrics["val_accuracy"], e.time) for e in log.epochs]
        assert found == [pytest.approx(line) for line in wanted]
        [final] = held.Scalars("final/accuracy")
        assert final.value == pytest.approx(1.5 if log is logs[0] else log.metrics["accuracy"])
        tags = held.PluginTagToContent("hparams")
        start = metadata.parse_session_start_info_plugin_data(tags["_hparams_/session_start_info"])
        assert start.hparams["optimizer.lr"].number_value == log.config["optimizer.lr"]
        assert start.hparams["model"].string_value == log.config["model"]
        end = metadata.parse_session_end_info_plugin_data(tags["_hparams_/session_end_info"])
        ok = api_pb2.STATUS_SUCCESS if log.state == "ok" else api_pb2.STATUS_FAILURE
        assert (end.status, end.end_time_secs) == (ok, log.ended)
        [text] = held.Tensors("tags/arm")
        assert text.tensor_proto.string_val[0].decode() == log.arm


@pytest.mark.slow
def test_mlflow_on_sqlite(logs, tmp_path):
    mlflow = pytest.importorskip("mlflow")
    assert twice("mlflow", logs, tmp_path) == [3, 0, 1]
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{tmp_path}/mlflow.db")
    experiment = client.get_experiment_by_name(logs[0].study)
    runs = {run.data.tags["run"]: run for run in client.search_runs([experiment.experiment_id])}
    assert sorted(runs) == sorted(log.id for log in logs)
    for log in logs:
        run = runs[log.id]
        assert run.info.status == ("FINISHED" if log.state == "ok" else "FAILED")
        assert run.info.start_time == round(1000 * log.started)
        assert run.info.run_name == log.name
        assert run.data.params["optimizer.lr"] == str(log.config["optimizer.lr"])
        assert {key: run.data.tags[key] for key in log.tags} == dict(log.tags)
        accuracy = 1.5 if log is logs[0] else log.metrics["accuracy"]
        assert run.data.metrics["accuracy"] == pytest.approx(accuracy)
        history = client.get_metric_history(run.info.run_id, "epoch/val_loss")
        assert [(m.step, m.value, m.timestamp) for m in history] == [
            (e.epoch, pytest.approx(e.metrics["val_loss"]), round(1000 * e.time))
            for e in log.epochs
        ]


def written(file, block=32768):
    """The records of a .wandb file: a LevelDB log after a header of seven bytes."""
    data, place, parts = file.read_bytes(), 7, []
    while place + 7 <= len(data):
        left = block - place % block
        if left < 7:
            place += left
            continue
        _, size, kind = struct.unpack_from("<IHB", data, place)
        parts.append(data[place + 7 : place + 7 + size])
        place += 7 + size
        if kind in (1, 4):  # whole, or the last part
            yield b"".join(parts)
            parts = []


@pytest.mark.slow
def test_wandb_offline(logs, tmp_path):
    pytest.importorskip("wandb")
    from wandb.proto import wandb_internal_pb2

    assert twice("wandb", logs, tmp_path) == [3, 0, 1]
    for log in logs:
        [file] = (tmp_path / "wandb").glob(f"offline-run-*-{log.id}/*.wandb")
        records = [wandb_internal_pb2.Record.FromString(data) for data in written(file)]
        [about] = [r.run for r in records if r.WhichOneof("record_type") == "run"]
        assert (about.run_id, about.project, about.display_name) == (log.id, log.study, log.name)
        config = {item.key: json.loads(item.value_json) for item in about.config.update}
        assert config["optimizer.lr"] == log.config["optimizer.lr"]
        lines = [
            {item.key or "/".join(item.nested_key): json.loads(item.value_json)
             for item in r.history.item}
            for r in records if r.WhichOneof("record_type") == "history"
        ]  # fmt: skip
        assert [(x["epoch"], x["val_accuracy"], x["_timestamp"]) for x in lines] == [
            (e.epoch, pytest.approx(e.metrics["val_accuracy"]), pytest.approx(e.time))
            for e in log.epochs
        ]
        summary = {}
        for r in records:
            if r.WhichOneof("record_type") == "summary":
                summary |= {i.key or "/".join(i.nested_key): json.loads(i.value_json)
                            for i in r.summary.update}  # fmt: skip
        accuracy = 1.5 if log is logs[0] else log.metrics["accuracy"]
        assert summary["accuracy"] == pytest.approx(accuracy)
        [end] = [r.exit for r in records if r.WhichOneof("record_type") == "exit"]
        assert end.exit_code == (0 if log.state == "ok" else 1)


def test_the_exporter_of_the_contributing_guide_works(logs, tmp_path, monkeypatch):
    """As a module of the folder of exporters, found by its three names."""
    guide = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text()
    code = re.search(r"```python\n(.*?)```", guide.split("## Add an exporter")[1], re.DOTALL)[1]
    (tmp_path / "lines.py").write_text(code)
    monkeypatch.setattr("runner.exporters.__path__", [*package.__path__, str(tmp_path)])
    monkeypatch.setattr("runner.exporters.registry.__file__", str(tmp_path / "registry.py"))
    exporters.cache_clear()
    try:
        assert list(exporters()) == ["lines"]
        assert export_to("lines", logs, tmp_path / "out") == 3
    finally:
        exporters.cache_clear()
        sys.modules.pop("runner.exporters.lines", None)
    lines = (tmp_path / "out" / "runs.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == [log.id for log in logs]
