"""The store: each record is written once, completely or not at all, and verified when read."""

from __future__ import annotations

import errno
import json
import math
import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.records import atomic_write, index
from runner.records.record import Damaged, row, seal, unseal
from runner.records.store import Store
from tricks.errors import BadInput

ID = "0123456789abcdef"


def a_record(id: str = ID, **fields: Any) -> dict[str, Any]:
    """A record with a few of its fields."""
    return {"id": id, "state": "ok", "seed": 1, "test_accuracy": 91.5, "test_images": 8, **fields}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(values)
def test_a_sealed_record_reads_back_with_nan_as_null(value: Any) -> None:
    back = unseal(seal(a_record(extra=value)), ID)
    assert back["test_accuracy"] == 91.5
    if isinstance(value, float) and not math.isfinite(value):
        assert back["extra"] is None
    elif not isinstance(value, (list, dict, float)):
        assert back["extra"] == value


@given(st.data())
def test_any_flipped_byte_and_any_cut_is_noticed(data: st.DataObject) -> None:
    sealed = seal(a_record())
    place = data.draw(st.integers(0, len(sealed) - 1))
    flipped = bytearray(sealed)
    flipped[place] ^= 1 << data.draw(st.integers(0, 7))
    for damaged in (bytes(flipped), sealed[:place]):
        with pytest.raises(Damaged):
            unseal(damaged, ID)


def test_a_record_under_another_name_is_damaged() -> None:
    with pytest.raises(Damaged, match="it is the record of"):
        unseal(seal(a_record()), "f" * 16)


def test_commit_is_create_if_absent(store: Store) -> None:
    assert store.commit(a_record(test_accuracy=90.0))
    assert not store.commit(a_record(test_accuracy=10.0))
    record = store.read(ID)
    assert record is not None
    assert record["test_accuracy"] == 90.0
    assert store.ids() == {ID}
    assert not list(store.root.rglob(f"*{atomic_write.TEMPORARY}"))


def test_commit_without_hard_links(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(*_: Any) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", link)
    assert store.commit(a_record())
    assert not store.commit(a_record(test_accuracy=10.0))
    assert store.state(ID) == "ok"
    assert not list(store.root.rglob(f"*{atomic_write.TEMPORARY}"))


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "other", "link", "folder"])
def test_a_damaged_record_is_quarantined_and_its_run_is_open_again(
    store: Store, damage: str
) -> None:
    store.commit(a_record())
    other = "f" * 16
    store.commit(a_record(other))
    store.rows()  # the index knows the whole record
    path = store.path(ID)
    data = path.read_bytes()
    path.unlink()
    if damage == "flip":
        path.write_bytes(data.replace(b"91.5", b"99.5"))
    elif damage == "cut":
        path.write_bytes(data[:-30])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "other":
        path.write_bytes(store.path(other).read_bytes())
    elif damage == "link":
        path.symlink_to(store.path(other))
    else:
        path.mkdir()
    assert store.states() == {other: "ok"}
    assert store.read(ID) is None
    assert store.ids() == {other}
    assert len(list((store.root / "quarantine").iterdir())) == 1
    assert store.commit(a_record())
    assert store.states() == {ID: "ok", other: "ok"}


def test_the_index_gives_what_the_records_give(store: Store) -> None:
    ids = [f"{n:016x}" for n in range(20)]
    for n, id in enumerate(ids):
        seconds = {"train": n / 3, "total": None}
        store.commit(a_record(id, seconds=seconds, device="a,b\n\"c'", correct="/w=="))
    fresh = store.rows()
    assert (store.root / "index.csv").is_file()
    assert store.rows() == fresh == {id: row(store.read(id) or {}) for id in ids}
    assert store.rows(ids[:3]) == {id: fresh[id] for id in ids[:3]}


@pytest.mark.parametrize("damage", ["flip", "cut", "gone", "header", "binary"])
def test_a_damaged_index_is_built_again(store: Store, damage: str) -> None:
    store.commit(a_record())
    before = store.rows()
    path = store.root / "index.csv"
    data = path.read_bytes()
    path.write_bytes(
        {
            "flip": data.replace(b"91.5", b"99.5"),
            "cut": data[:-5],
            "gone": b"",
            "header": data.replace(b"accuracy", b"accuracies"),
            "binary": b"\xff\x00" * 50,
        }[damage]
    )
    assert store.rows() == before
    assert index.load(path).keys() == {ID}


def test_an_index_row_without_its_record_counts_for_nothing(store: Store) -> None:
    store.commit(a_record())
    store.rows()
    store.path(ID).unlink()
    assert store.states() == {}
    assert index.load(store.root / "index.csv") == {}


