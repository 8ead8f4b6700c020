"""Files in a folder of results, or in the current folder, are read, but never run or followed."""

from __future__ import annotations

import gzip
import os
import shutil
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest

from runner.cli import call
from runner.records import atomic_write, checkpoints, crash_logs
from runner.records.export import read_export
from runner.records.store import Store
from runner.records.studies import load_study, save_study
from runner.records.study_toml import StudyToml, from_mapping
from tests.records.damage import ID, a_record
from tricks.errors import BadInput

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parents[1] / "records" / "golden" / "schema-1"
EVIL = "import pathlib, sys\npathlib.Path(__file__).with_suffix('.ran').touch()\n"
SCRIPT = Path(sys.executable).parent / "tricks-bench"


@pytest.mark.skipif(not SCRIPT.exists(), reason="not installed as a command")
def test_no_file_that_lies_about_is_imported(tmp_path: Path) -> None:
    shutil.copytree(GOLDEN / "results", tmp_path / "results")
    names = (
        "sitecustomize.py", "usercustomize.py", "runner.py", "tricks.py", "json.py", "numpy.py",
        "plugin.py", "conftest.py", "tricks/evil.py", "tricks/__init__.py", "runner/cli.py",
        "runner/__init__.py", "studies/golden/study.py", "models/model.py",
    )  # fmt: skip
    evil = [folder / name for folder in (tmp_path, tmp_path / "results") for name in names]
    for path in evil:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(EVIL)
    small = "run --tricks mixup --seeds 1 --set train_images=64 --set epochs=1 --workers 1 --name s"
    for line in ("list tricks", "analyze", small):
        done = subprocess.run(
            [SCRIPT, *line.split()], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert "Traceback" not in done.stderr
        assert done.returncode == 0, (line, done.stderr)
        assert "evil" not in done.stdout
    assert not list(tmp_path.rglob("*.ran"))
    done = subprocess.run([sys.executable, tmp_path / "plugin.py"], check=False)
    assert (tmp_path / "plugin.ran").exists()  # the trap works


def test_links_are_refused_wherever_they_stand(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / f"{ID}.json").write_text("{}")
    places = ["runs", "runs/01", "attempts/01", "claims/01", "studies/s", "models"]
    for number, place in enumerate(places):
        store = Store(tmp_path / str(number))
        path = store.root / place
        if path.is_dir():
            path.rmdir()
        path.parent.mkdir(exist_ok=True)
        path.symlink_to(outside)
        for create in (True, False):
            with pytest.raises(BadInput, match="symbolic link"):
                Store(store.root, create)
    assert [path.name for path in outside.iterdir()] == [f"{ID}.json"]


def test_nothing_is_cleared_away_through_a_link(tmp_path: Path) -> None:
    """In somebody else's store, the folder of a run's attempts may be a link."""
    outside, store = tmp_path / "outside", Store(tmp_path / "results")
    outside.mkdir()
    files = [outside / "checkpoint", outside / f".checkpoint.x{atomic_write.TEMPORARY}"]
    for file in files:
        file.write_text("mine")
        os.utime(file, (0, 0))
    store.commit(a_record())
    folder = checkpoints.path_of(store.root, ID).parent
    folder.parent.mkdir()
    folder.symlink_to(outside)
    store.sweep()
    crash_logs.sweep(store, ("ok",))
    assert all(file.exists() for file in files)


def test_links_to_files_are_not_read_nor_written_through(tmp_path: Path, capsys: Any) -> None:
    secret = tmp_path / "secret"
    secret.write_text("mine")
    store = Store(tmp_path / "results")
    store.commit(a_record())
    factors = [{"name": "mixup", "levels": ["off", "on"]}]
    asked = from_mapping({"task": "digits", "grid": "add-one", "factors": factors, "settings": {}})
    rows = [{"id": ID, "seed": 0, "mixup": "off"}]
    save_study(store, "s", asked, rows)
    folder = store.root / "studies" / "s"
    for path in (folder / "runs.csv", folder / "study.toml", folder / ".lock"):
        kept = path.read_bytes() if path.exists() else b""
        path.unlink(missing_ok=True)
        path.symlink_to(secret)
        if path.name == ".lock":
            with pytest.raises((OSError, BadInput)):
                save_study(store, "s", asked, rows)
        else:
            with pytest.raises(BadInput, match=path.name):
                load_study(store, "s")
        path.unlink()
        path.write_bytes(kept)
    (store.root / "index.csv").unlink(missing_ok=True)
    (store.root / "index.csv").symlink_to(secret)
    assert store.states() == {ID: "ok"}
    (store.root / "attempts" / ID[:2]).mkdir()
    (store.root / "attempts" / ID[:2] / ID).symlink_to(tmp_path)
    with pytest.raises(BadInput, match="symbolic link"):
        store.attempt(ID)
    (store.root / "models").mkdir()
    (store.root / "models" / f"{ID}.safetensors").symlink_to(secret)
    data = ["--data", "digits", "--results", str(store.root)]
    assert call(["evaluate", ID, *data]) == 2
    assert "symbolic link" in capsys.readouterr().err
    assert secret.read_text() == "mine"


NO_IDS = (
    "../../etc/passwd", "", "A" * 16, "0" * 15, "0" * 65, "0" * 16 + "\n", "0" * 16 + "/x",
    "٠" * 16, "0" * 15 + "\x00",
)  # fmt: skip


@pytest.mark.parametrize("id", NO_IDS)
def test_an_id_that_is_none_names_no_file(tmp_path: Path, id: str) -> None:
    store = Store(tmp_path / "results")
    for use in (store.read, store.remove, store.attempt, store.path, store.claims.take):
        with pytest.raises(BadInput, match="not a run id"):
            use(id)


@pytest.mark.parametrize(
    "name", ["../x", "..", "/etc", "a/b", "a\x00b", "a\nb", "-x", ".x", "ü", ""]
)
def test_a_study_name_that_is_a_path_is_refused(tmp_path: Path, capsys: Any, name: str) -> None:
    store = Store(tmp_path / "results")
    store.commit(a_record())
    results = ["--results", str(store.root)]
    with pytest.raises(BadInput):
        save_study(store, name, StudyToml(task="digits", grid="full", factors=()), [])
    export = ["export", name, "-o", str(tmp_path / "x.csv")]
    for line in (["status", name], ["report", name], export, ["run", "--dry-run", "--name", name]):
        code = call([*line, *results])
        said = capsys.readouterr().err
        assert code == 2 or (name == "" and line[0] == "run"), line
        assert said.count("\n") == (code == 2)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["results"]


@pytest.mark.parametrize(("file", "times"), [("epochs.csv.gz", 50), ("records.jsonl.gz", 500)])
def test_a_gzip_bomb_is_refused_not_eaten(tmp_path: Path, file: str, times: int) -> None:
    """1 GB of zeros in 1 MB, and 10 GB in 10 MB."""
    shutil.copytree(GOLDEN / "export", tmp_path / "out")
    (tmp_path / "out" / "SHA256SUMS").unlink()
    member = gzip.compress(bytes(20_000_000), compresslevel=9)
    (tmp_path / "out" / file).write_bytes(member * times)
    with pytest.raises(BadInput, match=r"unpacks to more than .* bytes") as caught:
        read_export(tmp_path / "out")
    assert "\n" not in str(caught.value)


def png(width: int, height: int) -> bytes:
    """A picture of one colour that is small on the disk."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    line = b"\0" + bytes(-(-width // 8))
    packed = zlib.compress(line * height, 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    )


def test_a_picture_of_too_many_pixels_is_refused(tmp_path: Path) -> None:
    from tests.images.checking import check

    bomb = tmp_path / "bomb.png"
    bomb.write_bytes(png(20_000, 20_000))
    assert bomb.stat().st_size < 1_000_000
    with pytest.raises(BadInput, match=r"bomb\.png.*decompression bomb"):
        check([bomb])


def test_a_file_that_is_a_pipe_or_a_device_does_not_hang(tmp_path: Path) -> None:
    import os

    store = Store(tmp_path / "results")
    for make in (lambda path: os.mkfifo(path), lambda path: path.symlink_to("/dev/zero")):
        store.path(ID).parent.mkdir(exist_ok=True)
        make(store.path(ID))
        assert store.read(ID) is None
    assert store.commit(a_record())
    with store.path(ID).open("r+b") as file:
        file.truncate(2 << 30)  # takes no room
    assert store.states() == {}
    assert store.commit(a_record())


def started(folder: Path, preload: str) -> subprocess.CompletedProcess[str]:
    """The command line in `folder`, which only starts the process of a training."""
    tool = folder / "bin" / "tool.py"
    tool.parent.mkdir()
    tool.write_text(
        "from runner import cli\n"
        "from runner.execution.engines import fork_server\n"
        "def call(arguments):\n"
        f"    fork_server.warm_up([{preload!r}])\n"
        "    fork_server.start(print)[0].join()\n"
        "    return 0\n"
        "cli.call = call\n"
        "if __name__ == '__main__': cli.main()\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONSAFEPATH"}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(folder / "library")])
    return subprocess.run(
        [sys.executable, str(tool)], cwd=folder, env=environment, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip


def test_a_python_file_in_the_current_folder_is_not_imported(tmp_path: Path) -> None:
    (tmp_path / "shadow.py").write_text("open('imported', 'w')")
    done = started(tmp_path, "shadow")
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "imported").exists()


def test_processes_that_cannot_be_started_are_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "broken.py").write_text("raise RuntimeError('as it begins')")
    done = started(tmp_path, "broken")
    assert "RuntimeError: as it begins" in done.stderr
    assert "BadInput: no training process can be started" in done.stderr
