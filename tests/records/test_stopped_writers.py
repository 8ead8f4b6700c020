"""What happens to files: writers stopped at every call, bytes flipped, disks full."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from runner.records.store import Store
from runner.records.studies import load_study
from tests.records import damage, fault_points
from tests.records.damage import ID, a_record

PROGRAM = [sys.executable, "-c", "from runner.cli import main; main()"]


@pytest.mark.parametrize("part", ["commit", "commit without links"])
def test_a_commit_stopped_anywhere_is_the_old_state_or_the_new(part: str) -> None:
    found = fault_points.stopped(part)
    assert found["old"] + found["new"] == found["points"]
    assert found["points"] > 4 * 25
    assert found["killed"] > 2 * 25
    assert found["old"]
    assert found["new"]
    assert found["torn"] == found["lost"] == 0


def test_a_study_killed_anywhere_is_the_old_one_or_the_new() -> None:
    found = fault_points.stopped("study", ("kill", "full"))
    assert found["old"] + found["new"] == found["points"] > 100
    assert found["old"]
    assert found["new"]
    assert found["lost"] == 0


@pytest.mark.slow
def test_an_export_stopped_anywhere_is_old_or_new_or_refused() -> None:
    found = fault_points.stopped("export", ("kill",))
    assert found["old"] + found["new"] + found["refused"] == found["points"] > 100
    assert found["refused"] < 20  # only between the files
    assert found["lost"] == 0


def test_each_bit_of_a_record_and_each_tail_is_noticed() -> None:
    found = damage.of_a_record()
    assert found["flipped"] == 8 * found["bytes"] > 3_000
    assert found["cut"] == found["bytes"]
    assert found["missed"] == 0


def test_damaged_records_are_quarantined_and_open_again(tmp_path: Path) -> None:
    found = damage.of_stored_records(tmp_path / "results", every=9)
    assert found["quarantined"] == found["flipped"] + found["cut"] > 100
    assert found["missed"] == found["lost"] == 0


def test_a_damaged_index_is_never_believed(tmp_path: Path) -> None:
    found = damage.of_an_index(tmp_path / "results", every=31)
    assert found["flipped"] > 80
    assert found["missed"] == 0


def test_a_damaged_study_is_refused(tmp_path: Path) -> None:
    for name, found in damage.of_a_study(tmp_path / "results", every=3).items():
        assert found["flipped"] > 25, name
        assert found["missed"] == 0, name


def limited(arguments: list[str], size: int, where: Path) -> subprocess.CompletedProcess[str]:
    """The command line on a disk on which no file can be larger than `size` bytes."""
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))"
    line = [sys.executable, "-c", f"{limit}; from runner.cli import main; main()", *arguments]
    return subprocess.run(line, cwd=where, capture_output=True, text=True, check=False)


def a_study(place: Path) -> Store:
    """The study of the golden folder, as a store in `place`/results."""
    golden = Path(__file__).parent / "golden" / "schema-1" / "results"
    shutil.copytree(golden, place / "results")
    return Store(place / "results")


def files(folder: Path) -> dict[str, bytes]:
    """Path -> content of all files under `folder`."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("command", ["report", "export -o out", "export -o out/runs.csv"])
def test_a_full_disk_is_told_and_leaves_what_was_there(tmp_path: Path, command: str) -> None:
    a_study(tmp_path)
    before = tmp_path / "reports" / "golden" if command == "report" else tmp_path / "out"
    (before / "plots").mkdir(parents=True)
    for name in ("report.md", "effects.png", "runs.csv", "study.toml"):
        (before / name).write_text("what was there")
    held = files(tmp_path)
    done = limited(command.split(), 1_500, tmp_path)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("tricks-bench: ")
    assert done.stderr.count("\n") == 1, done.stderr
    assert "File too large" in done.stderr
    assert files(tmp_path) == held


@pytest.mark.slow
def test_a_full_disk_refuses_a_study_and_an_index_and_keeps_what_is_recorded(
    tmp_path: Path,
) -> None:
    a_study(tmp_path)
    (tmp_path / "results" / "index.csv").unlink(missing_ok=True)
    held = files(tmp_path)
    run = ["run", "--tricks", "warmup,cosine", "--name", "more", "--seeds", "30"]
    done = limited(run, 400, tmp_path)
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert "recorded runs are safe" in done.stderr
    done = limited(["status", "--json"], 400, tmp_path)  # no index can be written: no matter
    assert done.returncode == 0, done.stderr
    after = files(tmp_path)
    assert {name: after[name] for name in held} == held
    assert not [name for name in after if name.endswith(".tmp")]


def test_output_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    a_study(tmp_path)
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*PROGRAM, "status"], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 2
    assert done.stderr == "tricks-bench: cannot write the output: No space left on device\n"


def unprivileged() -> list[str]:
    """Makes root respect the permissions of files, like other users."""
    if os.geteuid():
        return []
    drop = "-dac_override,-dac_read_search"
    line = ["setpriv", f"--bounding-set={drop}", f"--inh-caps={drop}"]
    if not shutil.which("setpriv") or subprocess.run([*line, "true"], check=False).returncode:
        pytest.skip("root, and no setpriv")
    return line


@pytest.mark.slow
def test_a_read_only_folder_can_be_read_and_says_so_to_who_writes(tmp_path: Path) -> None:
    store = a_study(tmp_path)
    damaged = next(iter(store.ids()))
    store.path(damaged).write_bytes(b"x")
    folders = [tmp_path, *(p for p in tmp_path.rglob("*") if p.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        for command, code, said in (
            ("status", 0, "runs planned"),
            ("analyze", 0, "effects"),
            ("doctor results", 1, "its tail is cut"),
            ("doctor results --repair", 1, "not repaired: "),
            ("report", 2, "cannot write the report to reports/golden: Permission denied"),
            ("export -o out", 2, "Permission denied"),
            ("run --tricks warmup", 2, "cannot use results as a store: "),
        ):
            done = subprocess.run(
                [*unprivileged(), *PROGRAM, *command.split()],
                cwd=tmp_path, capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == code, (command, done)
            assert said in done.stdout + done.stderr, (command, done)
            assert "Traceback" not in done.stderr
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert load_study(store).name == "golden"
    assert store.read(damaged) is None


def test_a_record_that_took_the_place_of_a_torn_one_is_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without hard links a reader may see the empty file just before a writer replaces it."""
    store = Store(tmp_path / "results")
    path = store.path(ID)
    path.parent.mkdir(parents=True)
    path.touch()
    rename = os.rename

    def late(*arguments: object) -> None:
        monkeypatch.setattr(os, "rename", rename)
        path.unlink()
        assert store.commit(a_record())
        rename(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "rename", late)
    record = store.read(ID)
    assert record is not None
    assert record["test_accuracy"] == 91.5
    assert store.states() == {ID: "ok"}
