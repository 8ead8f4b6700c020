"""Runs as numbers: the experiment, its arms and cells, estimates."""
