"""Checkpoints that are unusable, cannot be written, or belong to another training."""

from __future__ import annotations

import functools
import json
import os

import pytest
import torch

from runner.records import checkpoints
from runner.records.spec import RunSpec
from runner.training import checkpoint
from runner.training.loop import train
from runner.training.outcome import weights_sha256
from runner.training.saved import Keeper
from runner.training.step import Step
from tests.bag import tiny_splits
from tests.training.resuming import CPU, RUN, interrupted


def broken(kind, file):
    whole = file.read_bytes()
    body = whole.index(b"\n") + 1
    place = {"digest": 3, "head": 100, "body": body + 500, "tensors": len(whole) // 2}.get(kind)
    if place is not None:
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
    elif kind == "link":
        file.rename(file.with_name("elsewhere"))
        file.symlink_to("elsewhere")
    elif kind == "foreign":
        with checkpoints.writing(file, json.loads(whole[64:body])) as out:
            out.write(whole[body:][:100])
    elif kind == "another network":
        with checkpoints.reading(file) as (head, content):
            state = torch.load(content, weights_only=True)
        state["step"]["networks"]["model"].popitem()
        with checkpoints.writing(file, head) as out:
            torch.save(state, out)
    else:
        file.write_bytes(whole[: {"empty": 0, "cut in its head": 80, "cut": len(whole) - 1}[kind]])


@pytest.mark.parametrize(
    "kind",
    ["digest", "head", "body", "tensors", "empty", "cut in its head", "cut", "link", "foreign",
     "another network"],
)  # fmt: skip
def test_a_damaged_one_is_put_aside_and_the_run_begins_anew(kind, small, saves, leaving, capfd):
    recipe, splits = small("adamw", "lookahead", epochs=2), tiny_splits()
    plain = train(recipe, splits, 0, CPU)
    interrupted(recipe, splits, saves, after=2)
    made = saves(float("inf"))
    broken(kind, made.pausing.file)
    training = train(recipe, splits, 0, CPU, saves=made)
    assert weights_sha256(training.model) == weights_sha256(plain.model)
    assert (training.resumed, training.epochs) == (0, plain.epochs)
    assert "starting again" in capfd.readouterr().err
    assert not os.path.lexists(made.pausing.file)
    assert len(list(made.pausing.quarantine.iterdir())) == 1


def test_one_that_memory_ran_out_over_stays(small, saves, leaving, monkeypatch):
    recipe, splits = small(epochs=2), tiny_splits()
    interrupted(recipe, splits, saves, after=1)
    made = saves(float("inf"))
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.torch, "load", lambda *a, **k: bytearray(1 << 62))
        with pytest.raises(MemoryError):
            train(recipe, splits, 0, CPU, saves=made)
    assert train(recipe, splits, 0, CPU, saves=saves(float("inf"))).resumed == 1


def test_another_runs_or_versions_is_put_aside(small, saves, leaving, capfd, monkeypatch):
    recipe, splits = small(epochs=2), tiny_splits()
    interrupted(recipe, splits, saves, after=1)
    assert train(recipe, splits, 0, CPU, saves=saves(1e9, run="f" * 16)).resumed == 0
    assert "of another run" in capfd.readouterr().err
    interrupted(recipe, splits, saves, after=1)
    known = {**checkpoint.versions(), "torch": "99.0"}
    monkeypatch.setattr(checkpoint, "versions", lambda: known)
    assert train(recipe, splits, 0, CPU, saves=saves(1e9)).resumed == 0
    assert "of another versions" in capfd.readouterr().err


def test_another_source_of_a_plugin_begins_anew(small, saves, leaving, capfd):
    recipe, splits = small(epochs=2), tiny_splits()

    def resumed(source):
        return train(recipe, splits, 0, CPU, saves=saves(1e9, plugins={"mine": source})).resumed

    interrupted(recipe, splits, functools.partial(saves, plugins={"mine": "0123"}), after=1)
    assert resumed("0123") == 1
    assert resumed("4567") == 0
    assert "of another plug-in" in capfd.readouterr().err


def test_one_of_another_gpu_of_that_name_goes_on_here(small, saves, leaving, monkeypatch):
    """Its tensors are not moved to the stored device, which this process may not see."""
    recipe, splits = small("adamw", epochs=2), tiny_splits()
    plain = train(recipe, splits, 0, CPU)
    with monkeypatch.context() as patch:
        patch.setattr(torch.serialization, "location_tag", lambda storage: "cuda:7")
        interrupted(recipe, splits, saves, after=1)
    training = train(recipe, splits, 0, CPU, saves=saves(float("inf")))
    assert training.resumed == 1
    assert weights_sha256(training.model) == weights_sha256(plain.model)


