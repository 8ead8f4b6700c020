"""Tables of runs in which MixUp adds two points, and the effect found in them."""

from runner.analysis.analyze import analyze

RUNS = [(m, s, 90 + 2 * m + s / 10) for m in (0, 1) for s in range(4)]  # mixup adds 2.0


def effect(experiment, metric="accuracy"):
    found = analyze(experiment, metric).effects
    assert [e.factor for e in found] == ["mixup"]
    return found[0]


def written(tmp_path, text, name="t.csv"):
    (tmp_path / name).write_text(text)
    return tmp_path / name
