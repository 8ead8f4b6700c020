"""Tasks with images from Python: written once, identified by content, trained from files only."""

from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

import tricks_bench as tb
from runner.images.decoding import read_image
from runner.images.written import encoded, root
from runner.inference.inference_images import labelled
from runner.tasks import datasets
from runner.tasks.python_task import GIVEN
from runner.tasks.registry import find
from tricks import BadInput

PLUGIN = """
import numpy as np
import tricks_bench as tb

@tb.task("stripes")
def stripes():
    with open("calls", "a") as calls:
        calls.write("x")
    draws = np.random.default_rng(0)
    def images(count):
        return [(draws.integers(0, 256, (8, 8, 3), dtype=np.uint8), i % 2) for i in range(count)]
    return {"train": images(40), "validation": images(8), "test": images(8)}
"""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield
    GIVEN.clear()


class Shapes(torch.utils.data.Dataset):
    """Tensors (3, 9, 7) of floats, with classes by name."""

    classes = ("round / oval", "square")

    def __init__(self, count, seed=0):
        draws = torch.Generator().manual_seed(seed)
        self.images = torch.randint(0, 256, (count, 3, 9, 7), generator=draws).float() / 255

    def __len__(self):
        return len(self.images)

    def __getitem__(self, place):
        return self.images[place], torch.tensor(place % 2)


def test_a_torch_data_set_is_read_back_as_it_was():
    train, test = Shapes(20), Shapes(6, 1)
    task = tb.Task.from_datasets(train, test=test, name="shapes")
    splits = task.load(None, None)
    assert splits.names == Shapes.classes
    assert (len(splits.train) + len(splits.validation), len(splits.test)) == (20, 6)
    for place in range(6):
        assert torch.equal(splits.test.read(place), (test[place][0] * 255).round().byte())
    assert splits.test.labels.tolist() == [0, 1] * 3
    assert len(labelled("shapes", Shapes.classes).labels) == 6  # as evaluate is given it
    again = find("shapes")  # as a worker finds it
    assert again.identity(None) == task.identity(None)
    divided = again.divide(0.3, 0.15)
    assert divided.name == "shapes"
    assert divided.identity(None) != task.identity(None)


def test_the_identity_is_the_content_whatever_the_name():
    one = tb.Task.from_datasets(Shapes(20), name="one").identity(None)
    assert tb.Task.from_datasets(Shapes(20), name="two").identity(None) == one
    assert tb.Task.from_datasets(Shapes(20)).identity(None) == one
    assert tb.Task.from_datasets(Shapes(20, seed=5), name="one").identity(None) != one
    assert len([path for path in root().iterdir() if path.name != "names"]) == 2


def test_pil_images_and_arrays_with_names_as_labels():
    grey = np.arange(48, dtype=np.uint8).reshape(6, 8)
    plain = torch.from_numpy(grey)
    kinds = (
        Image.fromarray(grey), grey, grey[:, :, None], np.stack([grey] * 3, 2), plain,
        plain[None] / 255,
    )  # fmt: skip
    images = [(kinds[i % 6], "ab"[i % 2]) for i in range(18)]
    task = tb.Task.from_datasets(images)
    listed = task.found().rows
    wanted = plain.expand(3, -1, -1)
    assert all(torch.equal(read_image(row.file.path), wanted) for row in listed)
    assert [row.label for row in listed] == [label for _, label in images]


def test_bytes_of_a_file_stay_as_they_are():
    out = io.BytesIO()
    Image.new("RGB", (5, 5), (3, 4, 5)).save(out, "JPEG")
    assert encoded(out.getvalue()) == (out.getvalue(), ".jpg")
    gif = io.BytesIO()
    Image.new("P", (5, 5)).save(gif, "GIF")
    assert encoded(gif.getvalue())[1] == ".png"


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ((np.full((4, 4), 1.5), 0), "before they are normalised"),
        ((np.full((4, 4), np.nan), 0), "before they are normalised"),
        ((np.zeros((4, 4, 2), np.uint8), 0), "is no image"),
        ((np.zeros((4, 4), np.int32), 0), "pixels of type int32"),
        ((b"nothing", 0), "not a readable image"),
        ((np.zeros((4, 4), np.uint8), -1), "a label is -1"),
        ((np.zeros((4, 4), np.uint8), 2), "a label is 2, but there are 2 classes"),
        ((np.zeros((4, 4), np.uint8), 0.5), "a label is 0.5"),
        (np.zeros((4, 4), np.uint8), "not (image, label)"),
        ((np.zeros((4, 4), np.uint8), np.array([0, 1])), "a label is array([0, 1])"),
        ((Image.fromarray(np.full((4, 4), -1, np.int32)), 0), "its values are -1 to -1"),
    ],
)
def test_what_is_no_labelled_image_is_told_with_its_place(item, said):
    good = (np.zeros((4, 4), np.uint8), 0)
    with pytest.raises(BadInput) as caught:
        tb.Task.from_datasets([good, item], name="mine", classes=("x", "y"))
    assert said in str(caught.value)
    assert "the task mine" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not list(root().glob("part-*"))


