"""What holds for all tests."""

import gc
import os
import tempfile
from pathlib import Path

import pytest

# Compiling a network takes a minute: tests over the whole bag train `compile` as torch does where
# it finds no compiler, without. What it compiles has tests of its own.
os.environ.setdefault("TORCHDYNAMO_DISABLE", "1")
# As many test processes as cores: further threads of each are in the others' way.
for _library in ("OMP", "MKL", "OPENBLAS"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")
# Image caches and digests of tests are nobody's; matplotlib's list of fonts takes long to make.
if "PYTEST_XDIST_WORKER" not in os.environ:
    os.environ.setdefault("MPLCONFIGDIR", str(Path.home() / ".cache" / "matplotlib"))
    os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="tricks-bench-cache-")


def pytest_collection_finish() -> None:
    """Modules and tests stay: a run that clears its memory need not look through them each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def no_drawing(monkeypatch):
    """Plots are built but not rendered: most of a report's time."""
    monkeypatch.setattr("runner.reporting.plots.style.save", lambda fig, out, name: f"{name}.png")
    monkeypatch.setattr(
        "runner.reporting.html.page.inline", lambda figure: f"<svg>{figure.name}</svg>"
    )
