"""MLflow: an SQLite database with an experiment for each study."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from runner.exporters.run_log import RunLog

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

NAME = "mlflow"
LOOK = "mlflow ui --backend-store-uri sqlite:///{folder}/mlflow.db"
ID, DIGEST = "tricks-bench.run", "tricks-bench.digest"
STATES = {"ok": "FINISHED", "diverged": "FINISHED", "failed": "FAILED", "infra": "KILLED"}
AT_ONCE = 500  # metrics per call: MLflow accepts a thousand
LONGEST = 5000  # characters of a parameter or tag


def write(runs: Sequence[RunLog], folder: Path) -> int:
    """Write `folder`/mlflow.db. Unchanged runs are left alone."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{folder.absolute()}/mlflow.db")
    changed = 0
    for study in dict.fromkeys(run.study for run in runs):
        experiment = _experiment(client, study, folder)
        held = _held(client, experiment)
        for run in runs:
            if run.study != study:
                continue
            old = held.get(run.id)
            if old is not None and old[1] == run.digest:
                continue
            if old is not None:
                client.delete_run(old[0])
            _add(client, experiment, run)
            changed += 1
    return changed


def _experiment(client: MlflowClient, study: str, folder: Path) -> str:
    found = client.get_experiment_by_name(study)
    if found is not None:
        return str(found.experiment_id)
    artifacts = (folder / "artifacts").absolute().as_uri()
    return str(client.create_experiment(study, artifact_location=artifacts))


def _held(client: MlflowClient, experiment: str) -> dict[str, tuple[str, str]]:
    """Our run id -> MLflow's id and the digest, for the runs in an experiment."""
    found, page = {}, None
    while True:
        runs = client.search_runs([experiment], max_results=1000, page_token=page)
        for run in runs:
            tags = run.data.tags
            if ID in tags:
                found[tags[ID]] = (run.info.run_id, tags.get(DIGEST, ""))
        page = runs.token
        if not page:
            return found


def _add(client: MlflowClient, experiment: str, run: RunLog) -> None:
    from mlflow.entities import Param, RunTag

    began = _milliseconds(run.started)
    made = client.create_run(experiment, start_time=began, run_name=run.name)
    id = made.info.run_id
    texts = {**run.tags, ID: run.id}
    tags = [RunTag(key, value[:LONGEST]) for key, value in texts.items()]
    config = [Param(key, str(value)[:LONGEST]) for key, value in run.config.items()]
    for start in range(0, len(config), 100):
        client.log_batch(id, params=config[start : start + 100])
    metrics = list(_metrics(run))
    for start in range(0, len(metrics), AT_ONCE):
        client.log_batch(id, metrics=metrics[start : start + AT_ONCE])
    client.set_terminated(id, status=STATES[run.state], end_time=_milliseconds(run.ended))
    # The digest is written last: an interrupted export of a run has none, and is written again.
    client.log_batch(id, tags=[*tags, RunTag(DIGEST, run.digest)])


def _metrics(run: RunLog) -> Iterator[Metric]:
    from mlflow.entities import Metric

    for epoch in run.epochs:
        for name, value in epoch.metrics.items():
            yield Metric(f"epoch/{name}", value, _milliseconds(epoch.time), epoch.epoch)
    for name, value in run.metrics.items():
        yield Metric(name, value, _milliseconds(run.ended), 0)


def _milliseconds(seconds: float) -> int:
    return round(1000 * seconds)


WRITE = write
