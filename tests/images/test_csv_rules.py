"""CSVs of images, as strict as pandas: cells, lines, labels, splits, images named twice."""

from __future__ import annotations

import pytest
from PIL import Image

from runner.images.csv_rows import read_table
from runner.images.summary import summary_json, summary_lines
from runner.images.tables import labelled, read_csv
from runner.tasks.csv_name import file_and_column
from runner.tasks.registry import find, placed
from tricks import BadInput


@pytest.fixture
def listed(tmp_path):
    """Writes a CSV beside eight images, 0.png to 7.png."""
    for i in range(8):
        Image.new("RGB", (2, 2), (i, 0, 0)).save(tmp_path / f"{i}.png")

    def write(text):
        (tmp_path / "t.csv").write_text(text)
        return tmp_path / "t.csv"

    return write


def table(labels, column="label", more=(), names=()):
    """Rows of 0.png on, with a label and further cells each."""
    head = ",".join(["path", column, *names])
    cells = [(f"{i}.png", label, *(m[i] for m in more)) for i, label in enumerate(labels)]
    return "\n".join([head, *(",".join(map(str, row)) for row in cells)]) + "\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("path,label\n0.png,cat, tabby\n", "line 2: 3 cells below 2 columns"),
        ("path,label\n0.png,cat,\n", "line 2: 3 cells below 2 columns"),
        ('path,label,note\n0.png,1,"two\nlines"\n\nno.png,2,x\n', "line 5: there is no image"),
        ("\n\npath,label\n\n0.png,a\n\n1.png,\n", "line 7: no label"),
        ('path,label\n0.png,"a\n', "line 2: cannot be read as a CSV"),
        ('path,label\n0.png,a\n1.png,"a"b\n', "line 3: cannot be read as a CSV"),
        ("path,label,label\n0.png,a,b\n", "two columns are called label"),
        ("path;label\n0.png;a\n", "separate columns by commas"),
        ("path,label\n,a\n", "line 2: no path"),
        ("path,label\n0.png\n", "line 2: no label"),
        (
            "path,label\n0.png,a\n./0.png,b\n",
            "line 3: the same image as .*line 2, but 'b' instead of",
        ),
        ("path,label,split\n0.png,a,\n", "line 2: unknown part ''"),
        ("path,label,set,split\n0.png,a,train,train\n1.png,b,train,test\n", "both be the split"),
        ("path,label,split,is_valid\n0.png,a,train,1\n1.png,b,train,0\n", "both be the split"),
        ("path,label,is_valid\n0.png,a,maybe\n", "is_valid is 'maybe'"),
        ("path,label\n0.png,a\0\n1.png,b\n", "line 2: a cell has a null byte"),
        ("path,label,is_train\n0.png,a,1\n1.png,b,0\n", "does not tell validation from test"),
        ("path,label,is_valid,is_test\n0.png,a,1,1\n", "do not tell the part"),
        ("path,label\n0.png,1\n1.png,1.0\n2.png,cat\n", "'1' and '1.0' differ only"),
        ("path,label\n0.png,0001\n1.png,1.0\n", "differ only in how a number"),
        ("path,label\n~0.png,a\n1.png,b\n", "line 2: there is no image .*~0.png"),
        ("path,label\n.,a\n1.png,b\n", "line 2: .* is not a file"),
        (f"path,label\n{'x' * 300}.png,a\n1.png,b\n", "cannot be read: File name too long"),
    ],
)
def test_a_mistake_is_refused_in_one_line(listed, text, said):
    with pytest.raises(BadInput, match=said) as caught:
        read_csv(listed(text))
    assert "\n" not in str(caught.value)


def test_excel_s_unicode_text_is_refused(tmp_path):
    (tmp_path / "t.csv").write_bytes("path,label\n0.png,a\n".encode("utf-16"))
    with pytest.raises(BadInput, match="save it as CSV UTF-8"):
        read_csv(tmp_path / "t.csv")


def test_rows_are_those_of_pandas(listed):
    pandas = pytest.importorskip("pandas")
    path = listed('\ufeffpath,label,note\n\n0.png,a,"x, y"\n1.png,b,"two\nlines"\n2.png,c\n\n')
    frame = pandas.read_csv(path, dtype=str, keep_default_na=False)
    found = read_table(path)
    assert list(found.columns) == list(frame.columns)
    assert [list(row) for row in found.rows] == frame.values.tolist()
    assert found.lines == (3, 4, 6)


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (["0", "0.0", "1", "1.0"], ["0", "1"]),
        (["1.0", "2.0", "10.0"], ["1", "10", "2"]),
        (["0001", "0002"], ["0001", "0002"]),
        (["1.5", "2.0"], ["1.5", "2.0"]),
        (["v1.0", "v2.0"], ["v1.0", "v2.0"]),
    ],
)
def test_labels_that_pandas_made_floats(listed, labels, classes):
    assert list(read_csv(listed(table(labels))).classes) == classes


