"""Measurements of the figures in README and docs; the tool neither installs nor imports them."""
