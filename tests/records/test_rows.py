"""Rows stored by column equal the rows, and plain CSV is read as by a CSV reader."""

from __future__ import annotations

import contextlib
import csv
import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.records.rows import Rows, column, uncollected
from runner.records.study_files import _cells, _plain_cells

ROWS = [{"id": "a", "seed": 1}, {"id": "b", "seed": 2}, {"id": "c", "seed": 3}]


def test_rows_by_column_are_the_rows():
    rows = Rows({"id": ["a", "b", "c"], "seed": [1, 2, 3]})
    assert list(rows) == ROWS
    assert rows == ROWS
    assert rows[1:] == ROWS[1:]
    assert rows[-1] == ROWS[-1]
    assert len(rows) == 3
    assert rows != ROWS[:2]
    assert rows != Rows({"id": ["a", "b", "c"], "seed": [1, 2, 4]})
    assert list(column(rows, "seed")) == list(column(ROWS, "seed")) == [1, 2, 3]
    with pytest.raises(IndexError):
        rows[3]
    assert list(Rows({})) == list(Rows({"id": []})) == []


@given(st.text('ab,"\n\r\u2028 ', max_size=30))
def test_plain_cells_are_those_of_a_csv_reader(body):
    text = "id,seed,a,b\n" + body
    found = _plain_cells(text)
    if found is not None:
        assert [*map(list, found.values())] == [*map(list, _cells(text).values())]


CELL = st.text("ab-. ", min_size=1)


@given(st.lists(st.tuples(CELL, st.text("019", min_size=1), CELL, CELL), min_size=1))
def test_plain_cells_reads_what_has_no_quotes(lines):
    text = "id,seed,a,b\n" + "".join(",".join(line) + "\n" for line in lines)
    found = _plain_cells(text)
    assert found is not None
    assert list(found) == ["id", "seed", "a", "b"]
    assert list(zip(*found.values(), strict=True)) == lines


def test_ragged_lines_are_for_the_csv_reader_which_refuses_them():
    for text in ("id,seed,a\na,1,2\nb\nc,2,3\n", "id,seed,a\na,1,2\nb,1,2,3\n"):
        assert _plain_cells(text) is None
        with pytest.raises((ValueError, csv.Error)):
            _cells(text)


def test_garbage_is_collected_again_afterwards_whatever_happens():
    assert gc.isenabled()
    with contextlib.suppress(KeyError), uncollected():
        assert not gc.isenabled()
        raise KeyError
    assert gc.isenabled()
