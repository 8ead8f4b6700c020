"""The user's own images on the command line: their summary, and one bad file in predict."""

import csv
import shutil
import sys

import pytest
from PIL import Image

from runner.records.store import Store
from runner.tasks.registry import find
from tests.cli.saved_models import trained

LINE = ("run", "--tricks", "warmup", "--set", "start=scratch", "--seeds", "1", "--dry-run")


@pytest.fixture
def pets(tmp_path):
    """Two classes of six images, listed with an animal for each two images."""
    rows = ["path,label,animal"]
    for label in ("cat", "dog"):
        (tmp_path / "pets" / label).mkdir(parents=True)
        for i in range(6):
            Image.new("RGB", (8, 8), (i, ord(label[0]), 0)).save(tmp_path / f"pets/{label}/{i}.png")
            rows.append(f"pets/{label}/{i}.png,{label},{label}{i // 2}")
    (tmp_path / "pets.csv").write_text("\n".join(rows))
    (tmp_path / "pets" / ".hidden.png").touch()
    return tmp_path / "pets"


def test_a_dry_run_says_what_was_found(cli, pets):
    told = cli(*LINE, "--task", "folder:pets")
    assert "pets: 12 images in 2 classes: cat 6, dog 6" in told.out
    assert "skipped: 1 × hidden (pets/.hidden.png)" in told.out
    found = cli(*LINE, "--task", "folder:pets", "--json").json["images"]
    assert found["classes"] == {"cat": 6, "dog": 6}
    assert "  8×8 pixels\n" in told.out
    assert found["sizes"] == {"smallest": [8, 8], "largest": [8, 8]}
    assert found["modes"] == {"RGB": 12}
    assert found["passed_over"] == [{"why": "hidden", "paths": ["pets/.hidden.png"], "count": 1}]
    assert "images" not in cli(*LINE, "--task", "digits", "--json").json


def test_a_dry_run_offers_groups(cli, pets):
    assert "--group-by animal keeps them together" in cli(*LINE, "--task", "csv:pets.csv").out
    grouped = cli(*LINE, "--task", "csv:pets.csv", "--group-by", "animal")
    assert "6 groups by animal, each kept together in a split" in grouped.out
    assert "keeps them together" not in grouped.out


def test_a_copy_in_two_parts_needs_to_be_allowed(cli, stub, pets, tmp_path):
    for part in ("train", "test"):
        shutil.copytree(pets, tmp_path / "parts" / part)
    line = (*LINE, "--task", "folder:parts")
    for command in (line, line[:-3] + line[-2:], ("check", "--task", "folder:parts")):
        refused = cli(*command)
        assert refused.code == 2
        assert "is a copy of parts/train/cat/0.png in train (11 more)" in refused.err
        assert "--allow-duplicates" in refused.err
        assert "Traceback" not in refused.err
    allowed = cli(*line, "--allow-duplicates")
    assert "12 copies in another part: parts/test/cat/0.png (test) is" in allowed.out
    found = cli(*line, "--allow-duplicates", "--json").json["images"]["copies"]
    assert found["parts"] == 12
    assert not found["kept_together"]
    assert cli(*line[:-3], *line[-2:], "--allow-duplicates").code == 0


def test_copies_that_a_split_keeps_together_are_told(cli, pets):
    shutil.copy(pets / "cat" / "0.png", pets / "cat" / "copy.png")
    line = (*LINE, "--task", "folder:pets")
    told = "1 copy of one label, kept together in a split: pets/cat/copy.png is pets/cat/0.png"
    assert told in cli(*line).out
    assert cli(*line, "--json").json["images"]["copies"]["kept_together"]


@pytest.mark.parametrize("name", ["folder:pets", "csv:pets.csv"])
def test_what_is_told_is_what_is_trained_on(cli, pets, name):
    task = find(name)
    splits, found = task.load(None, None), task.found()
    used = [*splits.train.paths, *splits.validation.paths, *splits.test.paths]
    assert sorted(used) == sorted(found.paths)
    assert splits.names == tuple(found.classes)


def test_a_run_says_it_too(cli, stub, pets):
    done = cli(*LINE[:-1], "--task", "csv:pets.csv")
    assert "pets.csv: 12 images in 2 classes" in done.out
    assert done.out.index("12 images") < done.out.index("`tricks-bench report")


def test_runs_of_a_version_that_knew_images_by_names_are_told_of_once(cli, stub, pets, tmp_path):
    line = (*LINE[:-1], "--task", "folder:pets")
    assert "before 0.4" not in cli(*line).out
    store = Store(tmp_path / "results")
    for id in store.ids():
        record = store.read(id)
        data = {k: v for k, v in record["data"].items() if k not in ("content", "decoder")}
        assert store.remove(id)
        assert store.commit({**record, "id": id[::-1], "data": data})
    assert cli(*line, "--dry-run").out.count("before 0.4") == 1
    assert cli(*line).out.count("before 0.4") == 1


@pytest.mark.parametrize("data", ["pets", "list.csv"])
def test_one_bad_file_among_many_is_listed_and_the_rest_predicted(cli, pets, tmp_path, data):
    record = trained(tmp_path / "results")
    (pets / "cat" / "3.png").write_bytes(b"no image")
    listed = sorted(str(path.relative_to(tmp_path)) for path in pets.rglob("[0-9].png"))
    (tmp_path / "list.csv").write_text("\n".join(["path", *listed]))
    done = cli("predict", record["id"], "--data", data, "-o", "out.csv")
    assert done.code == 0, done.err
    assert "cat/3.png: cannot be read as an image" in done.out
    assert "11 of 12 images" in done.out
    paths = [row["path"] for row in csv.DictReader((tmp_path / "out.csv").open())]
    assert len(paths) == 11
    assert not any("cat/3.png" in path for path in paths)
    told = cli("predict", record["id"], "--data", data, "-o", "out.csv", "--json").json
    assert told["images"] == 11
    assert any("cat/3.png" in note for note in told["notes"])
    refused = cli("evaluate", record["id"], "--data", data)
    assert refused.code == 2


@pytest.mark.skipif(sys.platform != "linux", reason="other file systems refuse such a name")
def test_a_name_that_is_not_utf8_is_predicted(cli, pets, tmp_path):
    record = trained(tmp_path / "results")
    (pets / "cat" / "0.png").rename(pets / "cat" / "caf\udce9.png")
    done = cli("predict", record["id"], "--data", "pets", "-o", "out.csv")
    assert done.code == 0, done.err
    assert b"caf\\udce9.png" in (tmp_path / "out.csv").read_bytes()


def test_runs_from_the_image_cache_are_those_from_the_files(cli, pets, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    small = ("start=scratch", "model=conv-net-5", "width=0.05", "resolution=8", "epochs=1")
    line = ("run", "--task", "folder:pets", "--tricks", "none", "--seeds", "1")
    line += ("--factor", "stored_side=0,6")
    line += tuple(word for setting in small for word in ("--set", setting))
    found = []
    for name, gigabytes in (("files", "0"), ("cache", "1")):
        done = cli(*line, "--results", name, "--cache-gb", gigabytes, "--yes")
        assert done.code == 0, done.err
        store = Store(tmp_path / name)
        records = [store.read(id) for id in sorted(store.ids())]
        found.append([(r["id"], r["weights_sha256"], r["correct"]) for r in records])
        caches = tmp_path / "home" / "tricks-bench" / "images"
        assert len(list(caches.glob("*/pixels"))) == (2 if gigabytes == "1" else 0)
    assert found[0] == found[1]
    assert len(found[0]) == 2
