"""Generated folders and CSVs: training, predict and evaluate use the images of the dry run."""

from __future__ import annotations

import csv
import json
import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from runner.images.cache import opened
from runner.images.caching import ready
from runner.images.decoding import read_image
from runner.images.summary import summary_json
from runner.inference.inference_images import labelled, unlabelled
from runner.tasks.registry import find
from tricks import BadInput

MODES = ("RGB", "L", "P", "RGBA", "I;16", "1")
NAMES = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=("Cs",)), min_size=1, max_size=6
).filter(lambda name: name not in (".", ".."))
CLASSES = ("ant", "bee's nest", "Käfer")
# What an image of a class is: in which folder below it, called how, and a file of which kind.
IMAGE = st.tuples(
    st.sampled_from(["", "", "deep", "deep/er", ".hidden", "@eaDir"]),
    NAMES,
    st.sampled_from([".png", ".png", ".PNG", ".txt"]),
    st.sampled_from(MODES),
    st.sampled_from(["image", "image", "image", "link", "copy", "loop"]),
)
TREE = st.fixed_dictionaries({name: st.lists(IMAGE, max_size=6) for name in CLASSES})
PLAIN = [("", "plain", ".png", "RGB", "image")] * 6  # enough of each class to be split


def made(root: Path, tree: dict[str, list[tuple[str, ...]]], part: str = "") -> None:
    """The tree as files; images have different pixels unless they are copies or links."""
    number = len(part) * 1000
    for label, images in tree.items():
        last = None
        for below, name, extension, mode, kind in (*PLAIN, *images):
            number += 1
            path = root / part / label / below / f"{name}{number}{extension}"
            path.parent.mkdir(parents=True, exist_ok=True)
            if kind == "loop":
                path.symlink_to(root)
            elif kind == "link" and last is not None:
                path.symlink_to(last)
            elif kind == "copy" and last is not None:
                shutil.copy(last, path)
            else:
                pixels = np.zeros((5, 6), np.uint16 if mode == "I;16" else np.uint8)
                pixels[0, :2] = divmod(number, 256)
                image = Image.fromarray(pixels)
                image = image if mode == "I;16" else image.convert(mode)
                image.save(path, "PNG")
                last = path


def consumed(task):
    """Paths with their parts and labels, as training has them: read from the files, and cached."""
    splits = task.load(Path(), None)
    parts = {"train": splits.train, "val": splits.validation, "test": splits.test}
    listed = [
        (path, name, splits.names[label])
        for name, source in parts.items()
        for path, label in zip(source.paths, source.labels.tolist(), strict=True)
    ]
    cached = splits.stored(0, opened(ready(task.originals(Path()), 0, 1.0, print).cache))
    for name, source in (("train", cached.train), ("validation", cached.validation)):
        for i, path in enumerate(getattr(splits, name).paths):
            assert (source.read(i) == read_image(path)).all()
    return listed


def refused(error: BadInput) -> None:
    """A refused tree is refused with one line; the rest of the test is skipped."""
    if "\n" in str(error):
        raise AssertionError(f"more than a line: {error}")
    assume(False)


def agree(name: str, given_as: str) -> None:
    """Training, predict and evaluate use the images that the dry run reports."""
    task = find(name)
    try:
        found = task.found()
    except BadInput as error:
        refused(error)
    told = summary_json(found)
    assert json.loads(json.dumps(told)) == told
    try:
        listed = consumed(task)
    except BadInput as error:  # too few images to split
        refused(error)
    assert len(listed) == told["images"] == len({path for path, *_ in listed})
    assert Counter(label for *_, label in listed) == told["classes"]
    assert sorted(path for path, *_ in listed) == sorted(found.paths)
    held = Counter(part for _, part, _ in listed)
    own = {part: count for part, count in told["parts"].items() if part in ("val", "test")}
    assert own.items() <= held.items()  # a part that is missing is taken from training
    assert sum(told["modes"].values()) == told["images"]
    assert told["sizes"] == {"smallest": [6, 5], "largest": [6, 5]}
    evaluated = labelled(given_as, list(found.classes))
    wanted = {path for path, part, _ in listed if part == "test" or "test" not in found.parts}
    real = {os.path.realpath(path) for path in evaluated.source.paths}
    assert {os.path.realpath(path) for path in wanted} == real
    predicted = {os.path.realpath(path) for path in unlabelled(given_as).source.paths}
    assert {os.path.realpath(path) for path in found.paths} <= predicted


@settings(max_examples=25, deadline=None)
@given(TREE, st.booleans())
def test_folders(tree, in_parts):
    with tempfile.TemporaryDirectory() as place:
        root = Path(place) / "set"
        made(root, tree, "train" if in_parts else "")
        if in_parts:
            made(root, {label: images[:3] for label, images in tree.items()}, "test")
        agree(f"folder:{root}", str(root))


@settings(max_examples=25, deadline=None)
@given(TREE, st.sampled_from(["", "split"]), st.randoms())
def test_tables(tree, column, draws):
    with tempfile.TemporaryDirectory() as place:
        root = Path(place) / "set"
        made(root, tree)
        rows = [
            (path.relative_to(place), path.relative_to(root).parts[0])
            for path in sorted(root.rglob("*"))
            if path.is_file() and path.suffix.lower() == ".png" and not path.is_symlink()
        ]
        table = Path(place) / "images.csv"
        with table.open("w", newline="", errors="surrogateescape") as file:
            writer = csv.writer(file)
            writer.writerow(["path", "label", *([column] if column else [])])
            for path, label in rows:
                part = ("train", "train", "train", "test")[draws.randrange(4)]
                writer.writerow([path, label, *([part] if column else [])])
        agree(f"csv:{table}", str(table))
