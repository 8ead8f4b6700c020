"""What Ray's nodes are sent: images, plug-ins, the size of caches; and what they lack."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_ray import on
from PIL import Image

import tricks_bench as tb
from runner.execution.work import Room
from runner.launch import options as options_of_a_run
from runner.launch.executing import work_of
from runner.launch.listener import Silent
from runner.launch.on_ray import on_ray
from runner.launch.options import Options
from runner.launch.preparing import limits
from runner.launch.todo import todo
from runner.planning import probe_run
from runner.tasks.parcel import Parcel
from runner.tasks.recipe_run import RecipeRun
from tricks.errors import BadInput

pytestmark = pytest.mark.usefixtures("alone")


def images(count: int = 12) -> list[tuple[Image.Image, int]]:
    draw = np.random.default_rng(0)
    made = (draw.integers(0, 255, (8, 8, 3), dtype=np.uint8) for _ in range(count))
    return [(Image.fromarray(pixels), number % 2) for number, pixels in enumerate(made)]


def test_images_that_python_gave_are_sent_and_others_are_named_by_their_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "driver"))
    task = tb.Task.from_datasets(images(), name="speckles")
    plugin = tmp_path / "mine.py"
    plugin.write_text("NUMBER = 1\n")
    parcel = Parcel.of("speckles", (str(plugin),))
    here = task.identity(None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "node"))
    sent = RecipeRun("speckles", plugins=(str(plugin),)).sent()
    assert sent.parcel.images is None, "nothing is known of it there"
    (placed,) = parcel.unpacked(tmp_path / "root")
    assert Path(placed).read_text() == "NUMBER = 1\n"
    from runner.tasks.registry import find

    assert find("speckles").identity(None) == here
    parcel.unpacked(tmp_path / "root")  # a second worker of the node
    monkeypatch.chdir(tmp_path)
    assert Parcel.of("folder:images", ()).task == f"folder:{tmp_path}/images"
    assert Parcel.of("csv:a.csv#kind", ()).task == f"csv:{tmp_path}/a.csv#kind"
    assert Parcel.of("hf:cifar10", ()) == Parcel("hf:cifar10")


def test_a_node_gives_its_caches_what_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for number, (image, label) in enumerate(images(6)):
        place = tmp_path / "images" / str(label) / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        image.save(place)
    task, caches = f"folder:{tmp_path}/images", ((8, "/of the driver"),)
    study = tb.study(task=task, tricks=["cosine"])
    for given, built in ((None, 1), (0.0, 0), (1.0, 1)):
        options = Options(tmp_path, 1, cache_gb=given)
        work = replace(work_of(study, [], options), caches=caches)
        there = work.sent().unpacked(tmp_path / "root", Room("cpu", 1, 1))
        assert len(there.caches) == built
        assert len(work.here(1, lambda line: None).caches) == built


def test_what_needs_a_gpu_is_refused_by_what_the_nodes_have(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """On a machine without a GPU, whose cluster has some or none."""
    monkeypatch.setattr(options_of_a_run, "on_gpu", lambda device: False)
    monkeypatch.setattr(probe_run, "check_networks", lambda specs, work: [])
    monkeypatch.setattr(probe_run, "network_bytes", lambda specs, work: 1 << 20)
    study = tb.study(tricks=["tf32"], settings={"epochs": 1})
    wanted = todo(study, None)
    for gpus, alike in ((1.0, False), (0.0, True)):
        on(monkeypatch, {"CPU": 2.0, "GPU": gpus})
        options = on_ray(Options(tmp_path, 1), None, None, None)
        assert (options.on_gpu, options.alike, options.workers) == (gpus > 0, alike, 1 + alike)
        work = work_of(study, wanted.specs, options)
        if options.on_gpu:  # steps are not measured here: they would say nothing of the nodes
            assert limits(study, wanted, None, work, options, Silent()).run == 0.0
        else:
            with pytest.raises(BadInput, match="tf32 is for NVIDIA's GPUs"):
                limits(study, wanted, None, work, options, Silent())