@pytest.mark.parametrize(
    ("names", "cells", "parts"),
    [
        (["split"], ["train test valid dev"], "train test val val"),
        (["Split"], ["Training_Set TEST val Train"], "train test val train"),
        (["phase"], ["train test val train"], "train test val train"),
        (["Usage"], ["Training PrivateTest PublicTest Training"], "train test val train"),
        (["dataset"], ["train train train train"], "   "),  # of one part alone: something else
        (["is_valid"], ["False True false 0"], "train val train train"),
        (["is_valid", "is_test"], ["1 0 0 0", "0 1 0 0"], "val test train train"),
        (["IsTest"], ["yes no no no"], "test train train train"),
        (["fold", "split"], ["0 1 2 3", "train test test train"], "train test test train"),
        (["set", "split"], ["train test test train"] * 2, "train test test train"),
        (["test"], ["blood urine blood urine"], "   "),
        (["valid_from"], ["2001 2002 2003 2004"], "   "),
    ],
)
def test_the_split_is_understood(listed, names, cells, parts):
    path = listed(table("abab", more=[text.split() for text in cells], names=names))
    assert [row.part for row in read_csv(path).rows] == parts.split(" ")


def test_paths_written_on_windows_are_found(listed, tmp_path):
    (tmp_path / "img").mkdir()
    for i in range(4):
        (tmp_path / f"{i}.png").rename(tmp_path / "img" / f"{i}.png")
    path = listed("path,label\n" + "\n".join(f"img\\{i}.png,{'ab'[i % 2]}" for i in range(4)))
    assert [row.file.path.name for row in read_csv(path).rows] == [f"{i}.png" for i in range(4)]


def test_a_name_in_another_unicode_form_and_one_with_a_tilde_are_found(listed, tmp_path):
    for name in ("cafe\u0301.png", "~x.png"):
        Image.new("RGB", (2, 2), (len(name), 1, 1)).save(tmp_path / name)
    found = read_csv(listed("path,label\ncaf\u00e9.png,a\n~x.png,b\n"))
    assert [path.name for path in found.paths] == ["cafe\u0301.png", "~x.png"]


def test_one_class_in_two_unicode_forms_is_told(listed):
    [note] = read_csv(listed(table(["caf\u00e9", "cafe\u0301", "dog"]))).notes
    assert note.startswith(r"the classes 'cafe\u0301' and 'caf\xe9' are spelled alike")


@pytest.mark.parametrize("word", ["nan", "NaN", "None", "<NA>"])
def test_a_missing_value_that_became_a_class_is_told(listed, word):
    [note] = read_csv(listed(table(["cat", "dog", word, word]))).notes
    assert note.startswith(f"2 images of the class {word!r}: leave these images out")


def test_groups_in_two_parts_and_images_without_a_group_are_told(listed):
    animals, parts = ["x", "x", "y", "", ""], ["train", "test", "train", "train", "test"]
    more = {"more": (animals, parts), "names": ("animal", "split")}
    [note] = read_csv(listed(table("ababa", **more))).notes
    assert note.startswith(
        "1 of 2 values of animal are in more than one part, such as 'x' in train and in test"
    )
    [note] = read_csv(listed(table("ababa", more=(animals,), names=("animal",))), "animal").notes
    assert note == "2 images without animal: a split keeps them together"


def test_a_number_of_the_class_is_no_group(listed):
    more = {"more": ("12121", ["train", "train", "train", "test", "test"])}
    found = read_csv(listed(table("ababa", **more, names=("class_id", "split"))))
    assert (found.notes, found.offers) == ((), ())


def test_an_image_listed_twice_is_evaluated_once(listed):
    path = listed("path,label\n0.png,a\n1.png,b\n./0.png,a\n")
    texts, rows, passed = labelled(path, ["a", "b"])
    assert (texts, [row.label for row in rows]) == (["0.png", "1.png"], ["a", "b"])
    assert [item.why for item in passed] == ["the same image again"]
    with pytest.raises(BadInput, match=r"line 3: the same image as .*line 2, but 'b'"):
        labelled(listed("path,label\n0.png,a\n0.png,b\n"), ["a", "b"])


