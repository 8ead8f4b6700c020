"""hf:NAME_OR_PATH: parquet, saved sets and folders of images, by their ClassLabel."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch
from PIL import Image

from runner.tasks.hugging_face import parsed
from runner.tasks.registry import find
from tricks import BadInput

datasets = pytest.importorskip("datasets")
NAMES = ["cat/lynx", "dog"]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "hf"))


def images(count, seed=0):
    draws = np.random.default_rng(seed)
    return [
        Image.fromarray(draws.integers(0, 256, (9, 7, 3), dtype=np.uint8)) for _ in range(count)
    ]


def made(count=20, seed=0, labels=None, **more):
    columns = {"image": images(count, seed), "label": labels or [i % 2 for i in range(count)]}
    features = {"image": datasets.Image(), "label": datasets.ClassLabel(names=NAMES)}
    features |= {name: feature for name, (feature, _) in more.items()}
    columns |= {name: values for name, (_, values) in more.items()}
    return datasets.Dataset.from_dict(columns, features=datasets.Features(features))


def test_parquet_by_its_parts(tmp_path):
    (tmp_path / "set").mkdir()
    made().to_parquet(tmp_path / "set" / "train-00000-of-00001.parquet")
    made(6, 1).to_parquet(tmp_path / "set" / "test-00000-of-00001.parquet")
    task = find(f"hf:{tmp_path}/set")
    splits = task.load(None, None)
    assert splits.names == tuple(NAMES)
    assert len(splits.test) == 6
    for i, image in enumerate(images(6, 1)):
        assert torch.equal(splits.test.read(i), torch.from_numpy(np.array(image)).permute(2, 0, 1))
    assert splits.test.labels.tolist() == [0, 1] * 3
    before = task.identity(None)
    made(6, 2).to_parquet(tmp_path / "set" / "test-00000-of-00001.parquet")
    os.utime(tmp_path / "set" / "test-00000-of-00001.parquet", (1, 1))
    assert find(f"hf:{tmp_path}/set").identity(None) != before


def test_one_file_and_a_saved_set_are_the_same_images(tmp_path):
    made().to_parquet(tmp_path / "a.parquet")
    made().save_to_disk(tmp_path / "saved")
    datasets.DatasetDict({"train": made()}).save_to_disk(tmp_path / "parts")
    ids = [find(f"hf:{tmp_path}/{n}").identity(None) for n in ("a.parquet", "saved", "parts")]
    assert ids[0] == ids[1] == ids[2]
    assert ids[0]["task"] == "csv"


def test_hidden_labels_of_a_test_part_are_left_out(tmp_path):
    hidden = made(6, 1, labels=[-1] * 6)
    datasets.DatasetDict({"train": made(), "test": hidden}).save_to_disk(tmp_path / "s")
    splits = find(f"hf:{tmp_path}/s").load(None, None)
    assert len(splits.train) + len(splits.validation) + len(splits.test) == 20


def test_parts_that_are_not_used_are_told(tmp_path, capsys):
    parts = {"train": made(), "extra": made(6, 1), "test": made(6, 2)}
    datasets.DatasetDict(parts).save_to_disk(tmp_path / "s")
    assert len(find(f"hf:{tmp_path}/s").load(None, None).test) == 6
    assert f"--task hf:{tmp_path}/s: not used: extra (" in capsys.readouterr().err


def test_an_item_without_an_image_is_named(tmp_path):
    held = images(3)
    columns = {"image": [held[0], None, held[1]], "label": [0, 1, 0]}
    features = {"image": datasets.Image(), "label": datasets.ClassLabel(names=NAMES)}
    whole = datasets.Dataset.from_dict(columns, features=datasets.Features(features))
    whole.save_to_disk(tmp_path / "s")
    with pytest.raises(BadInput, match="item 1 has no image"):
        find(f"hf:{tmp_path}/s")


def test_columns_of_labels(tmp_path):
    coarse = (datasets.ClassLabel(names=["animal", "plant"]), [0] * 10 + [1] * 10)
    made(coarse=coarse).save_to_disk(tmp_path / "two")  # the one called label is the usual one
    assert find(f"hf:{tmp_path}/two").load(None, None).names == tuple(NAMES)
    assert find(f"hf:{tmp_path}/two#coarse").load(None, None).names == ("animal", "plant")
    renamed = made(coarse=coarse).rename_column("label", "fine")
    renamed.save_to_disk(tmp_path / "three")
    with pytest.raises(BadInput, match="several columns of labels: add #fine"):
        find(f"hf:{tmp_path}/three")
    with pytest.raises(BadInput, match="unknown column of labels"):
        find(f"hf:{tmp_path}/three#nothing")
    made().remove_columns("label").save_to_disk(tmp_path / "none")
    with pytest.raises(BadInput, match="class_encode_column"):
        find(f"hf:{tmp_path}/none")


def test_a_set_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setattr("runner.training.hub.reached", lambda address: False)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    with pytest.raises(BadInput, match="--task hf:no-such-set-here") as caught:
        find("hf:no-such-set-here")
    assert "\n" not in str(caught.value)
    with pytest.raises(BadInput, match="needs a name or a path"):
        find("hf:")


def test_names(tmp_path):
    assert parsed("cifar100:plain#fine_label") == ("cifar100", "plain", "fine_label")
    odd = tmp_path / "a:b#c"
    odd.mkdir()
    assert parsed(str(odd)) == (str(odd), "", "")
    assert parsed(f"{odd}#label") == (str(odd), "", "label")
