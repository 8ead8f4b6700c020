"""Archives of images: read like the folder, unpacked once, and nothing written elsewhere."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
import zipfile

import pytest
from PIL import Image

from runner.images import archives
from runner.images.archives import folder_at
from runner.images.folders import read_folder
from runner.tasks.registry import find
from tricks import BadInput


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "tricks-bench" / "unpacked"


@pytest.fixture
def pets(tmp_path):
    """Two classes of four images, with the hidden files of a Mac."""
    top = tmp_path / "pets"
    for name in ("cat", "dog"):
        (top / name).mkdir(parents=True)
        for i in range(4):
            Image.new("RGB", (3, 3), (i, len(name), ord(name[0]))).save(top / name / f"{i}.png")
    (top / "notes.txt").write_text("x")
    return top


def packed(folder, kind, inner=""):
    """The folder as an archive, below `inner` within it."""
    path = folder.with_name(f"{folder.name}.{kind}")
    files = [f for f in sorted(folder.rglob("*")) if f.is_file()]
    names = [inner + f.relative_to(folder).as_posix() for f in files]
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file, name in zip(files, names, strict=True):
                archive.write(file, name)
            archive.writestr("__MACOSX/._x.png", "")
    else:
        with tarfile.open(path, "w:" + kind.partition(".")[2].replace("tgz", "gz")) as archive:
            for file, name in zip(files, names, strict=True):
                archive.add(file, name)
    return path


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz", "tar.xz"])
@pytest.mark.parametrize("inner", ["", "pets/", "data/"])
def test_an_archive_is_the_folder_that_was_packed(pets, kind, inner, cache):
    path = packed(pets, kind, inner)
    found, plain = read_folder(path), read_folder(pets)
    assert [(r.label, r.file.path.name) for r in found.rows] == [
        (r.label, r.file.path.name) for r in plain.rows
    ]
    assert found.place.name == (inner.rstrip("/") or "pets")
    assert cache in found.place.parents
    one, other = (find(f"folder:{place}").identity(None) for place in (path, pets))
    assert one == other


def test_it_is_unpacked_once_and_again_where_files_are_gone(pets, cache, monkeypatch):
    path = packed(pets, "zip")
    first = folder_at(path)
    moved = path.rename(path.with_name("other.zip"))
    monkeypatch.setattr(archives, "_unpack", lambda *_: pytest.fail("it was unpacked again"))
    assert folder_at(moved) == first
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache.parents[1]))
    (first / "cat" / "0.png").unlink()
    assert len(read_folder(moved).rows) == 8
    assert len(list(cache.iterdir())) == 1


def test_what_a_process_that_is_gone_left_is_removed(pets, cache):
    path = packed(pets, "zip")
    place = folder_at(path)
    while place.parent != cache:
        place = place.parent
    shutil.rmtree(place)
    gone = place.with_name(f"{place.name}.{2**22 + 1}")  # above the largest process id
    mine = place.with_name(f"{place.name}.{os.getppid()}")
    for left in (gone, mine):
        (left / "pets").mkdir(parents=True)
    folder_at(path)
    assert mine.exists()
    assert not gone.exists()


def written(path, **members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def tarred(path, *infos):
    with tarfile.open(path, "w") as archive:
        for info, content in infos:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def info(name, kind=tarfile.REGTYPE, link=""):
    found = tarfile.TarInfo(name)
    found.type, found.linkname = kind, link
    return found


@pytest.mark.parametrize("name", ["../x.png", "/x.png", "a/../../x.png", "..\\x.png", "C:/x.png"])
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_member_outside_is_refused(tmp_path, name, kind, cache):
    if kind == "zip":
        path = written(tmp_path / "a.zip", **{"a/0.png": b"x", name: b"x"})
    else:
        path = tarred(tmp_path / "a.tar", (info("a/0.png"), b"x"), (info(name), b"x"))
    with pytest.raises(BadInput, match="outside its folder"):
        folder_at(path)
    assert not list(tmp_path.rglob("x.png"))
    assert not list(cache.iterdir())


def test_links_within_are_followed_and_links_out_refused(tmp_path):
    inside = tarred(
        tmp_path / "a.tar",
        (info("top/a/0.png"), b"zero"),
        (info("top/b/1.png", tarfile.SYMTYPE, "../a/0.png"), b""),
        (info("top/b/2.png", tarfile.LNKTYPE, "top/a/0.png"), b""),
    )
    top = folder_at(inside)
    assert [(top / n).read_bytes() for n in ("a/0.png", "b/1.png", "b/2.png")] == [b"zero"] * 3
    assert not any(path.is_symlink() for path in top.rglob("*"))
    (tmp_path / "secret").write_text("x")
    for number, (kind, link) in enumerate(
        [
            (tarfile.SYMTYPE, "/etc/passwd"), (tarfile.SYMTYPE, "../../secret"),
            (tarfile.LNKTYPE, "../secret"), (tarfile.SYMTYPE, "0.png"),
        ]
    ):  # fmt: skip
        bad = tarred(tmp_path / f"b{number}.tar", (info("a/0.png", kind, link), b""))
        with pytest.raises(BadInput, match="link to a place outside"):
            folder_at(bad)
    pipe = tarred(tmp_path / "c.tar", (info("a/0.png", tarfile.FIFOTYPE), b""))
    with pytest.raises(BadInput, match="not a plain file"):
        folder_at(pipe)


def test_links_of_a_tar_of_the_current_folder(tmp_path):
    path = tarred(
        tmp_path / "a.tar",
        (info("./a/0.png"), b"zero"),
        (info("./b/1.png", tarfile.SYMTYPE, "../a/0.png"), b""),
        (info("./b/2.png", tarfile.LNKTYPE, "./a/0.png"), b""),
    )
    assert [(folder_at(path) / f"b/{n}.png").read_bytes() for n in (1, 2)] == [b"zero"] * 2


def test_names_of_a_zip_as_other_programs_write_them(tmp_path):
    names = ("caf\u00e9/0.png", "dog/0.png")
    path = written(tmp_path / "a.zip", **dict.fromkeys(names, b"x"))
    content = bytearray(path.read_bytes())
    for mark, place in ((b"PK\3\4", 7), (b"PK\1\2", 9)):  # no flag for UTF-8, as macOS writes
        content[content.index(mark) + place] &= ~8 & 255
    path.write_bytes(content)
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist()[0] != names[0]
    assert [folder_at(path).joinpath(name).read_bytes() for name in names] == [b"x", b"x"]
    folders = written(tmp_path / "b.zip", **{"a\\": b"", "a\\0.png": b"x", "b\\0.png": b"y"})
    assert sorted(p.name for p in folder_at(folders).iterdir()) == ["a", "b"]


def test_links_in_a_zip(tmp_path):
    def linked(path, aim):
        link = zipfile.ZipInfo("a/1.png")
        link.external_attr = 0o120777 << 16
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a/0.png", b"zero")
            archive.writestr(link, aim)
        return path

    assert (folder_at(linked(tmp_path / "a.zip", "0.png")) / "1.png").read_bytes() == b"zero"
    with pytest.raises(BadInput, match="link to a place outside"):
        folder_at(linked(tmp_path / "b.zip", "../../etc/passwd"))


def test_damage_is_told_in_a_line_and_leaves_nothing(pets, tmp_path, cache):
    for kind in ("zip", "tar.gz"):
        path = packed(pets, kind)
        content = path.read_bytes()
        for damaged in (content[: len(content) // 2], b"nothing", b""):
            path.write_bytes(damaged)
            with pytest.raises(BadInput, match="damaged, or not an archive") as caught:
                folder_at(path)
            assert "\n" not in str(caught.value)
            assert not list(cache.iterdir())
    assert folder_at(tmp_path / "nowhere.zip") == tmp_path / "nowhere.zip"
    with pytest.raises(BadInput, match="no such folder"):
        read_folder(tmp_path / "nowhere.zip")


def test_what_is_too_large_is_refused(pets, tmp_path, monkeypatch):
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/0.png", bytes(10**7))
    monkeypatch.setattr(archives, "SMALL_ARCHIVE", 10**6)
    with pytest.raises(BadInput, match=r"unpacked it would take 10.0 MB, too much for an archive"):
        folder_at(bomb)
    monkeypatch.setattr(archives, "SPARE", 1 << 60)
    with pytest.raises(BadInput, match="are free"):
        folder_at(packed(pets, "tar"))