def test_numbers_that_are_written_in_two_ways_are_told(listed):
    notes = read_csv(listed("path,label\n0.png,01\n1.png,2\n2.png,1\n3.png,2\n")).notes
    assert notes == ("the classes '01' and '1' are spelled alike: are they two classes?",)


def test_a_number_sign_in_the_path(listed, tmp_path):
    text = table("ab" * 4, more=["ppqqrrss"], names=["place"])
    (tmp_path / "exp#1").mkdir()
    path = tmp_path / "exp#1" / "t#2.csv"
    path.write_text(text.replace("\n0", f"\n{tmp_path}/0"))
    for i in range(8):
        (path.parent / f"{i}.png").write_bytes((tmp_path / f"{i}.png").read_bytes())
    assert file_and_column(str(path)) == (str(path), "")
    assert file_and_column(f"{path}#place") == (str(path), "place")
    assert find(f"csv:{path}#place").identity(None)["group_by"] == "place"
    assert placed(f"csv:{path}#place", tmp_path / "n.csv") == (f"csv:{tmp_path}/n.csv#place", None)
    with pytest.raises(BadInput, match=r"exp#1/gone\.csv: cannot be read"):
        find(f"csv:{tmp_path}/exp#1/gone.csv").identity(None)


def test_an_image_listed_twice_counts_once(listed):
    found = read_csv(listed("path,label\n0.png,a\n1.png,b\n0.png,a\n"))
    assert found.classes == {"a": 1, "b": 1}
    assert [item.why for item in found.passed] == ["the same image again"]


@pytest.mark.parametrize(
    ("name", "offered"),
    [("animal", True), ("patient_id", True), ("cameraId", True), ("width", False), ("paid", False)],
)
def test_columns_that_images_share_are_offered_as_groups(listed, name, offered):
    path = listed(table("abababab", more=["11223344"], names=[name]))
    found = read_csv(path)
    assert found.offers == ((name,) if offered else ())
    lines = summary_lines(found, (0.15, 0.15))
    assert any(f"--group-by {name}" in line for line in lines) == offered
    assert summary_json(found)["group_by_offers"] == list(found.offers)
    grouped = read_csv(path, name)
    assert grouped.offers == ()
    assert any(f"4 groups by {name}" in line for line in summary_lines(grouped, (0.15, 0.15)))


def test_labels_as_a_column_of_0_and_1_for_each_class(listed):
    text = "id,filepath,cat,dog,owl,site\n" + "".join(
        f"{i},{i}.png,{int(i % 3 == 0)},{int(i % 3 == 1)}.0,{int(i % 3 == 2)},s{i // 2}\n"
        for i in range(8)
    )
    found = read_csv(listed(text))
    assert [row.label for row in found.rows] == [("cat", "dog", "owl")[i % 3] for i in range(8)]
    assert "labels are the names of columns that hold a 1: 3 from cat to owl" in found.notes
    assert "site" in found.offers
    grouped = read_csv(listed(text), "site")
    assert [row.group for row in grouped.rows] == [f"s{i // 2}" for i in range(8)]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("1.png,1,1,0", "line 3: cat and dog of cat, dog, night is 1, where one must be"),
        ("1.png,0,0,0", "line 3: no column of cat, dog, night is 1"),
    ],
)
def test_columns_of_0_and_1_that_are_no_classes(listed, row, said):
    with pytest.raises(BadInput, match=said):
        read_csv(listed(f"path,cat,dog,night\n0.png,1,0,0\n{row}\n"))


def test_one_column_of_0_and_1_is_no_label(listed):
    with pytest.raises(BadInput, match="needs one column called label"):
        read_csv(listed("path,cat\n0.png,1\n1.png,0\n"))


def test_a_split_beside_them_is_the_split(listed):
    lines = [f"{i}.png,{i % 2},{1 - i % 2},{i // 4}" for i in range(8)]
    found = read_csv(listed("\n".join(["path,a,b,is_test", *lines])))
    assert [row.label for row in found.rows] == ["b", "a"] * 4
    assert [row.part for row in found.rows] == ["train"] * 4 + ["test"] * 4


def test_a_label_column_goes_before_columns_of_0_and_1(listed):
    found = read_csv(listed("path,label,night,rain\n0.png,a,1,1\n1.png,b,0,0\n"))
    assert [row.label for row in found.rows] == ["a", "b"]
