"""The image cache: built once, checked, bounded, and the same pixels as the files."""

from __future__ import annotations

import os
import shutil
import threading
import time

import numpy as np
import pytest
import torch
from PIL import Image

from runner.images import cache_build, caches, caching
from runner.images.cache import INDEX, MANIFEST, PIXELS, opened
from runner.images.caching import ready
from runner.images.decoding import read_image
from runner.images.folders import read_folder
from runner.images.originals import originals
from runner.images.shapes import shapes
from tricks import BadInput

SILENT = lambda line: None  # noqa: E731
EVERYTHING = 1.0  # gigabytes


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "tricks-bench" / "images"


@pytest.fixture
def pets(tmp_path):
    """Two classes of eight images of different sizes and modes, one of them turned by EXIF."""
    draws = np.random.default_rng(0)
    for i in range(16):
        path = tmp_path / "pets" / ("cat", "dog")[i % 2] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = draws.integers(256, size=(20 + i, 34 - i, 3), dtype=np.uint8)
        image, exif = Image.fromarray(pixels), Image.Exif()
        if i == 4:
            exif[0x112] = 6
        image.convert(("RGB", "L", "P", "RGBA")[i % 4]).save(path, exif=exif)
    return tmp_path / "pets"


def of(folder):
    return originals(read_folder(folder))


@pytest.mark.parametrize("side", [0, 12])
def test_it_holds_what_the_files_hold(pets, side):
    files = of(pets).files
    cache = opened(ready(of(pets), side, EVERYTHING, SILENT).cache)
    assert cache.whole
    for place, file in enumerate(files):
        alone, cached = read_image(file.path, side), cache.read(place)
        assert torch.equal(alone, cached)
        assert alone.stride() == cached.stride()  # sums of floats depend on the layout
        assert min(alone.shape[1:]) == (side or min(alone.shape[1:]))
        row = cache.index[place]
        assert (row["tall"], row["wide"]) == read_image(file.path).shape[1:]
        with Image.open(file.path) as image:
            assert cache.manifest["modes"][row["mode"]] == image.mode
    assert list(cache.damaged()) == []


def test_a_second_look_decodes_nothing(pets, monkeypatch):
    first = ready(of(pets), 0, EVERYTHING, SILENT)
    monkeypatch.setattr(caching, "build", None)
    assert ready(of(pets), 0, EVERYTHING, SILENT) == first
    moved = shutil.copytree(pets, pets.with_name("moved"))
    assert ready(of(moved), 0, EVERYTHING, SILENT) == first  # it is known by what it holds


def test_other_images_have_another(pets):
    first = ready(of(pets), 0, EVERYTHING, SILENT).cache
    assert ready(of(pets), 8, EVERYTHING, SILENT).cache != first
    Image.new("RGB", (9, 9)).save(pets / "cat" / "0.png")
    assert ready(of(pets), 0, EVERYTHING, SILENT).cache != first


@pytest.mark.parametrize("name", [PIXELS, INDEX, MANIFEST])
@pytest.mark.parametrize("harm", ["cut", "gone"])
def test_a_torn_one_is_built_again(pets, name, harm):
    folder = ready(of(pets), 0, EVERYTHING, SILENT).cache
    whole = (folder / PIXELS).read_bytes()
    if harm == "gone":
        (folder / name).unlink()
    else:
        (folder / name).write_bytes((folder / name).read_bytes()[:-1])
    assert opened(folder) is None
    assert [kept.fault for kept in caches.kept()] == ["not whole"]
    assert ready(of(pets), 0, EVERYTHING, SILENT).cache == folder
    assert (folder / PIXELS).read_bytes() == whole
    assert len(caches.kept()) == 1


def test_changed_pixels_are_found(pets):
    folder = ready(of(pets), 0, EVERYTHING, SILENT).cache
    pixels = bytearray((folder / PIXELS).read_bytes())
    pixels[-1] ^= 1
    (folder / PIXELS).write_bytes(pixels)
    assert list(opened(folder).damaged()) == [15]


