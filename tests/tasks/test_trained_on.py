"""Which images count as a model's training images."""

import csv

import numpy as np
import pytest
from PIL import Image

from runner.inference.trained_on import AMONG, trained_on
from runner.tasks.registry import find
from runner.tasks.split_shares import divided


def images(folder, side=8):
    draw = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (folder / name).mkdir(parents=True)
        for i in range(10):
            pixels = draw.integers(0, 255, (side, side, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{i}.png")
    return folder


def listed(path, parts=()):
    with path.open("w", newline="") as text:
        out = csv.writer(text)
        out.writerow(["path", "label", "place", *(["split"] if parts else [])])
        for name in ("cat", "dog"):
            for i in range(10):
                part = [parts[i % len(parts)]] if parts else []
                out.writerow([f"mine/{name}/{i}.png", name, f"p{i}", *part])
    return path


def test_a_folder_without_parts_holds_what_was_trained_on(tmp_path):
    mine, other = images(tmp_path / "mine"), images(tmp_path / "other", side=9)
    task = find(f"folder:{mine}")
    known = task.identity(None)
    assert trained_on(str(mine), known) == AMONG
    assert trained_on(str(other), known) is None
    assert trained_on(str(mine / "cat"), known) is None  # no data set by itself
    # The task is its test images, which are those of the model's own shares.
    assert trained_on(task.name, known) is None
    assert trained_on(task.name, divided(task, {"test_share": 0.3}).identity(None)) is None


def test_of_a_folder_in_parts_the_training_part_is_the_models_own(tmp_path):
    for part in ("train", "test"):
        images(tmp_path / part)
    known = find(f"folder:{tmp_path}").identity(None)
    assert trained_on(str(tmp_path / "train"), known) == AMONG
    assert trained_on(str(tmp_path / "test"), known) is None
    assert trained_on(str(tmp_path), known) is None  # evaluated on its test part


@pytest.mark.parametrize("column", ["", "#place"])
def test_a_table_is_known_by_its_rows(tmp_path, column):
    images(tmp_path / "mine")
    whole = listed(tmp_path / "whole.csv")
    parts = listed(tmp_path / "parts.csv", ("train", "train", "test"))
    assert trained_on(str(whole), find(f"csv:{whole}{column}").identity(None)) == AMONG
    assert trained_on(str(whole), find(f"csv:{parts}{column}").identity(None)) is None
    assert trained_on(str(parts), find(f"csv:{parts}{column}").identity(None)) is None


def test_a_task_by_name_is_its_test_images():
    assert trained_on("digits", find("digits").identity(None)) is None
