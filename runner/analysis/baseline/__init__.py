"""The check of whether a baseline is worth ablating, from few runs on validation."""
