"""An interrupted training goes on to the very bits of one that was never interrupted."""

from __future__ import annotations

import dataclasses
import functools
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from runner.execution.pausing import Paused, Pausing
from runner.records import checkpoints
from runner.records.spec import RunSpec
from runner.training import checkpoint, data
from runner.training.checkpoint import Checkpoints
from runner.training.data import Files
from runner.training.loop import train
from runner.training.outcome import outcome, weights_sha256
from runner.training.saved import Keeper, path_of
from runner.training.step import Step
from tests.bag import cut_network, on_ground, tiny_splits
from tests.training.resuming import (
    LEARNING_RATES,
    RUN,
    bag,
    compare,
    compare_tricks,
    pairs,
)
from tricks import parse, resolve

CPU = torch.device("cpu")
FEW_PAIRS = [
    ("ema", "sam"), ("lookahead", "sam"), ("adamw", "swa"), ("lars", "lookahead"),
    ("head-first", "muon"), ("distillation", "ema"), ("cutmix", "mixup"), ("dropout", "lookahead"),
]  # fmt: skip
# Of optimizers that keep alike states one each; the long form in resuming.py leaves none out.
PAIRED = (
    "adamw", "adopt", "counterfactual-attention", "cutmix", "distillation", "drop-block", "ema",
    "fp16", "frozen-backbone", "ghost-batch-norm", "head-first", "lars", "lookahead", "mixup",
    "muon", "nadam", "progressive-resizing", "repeated-augmentation", "sam", "swa",
)  # fmt: skip


@pytest.mark.parametrize("name", bag())
def test_every_trick_goes_on_after_an_epoch(name):
    assert compare_tricks([name], points=[2]) == 1


@pytest.mark.parametrize("pair", FEW_PAIRS, ids="+".join)
def test_pairs_go_on_within_an_epoch(pair):
    assert compare_tricks(pair, points=[3]) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", bag())
def test_every_trick_goes_on_within_an_epoch(name):
    assert compare_tricks([name], points=[1, 3]) == 2


@pytest.mark.slow
@pytest.mark.parametrize("pair", pairs(PAIRED), ids="+".join)
def test_every_pair_with_a_state_goes_on(pair):
    assert compare_tricks(pair, points=[3]) == 1


@pytest.fixture
def small(monkeypatch):
    """small("dropout", epochs=3) -> a resolved recipe for the tiny splits and tiny networks."""
    monkeypatch.setattr("runner.training.model._network", cut_network)

    def make(*names, **fields):
        recipe = on_ground(*map(parse, names))
        return resolve(dataclasses.replace(recipe, **fields), LEARNING_RATES)

    return make


@pytest.fixture
def saves(tmp_path):
    """saves(every=0) -> the checkpoints of one and the same run, in a folder of this test."""

    def make(every=0.0, run=RUN, keeper=None, plugins=None, **told):
        pausing = Pausing(tmp_path / RUN / "checkpoint", tmp_path / "quarantine", every, **told)
        return Checkpoints(pausing, run, CPU, keeper, plugins)

    return make


def interrupted(recipe, splits, made, after, loaders=0):
    """Train until asked to leave after so many steps; the exception it left with."""
    calls = []
    asked = lambda: len(calls) == after or bool(calls.append(1))  # noqa: E731
    with pytest.raises(Paused) as left:
        train(recipe, splits, 0, CPU, loaders=loaders, saves=made(float("inf"), asked=asked))
    return left.value


@pytest.fixture
def leaving(monkeypatch):
    """Whoever is asked leaves, however soon it would be done."""
    monkeypatch.setattr(checkpoint, "FINISH", -1.0)


