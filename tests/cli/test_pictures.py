"""show --image: pictures of what tricks do."""

import numpy as np
import pytest
import torch

from runner.images.sources import Resident
from runner.inference.sample_pictures import before_after, spread, views
from runner.training.example_images import one_each
from tricks import compose, parse
from tricks.recipe import Recipe

IMAGES = torch.arange(6 * 64, dtype=torch.int64).view(6, 1, 8, 8).remainder(256).to(torch.uint8)
SIX = Resident(IMAGES, torch.arange(6))


def recipe(*tricks):
    return compose(Recipe(), map(parse, tricks))


def test_flips_are_drawn_as_they_train():
    rows = before_after(recipe("alternating-flips"), SIX, "abcdef")
    plain = [image[..., 0] for image in rows[0].images]
    for before, first, second in zip(plain, rows[1].images, rows[2].images, strict=True):
        both = {first[..., 0].tobytes(), second[..., 0].tobytes()}
        assert both == {before.tobytes(), before[:, ::-1].tobytes()}
    assert rows[0].captions == list("abcdef")


def test_blends_are_captioned_by_their_targets():
    rows = before_after(recipe("mixup(alpha=5.0)"), SIX, "abcdef")
    plain = dict(zip("abcdef", rows[0].images, strict=True))
    for image, caption in zip(rows[1].images, rows[1].captions, strict=True):
        parts = [part.split(" × ") for part in caption.split(" + ")]
        blend = sum(float(share) * plain[name].astype(float) for share, name in parts)
        assert np.abs(blend - image).max() <= 3  # shares are printed to two digits


def test_every_view_of_the_augmentation_is_drawn():
    rows = views(recipe("flip-tta"), SIX)
    assert [row.label for row in rows] == ["image 1", "image 2", "image 3"]
    first, second = rows[0].images
    assert (first[:, ::-1] == second).all()
    shifted = views(recipe("shift-tta"), SIX)
    assert shifted[0].captions[-1] == "view 9 of 17"


def test_images_are_chosen_from_all_classes():
    assert one_each([0, 0, 1, 2, 1, 2], 4) == [0, 1, 2, 3]
    assert one_each([3, 3, 3], 6) == [0, 1, 2]
    assert spread(12, 6) == [0, 2, 4, 6, 8, 10]
    assert spread(2, 6) == [0, 1]


@pytest.mark.parametrize(
    "what", ["cutmix", "shift-tta", "progressive-resizing", "one-cycle", "step-decay"]
)
def test_a_picture_is_written_the_same_each_time(cli, tmp_path, what):
    for name in ("a.png", "b.png"):
        result = cli("show", what, "--image", name)
        assert result.code == 0, result.err
    first, second = ((tmp_path / name).read_bytes() for name in ("a.png", "b.png"))
    assert first[:4] == b"\x89PNG"
    assert first == second


def test_images_of_a_folder(cli, tmp_path):
    from PIL import Image

    for name in ("cat", "dog"):
        (tmp_path / "mine" / name).mkdir(parents=True)
        pixels = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "mine" / name / "1.jpg")
    done = cli("show", "baseline+cutmix+color-jitter", "--image", "a.svg", "--data", "mine")
    assert done.code == 0, done.err
    assert (tmp_path / "a.svg").read_bytes().startswith(b"<?xml")


def test_what_cannot_be_drawn(cli, tmp_path):
    (tmp_path / "empty").mkdir()
    for line, told in [
        ("show adamw --image a.png", "adamw acts on optimizer, which --image cannot draw"),
        ("show mixup --image a.gif", "end the name in .png, .svg, .pdf"),
        ("show mixup --image no/a.png", "there is no folder no"),
        ("show mixup --image a.png --data nowhere", "there is no such folder"),
        ("show mixup --image a.png --data empty", "no images in it"),
        ("show cosine --image a.png --data empty", "leave out --data"),
        ("show mixup --data empty", "--data is for --image"),
        ("show mixpu --image a.png", "did you mean mixup"),
        ("show baseline --image a.png", "--image cannot draw"),
    ]:
        result = cli(*line.split())
        assert result.code == 2, line
        assert told in result.err, (line, result.err)
        assert result.err.count("\n") == 1
    assert not (tmp_path / "a.png").exists()


def test_attention_is_drawn_by_maps_that_stand_in(cli, tmp_path):
    done = cli("show", "counterfactual-attention", "--image", "a.png")
    assert done.code == 0, done.err
    assert "tricks-bench attention RUN --data FOLDER" in done.out
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_crops_and_blanks_are_where_the_detail_is():
    import torch

    from runner.images.sources import Resident
    from runner.inference.attention_views import detail, views
    from tricks import parse

    image = torch.full((1, 1, 64, 64), 128, dtype=torch.uint8)
    image[..., 40:60, 8:24] = torch.randint(0, 256, (20, 16)).to(torch.uint8)
    where = (detail(image) > 0.5 * detail(image).max()).nonzero()
    scale = 64 / detail(image).shape[-1]
    assert scale * where[:, 1].min() >= 36
    assert scale * where[:, 2].max() <= 28
    (row,) = views(parse("counterfactual-attention"), Resident(image, torch.zeros(1).long()))
    whole, _, crop, blank = (torch.from_numpy(x).float() for x in row.images)
    assert crop.std() > 1.1 * whole.std()  # the lively part fills more of it
    assert blank.std() < 0.5 * whole.std()
    assert (blank[:30] == whole[:30]).all()
