"""The revision of the code in a record: read without a lock of git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from runner.training.outcome import revision_of


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    command = ["git", *who, *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


def test_a_revision_has_a_plus_where_tracked_files_differ(tmp_path: Path) -> None:
    assert revision_of(tmp_path) is None
    git(tmp_path, "init", "-q")
    assert revision_of(tmp_path) is None, "nothing is committed yet"
    file = tmp_path / "file"
    file.write_text("one")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-qm", "one")
    head = git(tmp_path, "rev-parse", "HEAD").strip()
    (tmp_path / "other").write_text("not tracked")
    assert revision_of(tmp_path) == head[:12]
    file.write_text("two")
    assert revision_of(tmp_path) == head[:12] + "+"


def test_reading_it_leaves_the_index_as_it_is(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "file").write_text("one")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-qm", "one")
    index = tmp_path / ".git" / "index"
    os.utime(tmp_path / "file", (1, 1))  # git would write the file's new time into its index
    before = index.read_bytes()
    assert revision_of(tmp_path)
    assert index.read_bytes() == before
    git(tmp_path, "describe", "--always", "--dirty")
    assert index.read_bytes() != before, "this command would have shown a write"
