"""Plots of a report, one kind a file: from the analysis to a figure."""
