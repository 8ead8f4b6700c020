"""--set validation_share and test_share: held-out images, and their effect on ids."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from runner.studies.asked import Asked
from runner.studies.study import build
from runner.tasks.recipe_run import Part, _splits
from runner.tasks.registry import find
from runner.tasks.split_shares import SHARES, divided
from tricks import BadInput


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Two classes of 32 images, four to a place, listed in a CSV with the place."""
    root = tmp_path_factory.mktemp("shares")
    rows = ["path,label,place"]
    for i in range(64):
        label = ("deer", "hare")[i % 2]
        (root / "all" / label).mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8, 3), i, np.uint8)).save(root / "all" / label / f"{i}.png")
        rows.append(f"all/{label}/{i}.png,{label},place {i // 4}")
    (root / "listed.csv").write_text("\n".join(rows))
    return root


def counts(task):
    splits = task.load(None, None)
    return len(splits.train), len(splits.validation), len(splits.test)


@pytest.mark.parametrize("kind", ["folder:{}/all", "csv:{}/listed.csv", "csv:{}/listed.csv#place"])
def test_three_quarters_are_trained_on(images, kind):
    name = kind.format(images)
    shares = {"test_share": 0.125, "validation_share": "0.142857142857"}
    assert counts(divided(find(name), shares)) == (48, 8, 8)
    assert divided(find(name), {"epochs": 5}).fingerprint(None) == find(name).fingerprint(None)


def test_a_class_that_is_held_out_whole_is_named(images, tmp_path):
    rows = (images / "listed.csv").read_text().replace("all/", f"{images}/all/").splitlines()
    few = [row for row in rows if "deer" not in row] + [row for row in rows if "deer" in row][:3]
    (tmp_path / "few.csv").write_text("\n".join(few))
    with pytest.raises(BadInput, match="the class deer has no training images beside those held"):
        counts(divided(find(f"csv:{tmp_path}/few.csv"), dict.fromkeys(SHARES, 0.5)))


def test_places_stay_whole(images):
    name = f"csv:{images}/listed.csv#place"
    splits = divided(find(name), {"test_share": 0.25, "validation_share": 1 / 3}).load(None, None)
    parts = (splits.train, splits.validation, splits.test)
    places = [{int(path.stem) // 4 for path in part.paths} for part in parts]
    assert sum(map(len, places)) == len(set.union(*places)) == 16


def test_a_worker_takes_the_shares_of_the_run(images):
    name = f"folder:{images}/all"
    asked = Asked(task=name, tricks=["cosine"], set={"test_share": 0.25})
    usual, other = build(Asked(task=name, tricks=["cosine"])), build(asked)
    (_, first), *_ = other.planned()
    assert first.data["split"] == [0.15, 0.25]
    assert len(_splits(name, None, Part.of(first)).test) == 16
    assert first.id != next(spec.id for _, spec in usual.planned())
    assert other.as_stored().settings["test_share"] == "0.25"


def test_a_share_of_a_part_that_is_there_changes_nothing(images, tmp_path):
    for part in ("train", "test"):
        (tmp_path / part).symlink_to(images / "all")
    plain = find(f"folder:{tmp_path}")
    assert divided(plain, {"test_share": 0.4}).fingerprint(None) == plain.fingerprint(None)
    other = divided(plain, {"validation_share": 0.4})
    assert other.fingerprint(None)["split"] == [0.4, 0.15]


@pytest.mark.parametrize("value", [0, 0.6, -0.1, "many", float("nan"), True])
def test_a_share_out_of_range(value):
    with pytest.raises(BadInput, match="--set test_share"):
        divided(find("folder:anywhere"), {"test_share": value})


def test_a_task_in_parts_takes_none():
    with pytest.raises(BadInput, match="digits has fixed parts"):
        divided(find("digits"), {"validation_share": 0.2})