def test_large_test_sets_keep_their_bits_out_of_the_index(store: Store) -> None:
    store.commit(a_record(test_images=10_000, correct="/w/w"))
    store.rows()
    assert b"/w/w" not in (store.root / "index.csv").read_bytes()


@pytest.mark.parametrize("id", ["../../etc/passwd", "", "0" * 15, "0" * 65, "A" * 16, ID + "\n"])
def test_ids_stay_inside_the_folder(store: Store, id: str) -> None:
    for use in (store.read, store.remove, store.attempt, store.path, store.claims.take):
        with pytest.raises(BadInput, match="not a run id"):
            use(id)  # type: ignore[operator]
    with pytest.raises(BadInput, match="not a run id"):
        store.commit(a_record(id))


def test_a_store_of_a_newer_schema_is_refused(store: Store) -> None:
    (store.root / "FORMAT").write_text("tricks-bench store, schema 99\n")
    for create in (True, False):
        with pytest.raises(BadInput, match=r"schema 99.*upgrade"):
            Store(store.root, create)


def test_a_record_of_a_newer_schema_is_refused_not_removed(store: Store) -> None:
    store.commit({**a_record(), "schema": 99})
    with pytest.raises(BadInput, match="schema 99"):
        store.read(ID)
    assert store.ids() == {ID}


def test_a_missing_store_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no store at .*run `tricks-bench run` first"):
        Store(tmp_path / "nothing", create=False)
    assert not (tmp_path / "nothing").exists()


def test_a_folder_of_something_else_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "FORMAT").write_text("zip")
    with pytest.raises(BadInput, match="not a store's FORMAT"):
        Store(tmp_path)


def test_a_store_that_cannot_be_written_to_says_so_in_one_line(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("x")
    with pytest.raises(BadInput, match=r"cannot use .*file as a store: .*--results") as caught:
        Store(in_the_way)
    assert "\n" not in str(caught.value)
    store = Store(tmp_path / "results")
    (store.root / "claims").rmdir()
    (store.root / "claims").write_text("x")
    with pytest.raises(BadInput, match="cannot use"):
        Store(store.root)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to a read-only folder")
def test_a_read_only_store_can_be_read_but_not_run(store: Store) -> None:
    store.commit(a_record())
    folders = [store.root, *(p for p in store.root.rglob("*") if p.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        with pytest.raises(BadInput, match="cannot use"):
            Store(store.root)
        assert Store(store.root, create=False).states() == {ID: "ok"}
    finally:
        for folder in folders:
            folder.chmod(0o755)


def test_a_symbolic_link_for_a_folder_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path / "results")
    (store.root / "runs").rmdir()
    (tmp_path / "elsewhere").mkdir()
    (store.root / "runs").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadInput, match="symbolic link"):
        Store(store.root)


def test_removing_opens_the_run_and_keeps_the_record(store: Store) -> None:
    store.commit(a_record(state="failed"))
    assert store.remove(ID)
    assert not store.remove(ID)
    assert store.state(ID) is None
    kept = list((store.root / "quarantine").iterdir())
    assert [json.loads(path.read_bytes())["state"] for path in kept] == ["failed"]


def test_attempts_are_numbered_on(store: Store) -> None:
    assert [store.attempt(ID).name for _ in range(3)] == ["1", "2", "3"]


def test_a_disk_that_is_full_leaves_the_store_as_it_was(store: Store) -> None:
    """RLIMIT_FSIZE is a small disk: a child commits one record that fits and one that does not."""
    pid = os.fork()
    if pid == 0:
        import resource
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))
        store.commit(a_record())
        try:
            store.commit(a_record("f" * 16, log="x" * 10_000))
        except OSError:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    assert store.states() == {ID: "ok"}
    assert not list(store.root.rglob(f"*{atomic_write.TEMPORARY}"))


@pytest.mark.parametrize(
    "place",
    ["index.csv", f"runs/01/{ID}.json", f"claims/01/{ID}.0", f"attempts/01/{ID}/checkpoint",
     "studies/mine/study.toml", "models/one.safetensors"],
)  # fmt: skip
def test_what_killed_writers_left_is_swept_after_a_day(store: Store, place: str) -> None:
    old, new = (atomic_write._temporary(store.root / place, b"half", sync=False) for _ in range(2))
    os.utime(old, (time.time() - 90_000,) * 2)
    store.sweep()
    assert (old.exists(), new.exists()) == (False, True)
