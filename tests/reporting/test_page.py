"""The HTML page: it needs nothing else, names stay text, numbers are those of the report."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import synthetic

from runner.analysis.analyze import analyze
from runner.cli import call
from runner.reporting.document import Figure
from runner.reporting.headline import headline
from runner.reporting.html.data import page_data
from runner.reporting.html.figures import inline
from runner.reporting.markdown import inline as marked
from runner.reporting.plots.forest import forest
from runner.reporting.plotting import draw
from runner.reporting.report import write_report

ROOT = Path(__file__).parents[2]
TWO = synthetic.factors(("zero-gamma", "mixup", "evonorm"), optimizer=False)
EVIL = '</script><script>alert(1)</script><img src=x onerror="alert(2)">'


def page(study, out):
    return write_report(synthetic.material(*study), out, ("html",)).read_text()


def held(text):
    return json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])


def test_the_page_needs_nothing_else(tmp_path):
    text = page(synthetic.study("add-one", 3, TWO), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert not re.findall(r'(?:src|href)="(?!#|data:)', text)
    addresses = set(re.findall(r"https?://[^\s\"'<>)]+", text))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert "default-src 'none'" in text
    assert text.count("<svg") >= 4


def test_names_stay_text(tmp_path, no_drawing):
    text = page(synthetic.study("full", 3, {EVIL: ("off", "on"), "mixup": ("off", "on")}), tmp_path)
    assert text.count("<script") == text.count("</script>") == 2
    assert "<img" not in text
    assert EVIL in [e["label"] for e in held(text)["metrics"][0]["effects"]]


def test_a_drawn_name_stays_text_too():
    a = analyze(synthetic.study("add-one", 3, {EVIL: ("off", "on")})[0])
    text = inline(Figure("effects", EVIL, draw(forest, a)))
    assert "<script" not in text
    assert "<img" not in text
    assert "&lt;/script&gt;" in text, "text is text, not shapes"


def test_figures_follow_the_colours_of_the_page_and_share_no_id():
    a = analyze(synthetic.study("add-one", 3, TWO)[0])
    one, two = (inline(Figure(name, "", draw(forest, a))) for name in ("one", "two"))
    assert "var(--ink)" in one
    assert "#222222" not in one
    ids = [set(re.findall(r' id="([^"]+)"', text)) for text in (one, two)]
    assert not ids[0] & ids[1]
    for text, known in zip((one, two), ids, strict=True):
        used = set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', text))
        assert {a or b for a, b in used} <= known


def test_the_data_are_those_of_the_analysis():
    experiment, *rest = synthetic.study("add-one", 3, TWO)
    found = json.loads(page_data(synthetic.material(experiment, *rest)))
    names = [metric["name"] for metric in found["metrics"]]
    assert names[0] == "accuracy"
    assert {"val_accuracy", "loss", "cpu_seconds"} <= set(names)
    for metric in found["metrics"]:
        told = {e["label"]: (e["at"], e["low"], e["verdict"]) for e in metric["effects"]}
        for e in analyze(experiment, metric["name"]).effects:
            at, low, verdict = told[e.label]
            assert (at, low) == pytest.approx((e.effect, e.ci_low), rel=1e-9)
            assert verdict == e.verdict
    runs = experiment.runs
    assert found["runs"]["id"] == list(runs["id"])
    values = dict(zip(found["runs"]["id"], found["runs"]["values"][0], strict=True))
    for row in found["rows"]:
        ids = [found["runs"]["id"][i] for i in row["runs"]]
        on = {name for name in TWO if row["label"] == name}
        mine = runs[(runs[list(TWO)].eq("on").sum(axis=1) == len(on))]
        mine = mine[mine[list(on)].eq("on").all(axis=1)]
        assert ids == list(mine["id"])
        assert [values[i] for i in ids] == pytest.approx(list(mine["accuracy"]), rel=1e-5)


def test_a_crowd_of_arms_has_rows_by_level():
    bag = synthetic.factors(("zero-gamma", "mixup", "evonorm", "warmup", "cosine", "cutmix"))
    found = json.loads(page_data(synthetic.material(*synthetic.study("full", 3, bag))))
    labels = [row["label"] for row in found["rows"]]
    assert labels[:2] == ["zero-gamma=off", "zero-gamma"]
    assert labels[-2:] == ["optimizer=lars", "optimizer=adamw"]
    assert all(len(row["runs"]) <= 300 for row in found["rows"])
    assert {row["of"] for row in found["rows"][:2]} == {288}


def test_the_answer_is_three_sentences():
    said = [
        marked(text) for text in headline(synthetic.material(*synthetic.study("add-one", 5, TWO)))
    ]
    assert re.match(r"On accuracy zero-gamma \(\+\d\.\d\d pp, .*\) \*\*helps\*\*", said[0])
    assert "could see effects of" in said[1]
    assert said[2].startswith("**Recommended recipe**: **zero-gamma**")


def test_the_answer_of_a_grid_says_what_depends():
    found = synthetic.material(*synthetic.study("full", 3, TWO, diverge=False))
    first, *_ = headline(found)
    assert re.match(r"What \d of 3 tricks do to accuracy \*\*depends\*\* on", marked(first))


def test_a_study_of_a_hundred_runs_stays_small(tmp_path, capsys):
    study = ROOT / "results/ten-epochs/digits-add-one"
    assert call(["report", str(study), "--out", str(tmp_path), "--format", "html"]) == 0
    assert (tmp_path / "report.html").stat().st_size < 1_500_000
    assert capsys.readouterr().out.strip() == str(tmp_path / "report.html")


@pytest.mark.parametrize("formats", ["pdf", "", "md,htm"])
def test_unknown_formats_are_refused(formats, tmp_path, capsys):
    study = ROOT / "results/ten-epochs/digits-until"
    assert call(["report", str(study), "--out", str(tmp_path), "--format", formats]) == 2
    assert "format" in capsys.readouterr().err
