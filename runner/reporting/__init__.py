"""Reporting: an experiment's answer as markdown and plots. Torch-free; reads the typed analysis."""