def test_pillow_s_images_are_read_as_their_files(tmp_path):
    exif = Image.Exif()
    exif[0x112] = 6
    photo = tmp_path / "photo.jpg"
    Image.new("RGB", (6, 4), "red").save(photo, exif=exif, quality=95)
    deep = Image.fromarray(np.array([[0, 65535]], np.int32))
    floats = Image.fromarray(np.array([[0, 0.5]], np.float32))
    with Image.open(photo) as opened:
        images = [encoded(image)[0] for image in (opened, opened.convert("RGB"), deep, floats)]
    found = [np.asarray(Image.open(io.BytesIO(content))) for content in images]
    assert [image.shape[:2] for image in found] == [(6, 4), (6, 4), (1, 2), (1, 2)]
    assert [image.reshape(2, -1)[:, 0].tolist() for image in found[2:]] == [[0, 255], [0, 128]]


def test_an_item_that_fails_is_named_and_not_taken_for_a_full_disk(tmp_path):
    (tmp_path / "cut.png").write_bytes(b"no image")

    class Broken(Shapes):
        def __getitem__(self, place):
            return Image.open(tmp_path / "cut.png"), 0

    with pytest.raises(BadInput, match="item 0: UnidentifiedImageError") as caught:
        tb.Task.from_datasets(Broken(4), name="mine")
    assert "cannot be written" not in str(caught.value)


def test_two_classes_of_one_name_are_refused():
    with pytest.raises(BadInput, match="two classes are called 'crane'"):
        tb.Task.from_datasets(Shapes(4), name="mine", classes=("crane", "crane"))


def test_two_classes_that_a_data_set_gives_one_name_stay_two_classes():
    shapes = Shapes(4)
    shapes.classes = ["crane", "crane"]
    assert {name for _, name in datasets.labelled(shapes)} == {"crane (0)", "crane (1)"}


def test_names_that_cannot_be():
    for name in ("digits", "folder:x"):
        with pytest.raises(BadInput, match="cannot be called"):
            tb.Task.from_datasets([], name=name)
    with pytest.raises(BadInput, match="a part has no images"):
        tb.Task.from_datasets([], name="empty")
    with pytest.raises(BadInput, match="unknown task 'nobody'"):
        find("nobody")


@pytest.mark.slow
def test_a_plug_in_s_function_is_called_once_and_a_training_needs_it_no_more(tmp_path):
    """In separate processes, as a user runs it."""
    (tmp_path / "my_data.py").write_text(PLUGIN)
    small = ["--tricks", "none", "--factor", "lr_scale=1,2", "--seeds", "1", "--set", "epochs=1"]
    small += [
        "--set",
        "model=small-image-resnet50",
        "--set",
        "width=0.02",
        "--set",
        "start=scratch",
    ]
    small += ["--set", "resolution=8", "--set", "crop=none"]
    line = ["run", "--task", "stripes", *small, "--plugin", "my_data.py"]

    def call(*more):
        code = "import sys; from runner.cli import call; sys.exit(call(sys.argv[1:]))"
        return subprocess.run(
            [sys.executable, "-c", code, *line, *more], cwd=tmp_path, capture_output=True,
            text=True, check=False,
        )  # fmt: skip

    told = call("--dry-run")
    assert told.returncode == 0, told.stderr
    assert "train 40, val 8, test 8" in told.stdout
    done = call("-y")
    assert done.returncode == 0, done.stderr
    assert "2 ok" in done.stdout + done.stderr
    assert (tmp_path / "calls").read_text() == "x"
    (tmp_path / "my_data.py").write_text(PLUGIN.replace("default_rng(0)", "default_rng(1)"))
    told = call("--dry-run")
    assert "0 recorded, 2 to train" in told.stdout
    assert (tmp_path / "calls").read_text() == "xx"


def test_a_function_that_fails_is_told_in_a_line():
    @tb.task("broken")
    def broken():
        raise KeyError("no\nsuch")

    with pytest.raises(BadInput, match="the task broken: KeyError") as caught:
        find("broken")
    assert "\n" not in str(caught.value)

    @tb.task("odd")
    def odd():
        return {"train": [(np.zeros((4, 4), np.uint8), 0)], "extra": []}

    with pytest.raises(BadInput, match="parts are train, validation and test, not extra"):
        find("odd")
