from __future__ import annotations

import pytest


@pytest.fixture
def no_drawing(monkeypatch):
    """Plots are built but not rendered: most of a report's time."""
    monkeypatch.setattr("runner.reporting.plots.style.save", lambda fig, out, name: f"{name}.png")
    monkeypatch.setattr(
        "runner.reporting.html.page.inline", lambda figure: f"<svg>{figure.name}</svg>"
    )