def test_asked_to_leave_it_stops_at_the_next_step_and_goes_on(small, saves, leaving):
    recipe, splits = small("dropout", "ema", epochs=3), tiny_splits()
    told = []
    plain = train(recipe, splits, 0, CPU)
    assert interrupted(recipe, splits, saves, after=2).epoch == 1
    training = train(recipe, splits, 0, CPU, emit=told.append, saves=saves(float("inf")))
    assert weights_sha256(training.model) == weights_sha256(plain.model)
    assert training.epochs == plain.epochs
    assert [figures["epoch"] for figures in told] == [2, 3]
    assert training.resumed == 1


def test_a_short_rest_is_finished(small, saves):
    asked = saves(float("inf"), asked=lambda: True)
    assert len(train(small(epochs=2), tiny_splits(), 0, CPU, saves=asked).epochs) == 2
    assert not asked.pausing.file.exists()


def test_times_and_memory_are_those_of_the_whole(small, saves, leaving):
    recipe, splits = small(epochs=3), tiny_splits()
    interrupted(recipe, splits, saves, after=2)
    with checkpoints.reading(saves().pausing.file) as (_, file):
        before = torch.load(file, weights_only=True)["training"]
    result = outcome(recipe, splits, 0, CPU, saves=saves(float("inf")))
    seconds = result["seconds"]
    for name, value in before["seconds"].items():
        assert seconds[name] >= round(value, 4) - 1e-4, name
    assert seconds["train"] + seconds["evaluate"] <= seconds["total"]
    assert result["images_per_second"] == pytest.approx(48 / seconds["train"], rel=0.01)
    assert result["resumed"] == 1
    assert result["memory"]["peak"]["ram"] >= before["memory"]["peak"]["ram"]


def test_the_record_names_all_code_that_trained_it(small, saves, leaving, monkeypatch):
    recipe, splits = small(epochs=3), tiny_splits()
    for revision in ("first", "first", "second+"):
        for module in ("checkpoint", "outcome"):
            monkeypatch.setattr(f"runner.training.{module}.code_revision", lambda: revision)  # noqa: B023
        if revision == "first":
            interrupted(recipe, splits, saves, after=1)
    result = outcome(recipe, splits, 0, CPU, saves=saves(float("inf")))
    assert (result["resumed"], result["code_revision"]) == (2, "first, then second+")
    assert outcome(recipe, splits, 0, CPU)["code_revision"] == "second+"


def test_the_record_tells_the_weights(small):
    recipe, splits = small(epochs=1), tiny_splits()
    one, two = outcome(recipe, splits, 0, CPU), outcome(recipe, splits, 1, CPU)
    assert one["weights_sha256"] == weights_sha256(train(recipe, splits, 0, CPU).model)
    assert one["weights_sha256"] != two["weights_sha256"]
    assert (one["resumed"], len(one["weights_sha256"])) == (0, 64)


def test_the_best_epoch_so_far_is_kept(small, saves, leaving, tmp_path):
    recipe, splits = small(epochs=3), tiny_splits()
    spec = RunSpec({"task": "tiny"}, recipe, 0)
    keepers = [Keeper(tmp_path / name, spec, splits, best=True) for name in ("a", "b", "c")]
    outcome(recipe, splits, 0, CPU, keeper=keepers[0])
    asked = iter([False] * 4 + [True] * 9)
    made = saves(float("inf"), keeper=keepers[1], asked=lambda: next(asked))
    with pytest.raises(Paused):
        outcome(recipe, splits, 0, CPU, keeper=keepers[1], saves=made)
    made = saves(float("inf"), keeper=keepers[2])
    assert outcome(recipe, splits, 0, CPU, keeper=keepers[2], saves=made)["resumed"] == 1
    for best in (False, True):
        whole, gone_on = (path_of(tmp_path / name, spec.id, best) for name in "ac")
        assert whole.read_bytes() == gone_on.read_bytes()


