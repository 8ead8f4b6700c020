"""The decoder: depth, palettes, orientation, broken files."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from runner.images.decoding import header, read_image, unreadable
from runner.images.folders import read_folder
from runner.images.summary import summary_json, summary_lines
from tests.images.checking import check
from tricks import BadInput


def saved(tmp_path, values, name="x.png", **options):
    Image.fromarray(values).save(tmp_path / name, **options)
    return tmp_path / name


@pytest.mark.parametrize("name", ["x.png", "x.tif", "x.pgm"])
def test_sixteen_bits_are_scaled(tmp_path, name):
    values = np.linspace(0, 65535, 4096).reshape(64, 64).astype(np.uint16)
    pixels = read_image(saved(tmp_path, values, name)).numpy()
    assert (pixels[0] == pixels[2]).all()
    np.testing.assert_array_equal(pixels[0], np.round(values / 257).astype(np.uint8))


def test_twelve_bits_in_sixteen_are_told(tmp_path):
    path, other = (
        saved(tmp_path, np.full((4, 4), 3000 + i, np.uint16), f"{i}.png") for i in range(2)
    )
    assert check([path, other]) == (
        f"{path} and 1 more: its 16-bit values end below 4096, so it is nearly black",
    )


@pytest.mark.parametrize(
    ("largest", "said"),
    [(4095, "largest value is 4095: white is 65535, so they are dark; save them × 16"),
     (1023, "largest value is 1023: white is 65535, so they are dark; save them × 64"),
     (60000, "")],
)  # fmt: skip
def test_a_dry_run_tells_of_values_that_do_not_use_sixteen_bits(tmp_path, largest, said):
    for i in range(12):
        (tmp_path / "ab"[i % 2]).mkdir(exist_ok=True)
        values = np.full((4, 4), largest - 12 + i, np.uint16)
        values[0, 0] = largest * (i == 5)
        saved(tmp_path, values, f"{'ab'[i % 2]}/{i}.png")
    (tmp_path / "a" / "broken.png").write_bytes(b"no image")
    found = read_folder(tmp_path)
    lines = [line for line in summary_lines(found, (0.1, 0.1)) if "16-bit" in line]
    assert lines == ([f"  16-bit images whose {said}"] if said else [])
    assert summary_json(found)["largest_16_bit_value"] == largest


@pytest.mark.parametrize(
    ("values", "said"),
    [([[0.0, 0.5], [1.0, 0.25]], ""), ([[0.0, 200.0]], "0 to 200"), ([[-1.0, 1.0]], "-1 to 1"),
     ([[float("nan"), 1.0]], "nan")],
)  # fmt: skip
def test_floats_are_scaled_or_refused(tmp_path, values, said):
    array = np.array(values, np.float32)
    path = saved(tmp_path, array, "x.tif")
    if not said:
        np.testing.assert_array_equal(read_image(path)[0].numpy(), np.round(array * 255))
        return
    for read in (read_image, lambda path: check([path])):
        with pytest.raises(BadInput, match=rf"x\.tif: cannot be read.*{said}"):
            read(path)


def test_numbers_of_32_bits_are_refused(tmp_path):
    path = saved(tmp_path, np.array([[0, 70_000]], np.int32), "x.tif")
    with pytest.raises(BadInput, match="0 to 70000: save it as 8 or 16 bits"):
        read_image(path)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["x.jpg", "x.png", "x.tif", "x.webp"])
def test_photos_are_upright(tmp_path, orientation, name):
    image = Image.new("RGB", (64, 32))
    image.paste((255, 0, 0), (0, 0, 32, 16))
    exif = Image.Exif()
    exif[0x112] = orientation
    image.save(tmp_path / name, exif=exif)
    with Image.open(tmp_path / name) as opened:
        wanted = np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
    assert read_image(tmp_path / name).shape[1:] == ((64, 32) if orientation > 4 else (32, 64))
    np.testing.assert_array_equal(read_image(tmp_path / name).permute(1, 2, 0).numpy(), wanted)


@pytest.mark.parametrize("name", ["x.jpg", "x.png", "x.tif", "x.webp"])
def test_a_header_gives_the_upright_size(tmp_path, name):
    exif = Image.Exif()
    exif[0x112] = 6
    Image.new("RGB", (64, 32)).save(tmp_path / name, exif=exif)
    assert header(tmp_path / name) == (32, 64, "RGB")


@pytest.mark.parametrize("name", ["x.png", "x.tif", "x.webp", "x.gif"])
def test_of_several_pages_the_first_is_used_and_this_is_told(tmp_path, name):
    pages = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    pages[0].save(tmp_path / name, save_all=True, append_images=pages[1:])
    assert [line.partition(": ")[2] for line in check([tmp_path / name])] == [
        "it has several pages or frames: the first is used"
    ]
    assert read_image(tmp_path / name)[:, 0, 0].tolist()[2] < 9
    pages[0].save(tmp_path / name)
    assert not check([tmp_path / name])


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_every_mode_is_rgb_without_a_warning(tmp_path, mode):
    grey = np.random.default_rng(0).integers(0, 255, (8, 8), dtype=np.uint8)
    name = "x.tif" if mode == "CMYK" else "x.png"
    options = {"transparency": bytes([0] * 10 + [255] * 246)} if mode == "P" else {}
    (Image.fromarray(grey).convert(mode)).save(tmp_path / name, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pixels = read_image(tmp_path / name)
        assert not [line for line in check([tmp_path / name]) if "nearly" not in line]
    assert pixels.shape == (3, 8, 8)
    assert pixels.dtype == torch.uint8
    if mode not in ("1", "I;16"):
        np.testing.assert_allclose(pixels[0].numpy(), grey, atol=1)


@pytest.mark.parametrize(
    ("cut", "said"), [(lambda b: b[: len(b) // 2], ""), (lambda b: b"", "the file is empty"),
                      (lambda b: b"no image", "cannot identify")],
)  # fmt: skip
@pytest.mark.parametrize("name", ["x.jpg", "x.png", "x.tif", "x.bmp", "x.webp"])
def test_a_broken_file_is_named(tmp_path, cut, said, name):
    values = np.random.default_rng(0).integers(0, 255, (60, 60, 3), dtype=np.uint8)
    path = saved(tmp_path, values, name)
    whole = saved(tmp_path, values, "whole.png")
    path.write_bytes(cut(path.read_bytes()))
    for read in (read_image, lambda path: check([whole, path])):
        with pytest.raises(BadInput, match=rf"{name}: cannot be read as an image .*{said}"):
            read(path)
    assert list(unreadable([whole, path])) == [1]


def test_warnings_of_the_decoder_carry_the_file(tmp_path, monkeypatch):
    path = saved(tmp_path, np.zeros((20, 20, 3), np.uint8))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 300)
    [line] = check([path])
    assert line.startswith(f"{path}: ")
    assert "decompression bomb" in line