def test_images_that_do_not_fit_are_left_to_their_files(pets):
    told = ready(of(pets), 0, 10_000 / 1e9, SILENT)
    cache = opened(told.cache)
    assert 0 < cache.cached < 16
    assert cache.bytes <= 10_000
    [line] = told.notes
    assert f"holds {cache.cached} of 16 images" in line
    assert "--cache-gb" in line
    assert opened(ready(of(pets), 0, EVERYTHING, SILENT).cache).whole


def test_the_least_recently_used_gives_way(pets):
    one = ready(of(pets), 0, EVERYTHING, SILENT).cache
    two = ready(of(pets), 13, EVERYTHING, SILENT).cache
    for folder, age in ((one, 50), (two, 100)):
        os.utime(folder / MANIFEST, (time.time() - age,) * 2)
    ready(of(pets), 13, EVERYTHING, SILENT)  # used now
    taken = sum(cache.bytes for cache in caches.kept())
    three = ready(of(pets), 11, taken / 1e9, SILENT).cache
    assert {cache.folder for cache in caches.kept()} == {two, three}


def test_two_runners_build_it_once(pets, monkeypatch):
    built, waited = [], []
    build = cache_build.build

    def slowly(*arguments):
        built.append(arguments)
        time.sleep(0.3)
        return build(*arguments)

    monkeypatch.setattr(caching, "build", slowly)
    found = []
    runners = [
        threading.Thread(target=lambda: found.append(ready(of(pets), 0, 1.0, waited.append)))
        for _ in range(2)
    ]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join()
    assert len(built) == 1
    assert found[0] == found[1]
    assert len(waited) == 1
    assert "another process" in waited[0]


def test_a_home_that_cannot_be_written_is_one_line(pets, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    told = ready(of(pets), 0, EVERYTHING, SILENT)
    assert told.cache is None
    [line] = told.notes
    assert "no image cache" in line
    assert "decoded in every epoch" in line


def test_what_a_killed_runner_left_is_removed(pets, home):
    ready(of(pets), 0, EVERYTHING, SILENT)
    old, new = home / f"old{caches.PART}", home / f"new{caches.PART}"
    for folder in (old, new):
        folder.mkdir()
        (folder / PIXELS).write_bytes(b"half")
    os.utime(old / PIXELS, (time.time() - 2 * caches.OLD,) * 2)
    ready(of(pets), 7, EVERYTHING, SILENT)
    assert not old.exists()
    assert new.exists()  # another runner may be writing it


def test_none_is_made_where_none_is_allowed(pets, home):
    assert ready(of(pets), 0, 0, SILENT).cache is None
    assert not home.exists()


@pytest.mark.parametrize("gigabytes", [0, EVERYTHING])
def test_an_unreadable_image_is_named_and_leaves_nothing(pets, home, gigabytes):
    (pets / "dog" / "7.png").write_bytes(b"no image")
    with pytest.raises(BadInput, match=r"7\.png: cannot be read as an image"):
        ready(of(pets), 0, gigabytes, SILENT)
    assert [path for path in home.glob("*") if path.is_dir()] == []


def test_what_the_decoder_complains_of_is_told_each_time(tmp_path, monkeypatch):
    for i in range(8):
        path = tmp_path / "dark" / "ab"[i % 2] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 4), 3000, np.uint16)).save(path)
    first = ready(of(tmp_path / "dark"), 0, EVERYTHING, SILENT)
    [line] = first.notes
    assert line.startswith(f"{tmp_path / 'dark' / 'a' / '0.png'} and 7 more: its 16-bit")
    monkeypatch.setattr(caching, "build", None)
    assert ready(of(tmp_path / "dark"), 0, EVERYTHING, SILENT) == first


def test_a_long_pass_says_how_far_it_is(pets, monkeypatch):
    from runner.images import counting

    monkeypatch.setattr(counting, "FIRST", 0.0)
    said = []
    ready(of(pets), 0, EVERYTHING, said.append)
    assert said[0].startswith("1 of 16 images decoded, once for all runs")