def test_what_cannot_be_written_does_not_stop_the_training(small, saves, capfd):
    made = saves()
    made.pausing.file.parent.write_text("a file where the folder should be")
    recipe, splits = small(epochs=1), tiny_splits()
    plain = train(recipe, splits, 0, CPU)
    training = train(recipe, splits, 0, CPU, saves=made)
    assert weights_sha256(training.model) == weights_sha256(plain.model)
    assert "could not be written" in capfd.readouterr().err


def test_a_wrapper_without_a_state_trains_without_checkpoints(small, saves, capfd, monkeypatch):
    from tricks.optimizer import sam

    recipe, splits = small("sam", epochs=1), tiny_splits()
    plain = train(recipe, splits, 0, CPU)
    inside = next(cls for cls in vars(sam).values() if hasattr(cls, "load_state_dict"))
    monkeypatch.delattr(inside, "load_state_dict")
    made = saves()
    training = train(recipe, splits, 0, CPU, saves=made)
    assert weights_sha256(training.model) == weights_sha256(plain.model)
    assert "has no state_dict: no checkpoints" in capfd.readouterr().err
    assert not made.pausing.file.exists()


def test_a_full_disk_leaves_the_last_one(small, saves, leaving, capfd):
    """A limit on the size of files, at which the system refuses to write."""
    import resource
    import signal

    recipe, splits = small(epochs=2), tiny_splits()
    interrupted(recipe, splits, saves, after=1)
    file = saves().pausing.file
    before = file.read_bytes()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limit[1]))
    try:
        training = train(recipe, splits, 0, CPU, saves=saves())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, handler)
    assert len(training.epochs) == 2
    assert "could not be written" in capfd.readouterr().err
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == ["checkpoint"]


def test_who_lost_the_run_writes_none(small, saves):
    made = saves(claimed=lambda: False)
    train(small(epochs=1), tiny_splits(), 0, CPU, saves=made)
    assert not made.pausing.file.exists()


def test_who_lost_the_run_leaves_when_asked(small, saves, leaving):
    lost = functools.partial(saves, claimed=lambda: False)
    assert interrupted(small(epochs=2), tiny_splits(), lost, after=1).epoch == 1
    assert not saves().pausing.file.exists()


def test_a_state_that_does_not_fit_changes_nothing(small):
    recipe = small("adamw", "lookahead")
    made = [Step(recipe, torch.nn.Sequential(torch.nn.Linear(n, 2)), 4, CPU) for n in (3, 4)]
    wrong = made[1].state_dict()
    before = weights_sha256(made[0].model)
    with pytest.raises(ValueError, match="another network"):
        made[0].load_state_dict(wrong)
    wrong["networks"] = made[0].state_dict()["networks"]
    wrong["optimizer"]["param_groups"] *= 2
    with pytest.raises(ValueError, match="parameter group"):
        made[0].load_state_dict(wrong)
    assert weights_sha256(made[0].model) == before


def test_short_epochs_are_not_cut_and_long_ones_are(saves, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(checkpoint.time, "perf_counter", lambda: now[0])
    made = saves(every=10.0)
    for began, clock, within, at_end in [
        (100, 109, False, False),
        (100, 110, True, True),
        (105, 114, False, True),  # the interval is over, but the epoch's end is near
        (105, 115, True, True),
    ]:
        now[0] = float(clock)
        assert made.due(1, 100, float(began)) == within
        assert made.due(1, 100) == at_end


def test_without_the_best_epoch_it_begins_anew(small, saves, leaving, tmp_path):
    recipe, splits = small(epochs=2), tiny_splits()
    interrupted(recipe, splits, saves, after=2)
    keeper = Keeper(tmp_path, RunSpec({}, recipe, 0), splits, best=True)
    training = train(recipe, splits, 0, CPU, saves=saves(float("inf"), keeper=keeper))
    assert training.resumed == 0


def test_nothing_is_pickled(small, saves, tmp_path):
    """The file holds tensors and plain values: torch reads it without running anything."""
    made = saves()
    train(small("ema", epochs=1), tiny_splits(), 0, CPU, saves=made)
    with checkpoints.reading(made.pausing.file) as (head, file):
        state = torch.load(file, weights_only=True)
    assert set(state) == {"step", "place", "within", "training", "kept"}
    told = checkpoints.head(made.pausing.file)
    assert head["run"] == RUN
    assert (told.epoch, told.epochs, told.place) == (0, 1, 1)
    assert made.pausing.file.stat().st_size < 2_000_000
