"""Image files in arrays behave like tuples of paths."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from runner.images.file_list import NONE, ImageFile, ImageFiles
from runner.images.listed import Listed
from runner.images.rows import Piece, Rows, Words
from runner.images.threads import AHEAD, mapped

# Names of which some sort otherwise as text with slashes, and bytes that are no UTF-8.
NAMES = st.one_of(
    st.sampled_from(["a", "a.b", "a!", "b", "\udcff", "\U0001f600", "é"]),
    st.text(st.characters(exclude_characters="/\0", exclude_categories=("Cs",)), min_size=1).filter(
        lambda name: name not in (".", "..") and len(os.fsencode(name)) < 200
    ),
)
FILE = st.builds(
    lambda names, size, changed, key: ImageFile(Path("/data", *names), size, changed, key),
    st.lists(NAMES, min_size=1, max_size=3), st.integers(0, 2**50), st.integers(-(2**60), 2**60),
    st.tuples(st.integers(0, 2**63), st.integers(0, 2**64 - 1)),
)  # fmt: skip


@given(st.lists(FILE, max_size=12, unique_by=lambda file: file.path))
def test_files_come_back_and_sort_as_their_paths(files):
    held = ImageFiles.of(files)
    assert list(held) == files
    assert list(held.ordered()) == sorted(files)
    assert held.paths == [file.path for file in files]
    assert list(held[1:3]) == files[1:3]
    assert held.column("size").tolist() == [file.size for file in files]
    mask = np.arange(len(files)) % 2 == 0
    assert list(held.take(mask)) == files[::2]


@given(st.lists(st.lists(FILE, max_size=4), max_size=4))
def test_parts_are_joined_in_turn(parts):
    tables = [ImageFiles.of(part) for part in parts]
    assert list(ImageFiles.joined(tables)) == [file for part in parts for file in part]
    one = ImageFiles.of(file for part in parts for file in part)
    views = [NONE, one[::2], one[1::2]]
    assert list(ImageFiles.joined(views)) == [*list(one)[::2], *list(one)[1::2]]


@given(st.lists(st.sampled_from(["b", "a", "", "c"])))
def test_words_are_counted_in_the_order_in_which_they_come(words):
    held = Words.of(words)
    assert [held[i] for i in range(len(words))] == words
    assert held.counts() == {word: words.count(word) for word in dict.fromkeys(words)}
    assert held.among("a", "").tolist() == [word in ("a", "") for word in words]


@given(st.lists(st.integers(0, 5), min_size=1))
def test_the_first_copy_of_each(contents):
    files = [ImageFile(Path("/d", str(i)), 1, 1, (1, i + 1)) for i in range(len(contents))]
    found = Listed(Path("/d"), Rows.joined([Piece(ImageFiles.of(files), "a", "")]))
    found.__dict__["digests"] = np.array([f"{c:032x}" for c in contents], "S32")
    assert found.first_copy.tolist() == [contents.index(c) for c in contents]


def test_threads_take_a_bounded_number_ahead():
    from runner.execution.machine import cores

    taken = []
    items = (taken.append(i) or i for i in range(10_000))
    found = mapped(lambda i: i * i, items)
    assert [next(found) for _ in range(3)] == [0, 1, 4]
    assert len(taken) <= AHEAD * cores() + 3
    assert list(found) == [i * i for i in range(3, 10_000)]
