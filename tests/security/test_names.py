"""Names that attack every output: markdown, CSV, SVG, PNG, terminal."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.cli import call
from runner.records.export import write_csv, write_export
from runner.records.record import unseal
from runner.records.store import Store
from runner.records.studies import load_study, save_study
from runner.records.study_toml import from_mapping
from runner.text import visible
from tests.security.attacks import ATTACKS, FEW, check_csv, check_markdown, check_svg, check_text

GOLDEN = Path(__file__).parents[1] / "records" / "golden" / "schema-1" / "results"


def a_study(root: Path, names: tuple[str, ...]) -> Store:
    """Factors, levels, tricks, errors, devices and versions with an attacker's names."""
    store, paths = Store(root), sorted((GOLDEN / "runs").glob("*/*.json"))
    golden = [unseal(path.read_bytes(), path.stem) for path in paths]
    whole = next(record for record in golden if record["state"] == "ok")
    broken = next(record for record in golden if record["state"] == "failed")
    factors = [{"name": n, "levels": ["off", f"{n}!"]} for n in names]
    rows = []
    for arm in range(len(names) + 1):
        for seed in range(3):
            id = f"{arm:08x}{seed:08x}"
            on = [n for i, n in enumerate(names, 1) if i == arm]
            levels = {n: f"{n}!" if n in on else "off" for n in names}
            rows.append({"id": id, "seed": seed, **levels})
            record = {**whole, "id": id, "seed": seed, "tricks": on, "device": names[0]}
            record |= {"test_accuracy": 80.0 + arm + seed / 7, "versions": {names[0]: names[-1]}}
            if seed == 2 and arm == 1:
                error = {"type": names[0], "message": " ".join(names)}
                record = {**broken, "id": id, "seed": seed, "tricks": on, "error": error}
            if seed == 2 and arm == 2:
                record |= {"state": "diverged", "test_accuracy": None, "correct": None}
            assert store.commit(record)
    settings = {names[0].strip(): names[-1]}
    asked = {"task": names[0], "grid": "add-one", "factors": factors, "settings": settings,
             "seeds": 3, "arms": len(names) + 1}  # fmt: skip
    save_study(store, "s", from_mapping(asked), rows)
    return store


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `results`, `out` and `runs.csv`."""
    place = tmp_path_factory.mktemp("attacked")
    store = a_study(place / "results", FEW)
    write_export(store, load_study(store), place / "out")
    write_csv(store, load_study(store), place / "runs.csv")
    return place


def report(written: Path, out: Path) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a label of 1,000 letters leaves no room for a plot
        assert call(["report", "--results", str(written / "results"), "--out", str(out)]) == 0
    return (out / "report.md").read_text()


def test_a_report_is_only_text(
    written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.reporting.plotting.draw", lambda *arguments: None)
    text = report(written, tmp_path)
    check_markdown(text)
    assert "onerror" in text  # it is shown, not dropped


@pytest.mark.slow
def test_plots_hold_no_markup(written: Path, tmp_path: Path) -> None:
    check_markdown(report(written, tmp_path))
    plots = sorted(tmp_path.glob("*.svg"))
    assert len(plots) >= 4
    for plot in plots:
        check_svg(plot.read_bytes())
        assert plot.with_suffix(".png").read_bytes()[:4] == b"\x89PNG"


def test_tables_hold_no_formula(written: Path) -> None:
    for path in (written / "runs.csv", written / "out" / "runs.csv"):
        with path.open(newline="") as file:
            assert len(check_csv(file.read())) == 1 + 3 * (len(FEW) + 1)


def test_a_terminal_is_not_steered(written: Path, capsys: Any) -> None:
    results = ["--results", str(written / "results")]
    lines = [
        ["analyze", "s", *results], ["analyze", str(written / "out")], ["status", "s", *results],
        ["list", "studies", *results], ["run", "--study", "s", "--dry-run", *results],
        ["show", ATTACKS[7]], ["analyze", str(written / "runs.csv")], ["status", ATTACKS[7]],
        ["run", "--set", f"{ATTACKS[7]}=1"], ["doctor", str(written / "results")],
    ]  # fmt: skip
    for line in lines:
        code = call(line)
        said = capsys.readouterr()
        assert said.out + said.err, line
        check_text(said.out)
        check_text(said.err)
        assert code in (0, 1, 2)
        if code == 2:
            assert said.err.count("\n") == 1, said.err


def test_class_names_and_files_of_a_users_folder(tmp_path: Path) -> None:
    from runner.analysis.test_set.classification import classification
    from runner.records.csv_text import written as as_csv
    from runner.reporting.evaluation import files, tables

    names = tuple(ATTACKS)
    rng = np.random.default_rng(0)
    logs = np.log(rng.dirichlet(np.ones(len(names)), 60))
    found = classification(logs, list(np.arange(60) % len(names)), names)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        contents = files(found, [f"the images in {name}" for name in names])
    check_markdown(contents["evaluation.md"].decode())
    check_svg(contents["confusion.svg"])
    for rows in tables(found).values():
        check_csv(as_csv(rows).decode())
    odd = b"\xff\xfe.png".decode(errors="surrogateescape")  # a file name that is no UTF-8
    rows = [["path", *(f"p_{name}" for name in names)], [odd, *names]]
    assert check_csv(as_csv(rows).decode())[1][0] == "\\udcff\\udcfe.png"


def test_a_trick_with_a_name_of_its_own_choice_cannot_hide(tmp_path: Path, capsys: Any) -> None:
    """A requested plug-in's trick, in a separate process so that the registry stays unchanged."""
    import subprocess
    import sys

    (tmp_path / "mine.py").write_text(
        "from dataclasses import dataclass\nfrom typing import ClassVar\n"
        "from tricks import Edits, Trick\n\n@dataclass(frozen=True)\nclass Mine(Trick):\n"
        '    """Idea <b>\\x1b[31m."""\n    name: ClassVar[str] = "<img onerror=…>\\x1b[2J|"\n'
        '    source: ClassVar[str] = "\\u202ehere"\n'
        '    def edits(self):\n        return Edits(sets={"epochs": 20})\n'
    )
    code = (
        "from runner.cli import call\n"
        "for line in ('list tricks', 'run --dry-run --tricks mixup,warmup'):\n"
        "    assert call([*line.split(), '--plugin', 'mine.py']) in (0, 2)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    check_text(done.stdout + done.stderr)


def test_what_is_visible_stays_as_it_is() -> None:
    for text in ("warmup", "größe", "学习", "a\tb\n", "👩\u200d🔬", "−0.20 to +0.41"):
        assert visible(text) == text


def test_the_name_of_an_export_leads_nowhere(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(GOLDEN.parent / "export", tmp_path / "out")
    (tmp_path / "out" / "SHA256SUMS").unlink()
    file = tmp_path / "out" / "study.toml"
    for name in ("../../evil", "/tmp/evil", "a/b", ".", "..", "x" * 200, "\\u001b[2J"):
        file.write_text(file.read_text().replace('name = "golden"', f'name = "{name}"', 1))
        assert call(["report", "out"]) == 2
        said = capsys.readouterr().err
        assert "is not a valid name of a study" in said
        check_text(said)
        shutil.copy(GOLDEN.parent / "export" / "study.toml", file)
    assert not (tmp_path / "reports").exists()
