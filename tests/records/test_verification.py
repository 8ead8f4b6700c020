"""doctor DIR: reports problems in a folder of results, and repairs them without losing a record."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runner.cli import call
from runner.records import atomic_write, checkpoints
from runner.records.export import write_export
from runner.records.store import Store
from tests.records.damage import a_record
from tests.records.doctored import IDS, content, doctor


def test_a_healthy_store_has_no_problems(store: Store, capsys: Any) -> None:
    code, found = doctor(store.root, capsys)
    assert code == 0
    assert found["healthy"]
    assert found["problems"] == []
    assert found["counts"]["records"] == found["counts"]["ok"] == 5
    assert [note["what"] for note in found["notes"]] == ["1 of its 6 runs without a record"]


def damage(store: Store, kind: str) -> str:
    """Damage one file. Returns its path."""
    root, first = store.root, store.path(IDS[0])
    match kind:
        case "damaged":
            first.write_bytes(first.read_bytes()[:-5])
        case "damaged folder":
            first.unlink()
            first.mkdir()
        case "damaged pipe":
            first.unlink()
            os.mkfifo(first)
        case "damaged name":
            first.write_bytes(store.path(IDS[1]).read_bytes())
        case "duplicate":
            first.with_name(f"{IDS[0]} (copy).json").write_bytes(first.read_bytes())
            return f"runs/00/{IDS[0]} (copy).json"
        case "duplicate other":
            other = Store(root.parent / "other")
            other.commit(a_record(IDS[0], seed=99))
            first.with_suffix(".json.orig").write_bytes(other.path(IDS[0]).read_bytes())
            return f"runs/00/{IDS[0]}.json.orig"
        case "misplaced":
            (root / "runs" / "99").mkdir()
            first.rename(root / "runs" / "99" / first.name)
            return f"runs/99/{first.name}"
        case "foreign":
            (root / "runs" / "00" / "runner.py").write_text("raise SystemExit")
            return "runs/00/runner.py"
        case "foreign claim":
            (root / "claims" / "ab").mkdir()
            (root / "claims" / "ab" / "note.txt").write_text("x")
            return "claims/ab/note.txt"
        case "symlink":
            (root / "runs" / "ff").symlink_to("/etc")
            return "runs/ff"
        case "symlink record":
            first.rename(root.parent / "record")
            first.symlink_to(root.parent / "record")
        case "symlink model":
            (root / "models").mkdir()
            (root / "models" / f"{IDS[0]}.safetensors").symlink_to("/etc/passwd")
            return f"models/{IDS[0]}.safetensors"
        case "symlink study":
            (root / "studies" / "t").symlink_to(root / "studies" / "s")
            return "studies/t"
        case "symlink references" | "symlink environments":
            (root / kind.split()[1]).symlink_to("/etc")
            return kind.split()[1]
        case "symlink example":
            (root / "examples").mkdir()
            (root / "examples" / "link").symlink_to("/etc")
            return "examples/link"
        case "torn":
            left = root / "runs" / "00" / f".{IDS[0]}.json.0a{atomic_write.TEMPORARY}"
            left.write_bytes(b"{")
            os.utime(left, (1, 1))
            return str(left.relative_to(root))
        case "index":
            (root / "index.csv").write_bytes((root / "index.csv").read_bytes()[:-9])
            return "index.csv"
        case "index lies":
            from runner.records import index

            held = index.read(root / "index.csv")
            held["accuracy"][held["id"].index(IDS[1])] = 12.5
            index.save(root / "index.csv", held)
            return "index.csv"
        case "study":
            file = root / "studies" / "s" / "study.toml"
            file.write_bytes(file.read_bytes()[:-40])
            return "studies/s"
        case "study runs":
            file = root / "studies" / "s" / "runs.csv"
            file.write_bytes(file.read_bytes().replace(b"off", b"on", 1))
            return "studies/s"
        case "store":
            (root / "FORMAT").write_text("")
            return "FORMAT"
        case "damaged model":
            (root / "models").mkdir()
            (root / "models" / f"{IDS[0]}.safetensors").write_bytes(b"\x05\0\0\0\0\0\0\0{}")
            return f"models/{IDS[0]}.safetensors"
        case "damaged checkpoint":
            file = checkpoints.path_of(root, IDS[5])
            with checkpoints.writing(file, {"id": IDS[5]}) as out:
                out.write(b"weights")
            file.write_bytes(file.read_bytes()[:-1])
            return str(file.relative_to(root))
    return str(first.relative_to(root))


BROKEN = [
    "damaged", "damaged folder", "damaged pipe", "damaged name", "duplicate", "duplicate other",
    "misplaced", "foreign", "foreign claim", "symlink", "symlink record", "symlink model",
    "symlink study", "symlink references", "symlink environments", "symlink example",
    "torn", "index", "index lies", "study", "study runs", "store",
    "damaged model", "damaged checkpoint",
]  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_broken_is_found_then_mended_and_no_record_is_lost(
    store: Store, capsys: Any, kind: str
) -> None:
    whole = {path.read_bytes() for path in (store.root / "runs").glob("*/*.json")}
    where = damage(store, kind)
    before = content(store.root)
    code, found = doctor(store.root, capsys)
    assert code == 1
    assert not found["healthy"]
    assert content(store.root) == before  # it only looked
    told = found["problems"]
    assert [(p["kind"], p["path"]) for p in told] == [(kind.split()[0], where)]
    assert all(p["what"] and p["repair"] and p["repaired"] is None for p in told)

    code, found = doctor(store.root, capsys, "--repair")
    assert code == 0, found
    assert [p["repaired"] for p in found["problems"]] == [True]
    code, found = doctor(store.root, capsys)
    assert (code, found["problems"]) == (0, [])
    after = set(content(store.root).values())
    gone = {data for data in whole if data not in after}
    destroyed = {"damaged", "damaged folder", "damaged pipe", "damaged name", "symlink record"}
    assert len(gone) == (kind in destroyed)
    opened = Store(store.root, create=False)
    assert set(opened.states()) == set(IDS[kind in destroyed : 5])
    assert all(row["accuracy"] == 91.5 for row in opened.rows().values())


def test_what_is_only_left_over_is_counted_not_a_problem(store: Store, capsys: Any) -> None:
    root = store.root
    for name in ("README.md", "tricks.py"):
        (root / name).write_text("x")
    store.commit(a_record("ab" * 8))  # no study names it
    store.attempt("cd" * 8)
    store.commit({**a_record("ef" * 8), "state": "infra"})  # it goes on from its checkpoint
    for id in (IDS[0], "ef" * 8):
        with checkpoints.writing(checkpoints.path_of(root, id), {"id": id}) as out:
            out.write(b"weights")
    (root / "runs" / "00" / f".young{atomic_write.TEMPORARY}").write_text("x")
    child = os.fork()
    if child == 0:
        store.claims.take(IDS[5])
        os._exit(0)
    os.waitpid(child, 0)
    mine = store.claims.take(IDS[4])
    code, found = doctor(root, capsys)
    assert code == 0
    notes = {(note["kind"], note["path"]): note["what"] for note in found["notes"]}
    assert notes[("orphan", "runs")].startswith("2 records")
    assert notes[("orphan", "attempts")].startswith("attempts of 1 run without")
    assert notes[("unused", "attempts")].startswith("1 checkpoint of")
    assert ("foreign", "tricks.py") in notes
    assert ("foreign", "README.md") not in notes
    assert ("torn", f"runs/00/.young{atomic_write.TEMPORARY}") in notes
    assert notes[("claim", f"claims/05/{IDS[5]}.0")] == "its owner is gone"
    assert notes[("claim", f"claims/04/{IDS[4]}.0")] == "a process is working on it"
    assert doctor(root, capsys, "--repair")[0] == 0
    assert store.claims.generations(IDS[5]) == []
    assert mine is not None
    assert mine.valid()
    assert (root / "tricks.py").exists()


def test_an_export_is_checked_too(store: Store, capsys: Any, tmp_path: Path) -> None:
    from runner.records.studies import load_study

    folder = tmp_path / "out"
    write_export(store, load_study(store), folder)
    code, found = doctor(folder, capsys)
    assert (code, found["kind"], found["counts"]["records"]) == (0, "export", 5)
    assert not found["notes"]
    (folder / "SHA256SUMS").rename(tmp_path / "sums")
    code, found = doctor(folder, capsys)
    assert code == 0
    assert "no SHA256SUMS" in found["notes"][0]["what"]
    (tmp_path / "sums").rename(folder / "SHA256SUMS")
    data = (folder / "runs.csv").read_bytes()
    (folder / "runs.csv").write_bytes(data.replace(b"91.5", b"99.5", 1))
    code, found = doctor(folder, capsys)
    assert code == 1
    assert found["problems"][0]["what"].startswith("runs.csv has changed since it was exported")
    for command in (["analyze", str(folder)], ["report", str(folder), "--out", str(tmp_path)]):
        assert call(command) == 2
        told = capsys.readouterr().err
        assert "its checksum does not match" in told
        assert told.count("\n") == 1


def test_the_studies_of_this_repository_are_whole(capsys: Any) -> None:
    """In digits-tuned, stages share runs: a run that has two rows has one record."""
    recorded = Path(__file__).parents[2] / "results" / "ten-epochs"
    code, found = doctor(recorded, capsys)
    assert (code, found["problems"], found["notes"]) == (0, [], [])
    assert found["counts"]["exports"] == sum(path.is_dir() for path in recorded.iterdir())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("nowhere", "there is no such folder"),
        ("a.csv", "it is a file: give the folder"),
        (".", "has no results"),
        ("--repair", "--repair needs the folder"),
    ],
)
def test_a_folder_of_something_else_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, arguments: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.csv").touch()
    assert call(["doctor", *arguments.split()]) == 2
    assert said in capsys.readouterr().err


def test_a_newer_store_is_left_alone(store: Store, capsys: Any) -> None:
    (store.root / "FORMAT").write_text("tricks-bench store, schema 99\n")
    assert call(["doctor", str(store.root), "--repair"]) == 2
    assert "upgrade tricks-bench" in capsys.readouterr().err


def test_it_needs_neither_torch_nor_pandas(store: Store, tmp_path: Path) -> None:
    code = (
        "import sys; from runner.cli import call; assert call(['doctor', 'results']) == 0; "
        "assert not {'torch', 'timm', 'pandas'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "no problems" in done.stdout
