"""The head of a report says whether the baseline was checked, and what the check said."""

import pytest


@pytest.mark.usefixtures("no_drawing")
def test_a_report_says_what_the_check_said(cli, stub, tmp_path):
    small = ("--set", "train_images=100")
    stub.shifts |= {"epochs=80": 6.0}
    cli("run", "--tricks", "cosine", *small, "--seeds", "2", "--name", "mine")
    assert cli("report", "mine").code == 0
    path = tmp_path / "reports" / "mine" / "report.md"
    line = "The baseline was not checked: `tricks-bench check --task digits --set train_images=100`"
    assert path.read_text().count(line) == 1
    cli("check", *small)
    assert cli("report", "mine").code == 0
    text = path.read_text()
    assert "not checked" not in text
    assert "**The baseline did not pass its check**" in text
    assert text.index("did not pass its check") < text.index("## Effects")
    assert "| budget | fail | still learning: +" in text
    assert "--set epochs=80`" in text
    assert cli("report", "digits-train_images-100-check").code == 0
    own = (tmp_path / "reports" / "digits-train_images-100-check" / "report.md").read_text()
    assert "| budget | fail |" in own


@pytest.mark.usefixtures("no_drawing")
def test_an_exported_report_finds_the_check_that_is_exported_beside_it(cli, stub, tmp_path):
    small = ("--set", "train_images=100")
    cli("run", "--tricks", "cosine", *small, "--seeds", "2", "--name", "mine")
    cli("check", *small)
    assert cli("export", "mine", "-o", "out/mine").code == 0
    assert cli("report", "out/mine").code == 0
    path = tmp_path / "reports" / "mine" / "report.md"
    assert "The baseline was not checked" in path.read_text()
    assert cli("export", "digits-train_images-100-check", "-o", "out/check").code == 0
    assert cli("report", "out/mine").code == 0
    beside = path.read_text()
    assert (
        "| references | pass | no simple method is above" in beside or "references | fail" in beside
    )
    assert cli("report", "mine").code == 0
    assert table(path.read_text()) == table(beside)


def table(text):
    """The part, verdict and value columns of a report's check."""
    rows = [line for line in text.splitlines() if line.startswith(("| noise |", "| budget |"))]
    assert len(rows) == 2
    return [row.partition("`")[0] for row in rows]