def test_without_the_best_epoch_it_begins_anew(small, saves, leaving, tmp_path):
    recipe, splits = small(epochs=2), tiny_splits()
    interrupted(recipe, splits, saves, after=2)
    keeper = Keeper(tmp_path, RunSpec({}, recipe, 0), splits, best=True)
    training = train(recipe, splits, 0, CPU, saves=saves(float("inf"), keeper=keeper))
    assert training.resumed == 0


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
    assert "beginning anew" in capfd.readouterr().err
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
    """Its tensors do not go back to the device that it names, which this process may not see."""
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
    made = saves(held=lambda: False)
    train(small(epochs=1), tiny_splits(), 0, CPU, saves=made)
    assert not made.pausing.file.exists()


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


@pytest.fixture
def files(tmp_path):
    """The tiny splits, its training images in 16 files of 12×12 pixels."""
    draw = np.random.default_rng(0)
    paths = []
    for place in range(16):
        paths.append(tmp_path / f"{place}.png")
        Image.fromarray(draw.integers(0, 256, (12, 12, 3), dtype=np.uint8)).save(paths[-1])
    part = Files(tuple(paths), torch.arange(16) % 4)
    parts = dict.fromkeys(("train", "validation", "test", "probe"), part)
    return dataclasses.replace(tiny_splits(), **parts, channels=3, mean=(0.5,) * 3, std=(0.25,) * 3)


FROM_FILES = {"crop": "random-resized", "resolution": 8, "epochs": 2, "batch_size": 4}


@pytest.mark.parametrize("repeats", [1, 3])
def test_what_was_trained_on_is_not_decoded_again(
    small, saves, files, leaving, repeats, monkeypatch
):
    recipe = small(**FROM_FILES, repeats=repeats)
    plain = train(recipe, files, 0, CPU)
    interrupted(recipe, files, saves, after=2)
    seen = []
    original = data.read_image
    monkeypatch.setattr(data, "read_image", lambda path: seen.append(path) or original(path))
    training = train(recipe, files, 0, CPU, saves=saves(float("inf")))
    assert weights_sha256(training.model) == weights_sha256(plain.model)
    assert len(seen) == (16 - 3 * 4) + 16 + 2 * 2 * 16  # the rest, an epoch, four evaluations


def test_loader_processes_change_nothing(small, files, saves, leaving):
    recipe = small("randaugment", "alternating-flips", **FROM_FILES)
    plain = train(recipe, files, 0, CPU)
    interrupted(recipe, files, saves, after=2, loaders=2)
    training = train(recipe, files, 0, CPU, loaders=2, saves=saves(float("inf")))
    assert weights_sha256(training.model) == weights_sha256(plain.model)
    assert training.epochs == plain.epochs


@pytest.mark.slow
def test_files_go_on_after_every_step(small, files):
    recipe = small(**FROM_FILES, repeats=3)
    assert compare(recipe, files) == compare(recipe, files, loaders=2) == 7


def test_repeated_runs_give_equal_weights_and_other_seeds_other_batches(small, monkeypatch):
    from runner.training import loop

    orders = {}
    original = loop.batches

    def watched(source, order, *rest):
        orders.setdefault(seed, []).append(order)
        return original(source, order, *rest)

    monkeypatch.setattr(loop, "batches", watched)
    found = []
    for seed in (0, 0, 1):
        found.append(weights_sha256(train(small(epochs=1), tiny_splits(), seed, CPU).model))
    assert found[0] == found[1] != found[2]
    assert orders[0][0] == orders[0][1] != orders[1][0]


def test_nothing_is_pickled(small, saves, tmp_path):
    """The file holds tensors and plain values: torch reads it without running anything."""
    made = saves()
    train(small("ema", epochs=1), tiny_splits(), 0, CPU, saves=made)
    with checkpoints.reading(made.pausing.file) as (head, file):
        state = torch.load(file, weights_only=True)
    assert set(state) == {"step", "place", "within", "training", "kept"}
    told = checkpoints.head(made.pausing.file)
    assert told == head
    assert (told["run"], told["epoch"], told["epochs"], told["place"]) == (RUN, 0, 1, 1)
    assert Path(made.pausing.file).stat().st_size < 2_000_000
