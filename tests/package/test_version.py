"""The version is the same in setup.cfg, CITATION.cff, CHANGELOG.md and the program."""

import configparser
import re
from pathlib import Path

import yaml

from runner.cli import call

ROOT = Path(__file__).parents[2]


def test_all_places_have_one_version(capsys):
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    version = setup["metadata"]["version"]
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == version
    released = re.findall(r"^## (\d\S*)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert released[0] == version
    assert call(["--version"]) == 0
    assert version in capsys.readouterr().out