def test_a_mapped_cache_survives_its_removal(pets):
    cache = opened(ready(of(pets), 0, EVERYTHING, SILENT).cache)
    before = read_image(of(pets).files[3].path)
    caches.remove(cache.folder)  # before a first image was read
    assert torch.equal(cache.read(3), before)
    assert caches.kept() == ()


def test_a_runner_that_finds_the_same_images_elsewhere_takes_the_cache_that_is_there(
    pets, monkeypatch
):
    """Both looked before there was a cache: the second finds one when it has built its own."""
    moved = shutil.copytree(pets, pets.with_name("moved"))
    build, inode = cache_build.build, []

    def after_another(*arguments):
        found = build(*arguments)
        monkeypatch.setattr(caching, "build", build)
        first = ready(of(moved), 0, EVERYTHING, SILENT).cache
        inode.append((first / PIXELS).stat().st_ino)
        return found

    monkeypatch.setattr(caching, "build", after_another)
    told = ready(of(pets), 0, EVERYTHING, SILENT)
    assert told.notes == ()
    assert [(told.cache / PIXELS).stat().st_ino] == inode
    assert len(caches.kept()) == 1


def test_what_a_killed_removal_left_is_no_cache(pets, home):
    folder = ready(of(pets), 0, EVERYTHING, SILENT).cache
    gone = folder.rename(folder.with_name(f".{folder.name}.1{caches.GONE}"))
    assert [cache.images for cache in caches.kept()] == [0]
    for path in (*gone.iterdir(), gone):
        os.utime(path, (time.time() - 2 * caches.OLD,) * 2)
    ready(of(pets), 7, EVERYTHING, SILENT)
    assert [path.name for path in home.glob(f".*{caches.GONE}")] == []


def test_a_cache_that_goes_while_it_is_counted_is_no_error(pets, monkeypatch):
    folder = ready(of(pets), 0, EVERYTHING, SILENT).cache
    shutil.copytree(folder, folder.with_name("other"))
    opening = caches.opened

    def going(place):
        if place == folder:
            shutil.rmtree(place)
        return opening(place)

    monkeypatch.setattr(caches, "opened", going)
    assert caches.allowed(None) > 0


def test_a_doctor_lists_them_and_removes_those_of_no_use(pets, home, capsys):
    from runner.cli import call

    torn = ready(of(pets), 9, EVERYTHING, SILENT).cache
    (torn / MANIFEST).unlink()
    changed = ready(of(pets), 8, EVERYTHING, SILENT).cache
    pixels = bytearray((changed / PIXELS).read_bytes())
    pixels[0] ^= 1
    (changed / PIXELS).write_bytes(pixels)
    whole = ready(of(pets), 0, EVERYTHING, SILENT).cache
    assert call(["doctor"]) == 0
    told = capsys.readouterr().out
    assert f"{torn}: " in told
    assert "not whole: `doctor --clean` removes it" in told
    assert "1 of its images changed" in told
    assert f"16 images of {pets}" in told
    assert call(["doctor", "--clean", "--json"]) == 0
    assert [kept.folder for kept in caches.kept()] == [whole]
    shutil.rmtree(pets)
    assert [kept.fault for kept in caches.kept()] == ["its images were removed"]
    assert call(["doctor", "--clean"]) == 0
    assert "its images were removed: removed" in capsys.readouterr().out
    assert caches.kept() == ()


def test_sizes_and_modes_are_told_alike_with_and_without_a_cache(pets, monkeypatch):
    found = read_folder(pets)
    by_headers = shapes(found)
    ready(of(pets), 0, EVERYTHING, SILENT)
    monkeypatch.setattr("runner.images.shapes.header", None)
    assert shapes(found) == by_headers
    assert by_headers.modes == {"RGB": 4, "L": 4, "P": 4, "RGBA": 4}
    assert by_headers.line() == "19×35 to 27×27 pixels; modes L 4, P 4, RGB 4, RGBA 4"
