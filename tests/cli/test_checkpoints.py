"""Checkpoints on the command line: their interval, no checkpoints, and their lines in status."""

import json

import pytest

from runner.records import checkpoints
from runner.records.store import Store


@pytest.fixture
def given(stub, monkeypatch):
    """The limits of the executions."""
    from runner.execution import executor

    seen, execute = [], executor.execute

    def watched(runs, store, order, on_event):
        seen.append(order.limits)
        return execute(runs, store, order, on_event)

    monkeypatch.setattr("runner.execution.executor.execute", watched)
    return seen


@pytest.mark.parametrize(
    ("options", "seconds"),
    [((), 300.0), (("--checkpoint-minutes", "0.5"), 30.0), (("--no-checkpoint",), None)],
)
def test_how_often_they_are_written(cli, given, options, seconds):
    assert cli("run", "--tricks", "cosine", "--seeds", "1", *options).code == 0
    assert [limits.checkpoint for limits in given] == [seconds]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--checkpoint-minutes 0", "--checkpoint-minutes must be a number above 0, not 0.0"),
        ("--checkpoint-minutes nan", "--checkpoint-minutes must be a number above 0"),
        ("--no-checkpoint --checkpoint-minutes 3", "contradict each other"),
    ],
)
def test_what_cannot_be_is_told_in_a_line(cli, options, words):
    result = cli("run", "--tricks", "cosine", *options.split())
    assert result.code == 2
    assert words in result.err
    assert len(result.err.strip().splitlines()) == 1


def test_status_tells_where_runs_go_on(cli, stub, tmp_path):
    cli("run", "--tricks", "cosine", "--seeds", "2", "--name", "a")
    store = Store(tmp_path / "results")
    first, second, third, _ = stub.ids
    for id in (first, second):
        store.remove(id)
    for id, epoch in ((first, 3), (third, 4), ("f" * 16, 5)):
        head = {"epoch": epoch, "epochs": 20}
        with checkpoints.writing(checkpoints.path_of(store.root, id), head) as file:
            file.write(b"")
    status = cli("status", "a", "--json").json
    assert status["checkpoints"] == [{"id": first, "epoch": 3, "epochs": 20}]
    assert "1 run has a checkpoint to continue from: epoch 3 of 20" in cli("status", "a").out
    checkpoints.path_of(store.root, first).write_text(json.dumps([1]))
    assert cli("status", "a", "--json").json["checkpoints"] == []
