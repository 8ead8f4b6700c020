import math

import numpy as np
import pytest

from runner.analysis.test_set.classification import classification
from runner.analysis.to_json import to_json
from tricks.errors import BadInput

# Six images of three classes; rows are probabilities.
SHARES = np.array(
    [[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.5, 0.3, 0.2], [0.1, 0.6, 0.3], [0.3, 0.4, 0.3],
     [0.6, 0.2, 0.2]]
)  # fmt: skip
LABELS = [0, 0, 0, 1, 1, 1]


def test_numbers_by_hand():
    found = classification(np.log(SHARES), LABELS, ("a", "b", "c"))
    assert found.confusion.tolist() == [[2, 1, 0], [1, 2, 0], [0, 0, 0]]
    told = to_json(found)
    assert told["accuracy"] == pytest.approx(100 * 4 / 6)
    assert told["loss"] == pytest.approx(
        -sum(math.log(p) for p in (0.8, 0.2, 0.5, 0.6, 0.4, 0.2)) / 6
    )
    a, _, c = told["classes"]
    assert (a["images"], a["accuracy"], a["precision"]) == (
        3, pytest.approx(200 / 3), pytest.approx(200 / 3),
    )  # fmt: skip
    assert (c["images"], c["accuracy"], c["ci_low"], c["precision"]) == (0, None, None, None)
    assert told["confused"] == [
        {"class": "a", "predicted": "b", "images": 1, "share": pytest.approx(100 / 3)},
        {"class": "b", "predicted": "a", "images": 1, "share": pytest.approx(100 / 3)},
    ]


def test_wilson_interval_by_its_formula():
    told = to_json(classification(np.log(SHARES), LABELS, "abc"))
    p, n, z = 4 / 6, 6, 1.959963984540054
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    assert told["ci_low"] == pytest.approx(100 * (centre - half))
    assert told["ci_high"] == pytest.approx(100 * (centre + half))


def test_an_impossible_truth_has_no_finite_loss():
    with np.errstate(divide="ignore"):
        told = to_json(classification(np.log([[1.0, 0.0]]), [1], "ab"))
    assert told["loss"] is None


def test_no_images():
    with pytest.raises(BadInput, match="no images"):
        classification(np.zeros((0, 2)), [], "ab")
