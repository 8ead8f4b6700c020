"""Reporting: an experiment's answer as markdown and plots. Torch-free; reads the JSON contract."""

from runner.reporting.report import write_report

__all__ = ["write_report"]
